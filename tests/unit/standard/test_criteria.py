"""
Criteria: what the edition multiplies to, with names that can be typed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from pytest_ernie.standard import (
    Criterion,
    Edition,
    criteria,
    datasets_of,
    load,
    parse,
    workloads_of,
)

OFFICIAL = load("ernie-4.5")
TEXT, VISION = OFFICIAL.model("ERNIE-4.5-0.3B"), OFFICIAL.model("ERNIE-4.5-28B-A3B")


def names(clause: str, model: str, edition: Edition = OFFICIAL) -> list[str]:
    """The names of a clause's criteria for one model, in order."""
    return [c.name for c in criteria(edition) if (c.clause, c.model) == (clause, model)]


def test_names_are_unique() -> None:
    """
    A name is a key of reports and of ``-k``.
    """
    counts = Counter(criterion.name for criterion in criteria(OFFICIAL))

    assert [name for name, count in counts.items() if count > 1] == []


def test_ids_can_be_typed() -> None:
    """
    No spaces, brackets or quotes: a shell takes them as they are.
    """
    odd = [
        c.id
        for c in criteria(OFFICIAL)
        if not c.id.replace("-", "").replace(".", "").replace("_", "").isalnum()
    ]

    assert odd == []


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("training.loss", ["ERNIE-4.5-0.3B-sft", "ERNIE-4.5-0.3B-sft_lora"]),
        (
            "training.throughput",
            [
                "tier2-ERNIE-4.5-0.3B-sft",
                "tier2-ERNIE-4.5-0.3B-sft_lora",
                "tier3-ERNIE-4.5-0.3B-sft",
                "tier3-ERNIE-4.5-0.3B-sft_lora",
            ],
        ),
        (
            "training.context",
            [
                "ERNIE-4.5-0.3B-sft-8192",
                "ERNIE-4.5-0.3B-sft-32768",
                "ERNIE-4.5-0.3B-sft-131072",
                "ERNIE-4.5-0.3B-sft_lora-8192",
                "ERNIE-4.5-0.3B-sft_lora-32768",
                "ERNIE-4.5-0.3B-sft_lora-131072",
            ],
        ),
        (
            "inference.datatype",
            [
                "tier1-ERNIE-4.5-0.3B-wint8",
                "tier2-ERNIE-4.5-0.3B-wint4",
                "tier3-ERNIE-4.5-0.3B-w4a8",
            ],
        ),
        (
            "inference.throughput",
            ["tier2-ERNIE-4.5-0.3B-wint4", "tier3-ERNIE-4.5-0.3B-w4a8"],
        ),
        (
            "inference.context",
            [
                "tier1-ERNIE-4.5-0.3B-wint8-8192",
                "tier1-ERNIE-4.5-0.3B-wint8-32768",
                "tier2-ERNIE-4.5-0.3B-wint4-8192",
                "tier2-ERNIE-4.5-0.3B-wint4-32768",
                "tier2-ERNIE-4.5-0.3B-wint4-131072",
                "tier3-ERNIE-4.5-0.3B-w4a8-8192",
                "tier3-ERNIE-4.5-0.3B-w4a8-32768",
                "tier3-ERNIE-4.5-0.3B-w4a8-131072",
            ],
        ),
    ],
)
def test_a_clause_multiplies_by_what_varies(clause: str, expected: list[str]) -> None:
    """
    The names of a model's criteria, clause by clause, as the table of the standard has them.
    """
    assert [f"{clause}[{id}]" for id in expected] == names(clause, "ERNIE-4.5-0.3B")


def test_text_models_answer_the_text_sets() -> None:
    """
    效果: text models GSM8K and three others, tier by tier in the tier's data type.
    """
    sets = [name.split("wint8-")[1][:-1] for name in names("inference.accuracy", TEXT.name)[:4]]

    assert sets == ["GSM8K", "BBH", "CMMLU", "IFEval"]


def test_multimodal_models_answer_the_multimodal_sets() -> None:
    """
    效果: multimodal models MMLU and three others.
    """
    found = [data.name for data in datasets_of(OFFICIAL, VISION)]

    assert found == ["MMLU", "MMMU", "OCRBench", "MathVista"]


def test_multimodal_models_keep_their_limits_on_both_workloads() -> None:
    """
    R7b: text and images for VL models, text alone for the others.
    """
    found = [[load.name for load in workloads_of(OFFICIAL, m)] for m in (TEXT, VISION)]

    assert found == [["text"], ["text", "images"]]


def test_a_share_belongs_to_its_tier() -> None:
    """
    Tier II asks for 50 %, tier III for 80 %, and nothing else has a share.
    """
    shares = {(c.clause, c.tier, c.share) for c in criteria(OFFICIAL) if c.share is not None}

    assert {
        ("training.throughput", 2, 0.5),
        ("training.throughput", 3, 0.8),
        ("inference.throughput", 2, 0.5),
        ("inference.throughput", 3, 0.8),
    } == shares


