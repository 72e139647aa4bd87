"""
Inference, centralised deployment (推理-集中式), in the data type of each tier.
"""

from __future__ import annotations

from pytest_ernie.clauses import clause
from pytest_ernie.comparison import (
    comparable,
    served_data_type,
    share_of_serving_benchmark,
    with_deaths,
)
from pytest_ernie.paired_answers import score_alone, scores_agree
from pytest_ernie.verdicts import serving_context


@clause("inference.datatype")
def test_the_server_computes_in_the_data_type(criterion, candidate, standard, judge):
    """
    > 数据类型支持：WINT8（I级）、WINT4（II级）、W4A8（III级）
    """
    served = candidate.served(criterion)

    judge(served_data_type(served, criterion, standard))


@clause("inference.context")
def test_the_server_answers_a_prompt_of_the_context_length(
    criterion, candidate, reference, standard, judge
):
    """
    > 上下文长度：8&32K（I级）、8&32&128K（II级、III级）
    """
    measured = candidate.context(criterion)
    benchmark = reference.context(criterion)
    comparable(measured.record, benchmark.record)

    verdict = serving_context(measured.answer, benchmark.answer, standard.rulings.serving_context)
    judge(with_deaths(verdict, *measured.record.deaths))


@clause("inference.throughput")
def test_tps_reaches_its_share_of_the_benchmark(criterion, candidate, reference, standard, judge):
    """
    > 单机TPS达到benchmark的50%（II级）、80%（III级）
    > 在解码速度、首token时延的约束条件下，测试性能。
    """
    measured = candidate.peak_throughput(criterion)
    benchmark = reference.peak_throughput(criterion)

    judge(share_of_serving_benchmark(measured, benchmark, criterion, standard))


@clause("inference.accuracy")
def test_the_score_equals_the_benchmarks(criterion, candidate, reference, standard, show, judge):
    """
    > 模型在指定数据集评测，得分与GPU结果持平(相差1分以内)
    """
    measured = candidate.accuracy(criterion)
    show(*score_alone(measured, standard))
    benchmark = reference.accuracy(criterion)

    judge(scores_agree(measured, benchmark, standard))
