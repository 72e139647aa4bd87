"""
Training: SFT and SFT-LoRA of every model.
"""

from __future__ import annotations

from pytest_ernie.clauses import clause
from pytest_ernie.comparison import (
    before_training,
    comparable,
    loss_at_length,
    loss_of,
    share_of_training_benchmark,
)


@clause("training.loss")
def test_loss_follows_the_benchmark(criterion, candidate, reference, standard, judge):
    """
    > 在指定有监督数据集上，在同样的训练超参数配置下（随机种子、学习率策略、全局批大小等），400步后（到500步）
    > loss曲线逐位diff（绝对误差）基本维持在+-1e-2以内，outlier不多于10个，且diff无发散迹象。
    """
    before_training(candidate, reference, criterion, standard)
    measured = candidate.training_run(criterion)
    benchmark = reference.training_run(criterion)
    comparable(measured.record, benchmark.record)

    judge(loss_of(measured, benchmark, standard))


@clause("training.throughput")
def test_training_reaches_its_share_of_the_benchmark(
    criterion, candidate, reference, standard, judge
):
    """
    > 性能达到benchmark的50%（II级）、80%（III级）
    > 模型性能：基于前500step计算平均token/s
    """
    before_training(candidate, reference, criterion, standard)
    measured = candidate.training_run(criterion)
    benchmark = reference.training_run(criterion)
    comparable(measured.record, benchmark.record)

    judge(share_of_training_benchmark(measured, benchmark, criterion, standard))


@clause("training.context")
def test_training_runs_at_the_context_length(criterion, candidate, reference, standard, judge):
    """
    > 上下文长度：8&32K（I级）、8&32&128K（II级、III级）
    """
    before_training(candidate, reference, criterion, standard)
    measured = candidate.training_context(criterion)
    benchmark = reference.training_context_if_any(criterion)

    judge(loss_at_length(measured, benchmark, criterion, standard))