def test_every_throughput_criterion_has_a_share() -> None:
    """
    A criterion without its threshold would judge nothing.
    """
    without = [c.name for c in criteria(OFFICIAL) if "throughput" in c.clause and not c.share]

    assert without == []


def test_serving_criteria_carry_the_data_type_of_their_tier() -> None:
    """
    Rows differ in data type, so no tier's serving result stands for another's (R1).
    """
    pairs = {(c.tier, c.datatype) for c in criteria(OFFICIAL) if c.clause.startswith("inference.")}

    assert {(1, "wint8"), (2, "wint4"), (3, "w4a8")} == pairs


def test_shared_training_criteria_name_every_tier_that_needs_them() -> None:
    """
    One run at 8K serves all tiers; 128K only II and III.
    """
    tiers = {c.length: c.tiers for c in criteria(OFFICIAL) if c.clause == "training.context"}

    assert tiers == {8192: (1, 2, 3), 32768: (1, 2, 3), 131072: (2, 3)}


def test_a_criterion_of_one_tier_is_needed_by_that_tier_only() -> None:
    """
    ``tier`` and ``tiers`` never disagree.
    """
    odd = [c.name for c in criteria(OFFICIAL) if c.tier is not None and c.tiers != (c.tier,)]

    assert odd == []


def test_no_criterion_comes_from_a_clause_that_is_left_open() -> None:
    """
    强化学习 has columns and no words: nothing can be shown, so nothing is asked.
    """
    assert [c.name for c in criteria(OFFICIAL) if c.clause == "reinforcement"] == []


def test_criteria_follow_the_order_of_the_clauses() -> None:
    """
    Reports show them as the standard does.
    """
    seen = list(dict.fromkeys(c.clause for c in criteria(OFFICIAL)))

    assert [clause.id for clause in OFFICIAL.clauses if not clause.unspecified] == seen


def test_a_tier_without_a_share_has_no_throughput_criterion(
    changed: Callable[..., Edition],
) -> None:
    """
    无要求 is no requirement: tier I gains one only if the edition states a share.
    """
    edition = changed('number = 1\nname = "I"\n', 'number = 1\nname = "I"\nserving_share = 0.3\n')
    found = [
        c.share for c in criteria(edition) if c.clause == "inference.throughput" and c.tier == 1
    ]

    assert found == [0.3] * 5


def test_a_training_share_of_tier_one_would_be_asked_too(changed: Callable[..., Edition]) -> None:
    """
    The share makes the criterion, not the tier's number.
    """
    edition = changed('number = 1\nname = "I"\n', 'number = 1\nname = "I"\ntraining_share = 0.3\n')
    found = [
        c.share for c in criteria(edition) if c.clause == "training.throughput" and c.tier == 1
    ]

    assert found == [0.3] * 10


def test_an_id_leaves_out_what_does_not_vary() -> None:
    """
    No empty parts, no doubled dashes.
    """
    bare = Criterion(clause="training.loss", model="M", tiers=(1,))

    assert (bare.id, bare.name) == ("M", "training.loss[M]")


def test_looking_up_what_an_edition_lacks_fails(official: str) -> None:
    """
    A lookup never falls back to something similar.
    """
    edition = parse(official, "mine.toml")

    for ask in (edition.model, edition.clause, edition.datatype):
        with pytest.raises(KeyError, match="ERNIE-4"):
            ask("ERNIE-4")
    assert edition.recipe("ERNIE-4", "sft") is None


def test_what_an_edition_has_is_found_by_name() -> None:
    """
    Tier by number, model, clause and data type by name, recipe by model and method.
    """
    rehearsal = load("rehearsal")
    recipe = rehearsal.recipe("ERNIE-4.5-tiny", "sft_lora")
    assert recipe is not None

    found = (
        OFFICIAL.tier(3).name,
        TEXT.limits.decode_tokens_per_s,
        OFFICIAL.clause("training.loss").phase,
        OFFICIAL.datatype("w4a8").activations,
        recipe.lora_rank,
    )
    assert found == ("III", 60, "training", ("int8",), 8)


def test_a_stand_in_is_asked_about_its_own_clauses_only() -> None:
    """
    Of the proof's two stand-ins one has the shape and the other the training; together they bear all.
    """
    edition = load("gpu-proof")
    asked = {
        model.name: {c.clause for c in criteria(edition) if c.model == model.name}
        for model in edition.models
    }

    assert asked == {model.name: set(model.clauses) for model in edition.models}
    assert set().union(*asked.values()) == {c.id for c in edition.clauses if not c.unspecified}
