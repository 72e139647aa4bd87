"""
The edition holds the standard: its table, its thresholds, its counts.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from typing import Any

import msgspec
import pytest

from pytest_ernie.standard import Edition, criteria, load, schema

OFFICIAL = load("ernie-4.5")

NUMBERS: dict[str, dict[str, Any]] = {
    "R2": {"rulings.loss.first_step": 401, "rulings.loss.last_step": 500},
    "R3": {"rulings.loss.tolerance": 1e-2, "rulings.loss.max_outliers": 10},
    "R4": {"rulings.loss.divergence_growth": 5e-3, "rulings.loss.divergence_significance": 0.01},
    "R5": {
        "rulings.training_throughput.first_step": 1,
        "rulings.training_throughput.last_step": 500,
        "rulings.training_throughput.share_confidence": 0.95,
    },
    "R7": {
        "rulings.serving_throughput.failed_share_max": 0.001,
        "rulings.serving_throughput.latency_percentile_shown": 90,
    },
    "R9": {
        "rulings.serving_throughput.full_length_share_min": 0.99,
        "workloads.text.output_tokens_min": 16,
        "workloads.text.output_tokens_max": 1024,
        "workloads.images.output_tokens_min": 128,
        "workloads.images.output_tokens_max": 128,
    },
    "R6": {
        "rulings.serving_throughput.search_confidence": 0.95,
        "rulings.serving_throughput.search_requests_max": 20000,
        "workloads.text.concurrency_start": 1,
        "workloads.text.concurrency_most": 1024,
        "workloads.images.concurrency_start": 1,
        "workloads.images.concurrency_most": 512,
    },
    "R15": {
        "rulings.serving_throughput.client_cpu_share_max": 0.8,
        "rulings.serving_throughput.client_waited_share_max": 0.1,
        "rulings.serving_throughput.client_roofline_share_max": 0.5,
        "rulings.serving_throughput.client_lateness_share_max": 0.05,
        "rulings.serving_throughput.client_in_flight_share_min": 0.95,
    },
    "R10": {
        "rulings.accuracy.points_max": 1.0,
        "rulings.accuracy.confidence": 0.95,
        "rulings.accuracy.discordance": 0.03,
        "rulings.accuracy.false_fail_max": 0.05,
    },
    "R12": {
        "tiers.I.contexts": (8192, 32768),
        "tiers.II.contexts": (8192, 32768, 131072),
        "tiers.III.contexts": (8192, 32768, 131072),
        "rulings.training_context.steps": 20,
        "rulings.training_context.tolerance": 1e-2,
        "rulings.training_context.length_divisor": 1,
    },
    "R13": {
        "tiers.I.datatype": "wint8",
        "tiers.II.datatype": "wint4",
        "tiers.III.datatype": "w4a8",
        "datatypes.w4a8.activations": ("int8",),
        "datatypes.wint8.dense": ("int8",),
        "datatypes.wint8.experts": ("int8",),
        "datatypes.wint4.experts": ("int4",),
        "datatypes.wint4.beside_experts": ("int4", "int8"),
        "datatypes.w4a8.experts": ("int4",),
    },
    "R14": {
        "rulings.reference.hardware": ("A100", "A800"),
        "rulings.reference.throughput_runs": 3,
        "rulings.loss.reference_runs": 1,
        "rulings.reference.same_machine_for_throughput": False,
    },
    "shares": {
        "tiers.I.training_share": None,
        "tiers.I.serving_share": None,
        "tiers.II.training_share": 0.50,
        "tiers.II.serving_share": 0.50,
        "tiers.III.training_share": 0.80,
        "tiers.III.serving_share": 0.80,
    },
    "workloads": {
        "workloads.text.prompts": 5000,
        "workloads.text.source": "ShareGPT",
        "workloads.images.prompts": 2350,
        "workloads.images.source": "OCRBench_v2",
    },
    "certifies": {"certifies": True, "scaled": (), "methods": ("sft", "sft_lora")},
}
"""Every number of the table and of the rulings, by the ruling that names it."""


def value_at(edition: Edition, path: str) -> Any:
    """Follow a path of fields; entries of lists go by their names."""

    def step(value: Any, name: str) -> Any:
        if isinstance(value, tuple):
            return next(entry for entry in value if entry.name == name)
        return getattr(value, name)

    return reduce(step, path.split("."), edition)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(path, expected, id=f"{ruling}-{path}")
        for ruling, numbers in NUMBERS.items()
        for path, expected in numbers.items()
    ],
)
def test_the_edition_holds_the_number_of_the_ruling(path: str, expected: Any) -> None:
    """
    A threshold is data; moving one is a new edition and not a patch.
    """
    found = value_at(OFFICIAL, path)

    assert (type(expected), expected) == (type(found), found)


@pytest.mark.parametrize(
    ("model", "decode_tokens_per_s", "ttft_s", "ttft_multimodal_s", "kind"),
    [
        ("ERNIE-4.5-424B-A47B", 20, 1.0, 4.0, ("multimodal", "moe")),
        ("ERNIE-4.5-300B-A47B", 20, 1.0, None, ("text", "moe")),
        ("ERNIE-4.5-28B-A3B", 40, 0.3, 4.0, ("multimodal", "moe")),
        ("ERNIE-4.5-21B-A3B", 40, 0.3, None, ("text", "moe")),
        ("ERNIE-4.5-0.3B", 60, 0.3, None, ("text", "dense")),
    ],
)
def test_a_model_has_the_limits_of_the_table(
    model: str,
    decode_tokens_per_s: float,
    ttft_s: float,
    ttft_multimodal_s: float | None,
    kind: tuple[str, str],
) -> None:
    """
    > 300B&424B：在解码速度20、首token时延<1s（多模<4s）的约束条件下
    > 21B&28B：在解码速度40、首token时延<300ms（多模<4s）的约束条件下
    > 0.3B：在解码速度60、首token时延<300ms的约束条件下
    """
    found = OFFICIAL.model(model)

    assert (decode_tokens_per_s, ttft_s, ttft_multimodal_s) == (
        found.limits.decode_tokens_per_s,
        found.limits.ttft_s,
        found.limits.ttft_multimodal_s,
    )
    assert kind == (found.modality, found.architecture)


def test_the_edition_has_the_five_models_and_no_other() -> None:
    """
    针对模型发证: five models, five certificates.
    """
    assert len(OFFICIAL.models) == 5


@pytest.mark.parametrize(("tier", "expected"), [(1, 65), (2, 95), (3, 95)])
def test_a_tier_has_its_count_of_criteria(tier: int, expected: int) -> None:
    """
    65, 95 and 95: what a certificate of all five models stands for.
    """
    assert expected == sum(tier in c.tiers for c in criteria(OFFICIAL))


@pytest.mark.parametrize(("tier", "expected"), [(1, 13), (2, 19), (3, 19)])
def test_every_model_has_its_count_of_criteria_in_a_tier(tier: int, expected: int) -> None:
    """
    13, 19 and 19 for each of the models alike.
    """
    counts = Counter(c.model for c in criteria(OFFICIAL) if tier in c.tiers)

    assert {model.name: expected for model in OFFICIAL.models} == counts


def test_there_are_185_criteria() -> None:
    """
    Criteria that tiers share are counted once.
    """
    assert len(criteria(OFFICIAL)) == 185


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("training.loss", 10),
        ("training.throughput", 20),
        ("training.context", 30),
        ("inference.datatype", 15),
        ("inference.throughput", 10),
        ("inference.context", 40),
        ("inference.accuracy", 60),
    ],
)
def test_a_clause_has_its_count_of_criteria(clause: str, expected: int) -> None:
    """
    The table of criteria, clause by clause.
    """
    assert expected == sum(c.clause == clause for c in criteria(OFFICIAL))


@pytest.mark.parametrize(
    ("clause", "words"),
    [
        ("training.loss", ["400步后（到500步）", "+-1e-2", "outlier不多于10个", "无发散迹象"]),
        ("training.throughput", ["50%", "80%", "前500step", "平均token/s"]),
        ("training.context", ["8&32K", "8&32&128K"]),
        ("inference.datatype", ["WINT8", "WINT4", "W4A8"]),
        ("inference.throughput", ["单机TPS", "50%", "80%"]),
        ("inference.context", ["8&32K", "8&32&128K"]),
        ("inference.accuracy", ["得分与GPU结果持平", "相差1分以内"]),
        ("reinforcement", ["强化学习"]),
    ],
)
def test_a_clause_quotes_the_standard(clause: str, words: list[str]) -> None:
    """
    The sentence beside the check is the standard's own.
    """
    text = OFFICIAL.clause(clause).text

    assert [word for word in words if word not in text] == []


def test_the_standard_names_two_question_sets() -> None:
    """
    R11: GSM8K and MMLU are the standard's, the others this edition's; four for each modality.
    """
    named = [data.name for data in OFFICIAL.datasets if data.named_by_standard]
    counts = Counter(data.modality for data in OFFICIAL.datasets)

    assert (named, counts) == (["GSM8K", "MMLU"], {"text": 4, "multimodal": 4})


def test_the_schema_is_the_one_that_the_types_give() -> None:
    """
    ``python -m pytest_ernie.standard.schema`` writes it anew; editors and others read it.
    """
    assert schema.generated() == schema.PATH.read_text(encoding="utf-8")


def test_the_schema_names_its_dialect_and_its_subject() -> None:
    """
    A schema without a dialect is read by guessing.
    """
    head = msgspec.json.decode(schema.generated())

    assert (head["$schema"], head["title"]) == (
        "https://json-schema.org/draft/2020-12/schema",
        "An edition of the certification standard",
    )
