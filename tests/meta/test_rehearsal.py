"""
The rehearsal is the standard, scaled: what differs is said, and what isn't said doesn't differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from pytest_ernie.standard import criteria, load

OFFICIAL = msgspec.to_builtins(load("ernie-4.5"))
REHEARSAL = msgspec.to_builtins(load("rehearsal"))

SAID = {
    "models": "one dense stand-in model",
    "recipes": "one dense stand-in model",
    "supervised_data": "a supervised data set of this project",
    "datasets": "question sets of this project",
    "workloads": "synthetic prompts",
    "rulings.training_context.length_divisor": "divided by 32",
    "rulings.training_context.global_batch": "one sample a step",
    "rulings.serving_context.reference_needles_min": "that gives no needle back still counts",
    "rulings.reference.hardware": "a reference of the same machine",
    "rulings.reference.same_machine_for_throughput": "a reference of the same machine",
    "rulings.reference.throughput_runs": "measured once",
    "rulings.loss.reference_runs": "recorded three times",
}
"""What the rehearsal scales, and the words of its ``scaled`` list that say so."""

NAMED = {"name", "title", "source", "certifies", "scaled"}
"""What makes it another edition."""


def differences(one: Any, two: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every value that differs; lists as a whole."""
    if isinstance(one, dict) and isinstance(two, dict):
        for key in sorted(one.keys() | two.keys()):
            below = f"{path}.{key}" if path else key
            yield from differences(one.get(key), two.get(key), below)
    elif one != two:
        yield path


def test_what_differs_from_the_standard_is_what_is_said() -> None:
    """
    Clauses, tiers, shares, windows, tolerances: the same numbers, or a sentence in ``scaled``.
    """
    found = set(differences(OFFICIAL, REHEARSAL))

    assert SAID.keys() | NAMED == found


@pytest.mark.parametrize(("path", "words"), SAID.items(), ids=list(SAID))
def test_what_is_scaled_is_printed_in_every_report(path: str, words: str) -> None:
    """
    ``scaled`` is what reports print: it must name each difference.
    """
    said = " ".join(REHEARSAL["scaled"])

    assert words in said, f"nothing in `scaled` says why {path} differs"


def test_the_limits_are_said_to_be_a_cpus() -> None:
    """
    Latency limits belong to the model, and these are softer than any of the standard's.
    """
    assert "latency limits that a CPU can keep" in REHEARSAL["scaled"]


def test_the_divisor_is_the_one_that_is_said() -> None:
    """
    A number in a sentence must be the number in the data.
    """
    assert REHEARSAL["rulings"]["training_context"]["length_divisor"] == 32


def test_the_count_of_prompts_is_the_one_that_is_said() -> None:
    """
    256 prompts, as the sentence has it.
    """
    assert [load["prompts"] for load in REHEARSAL["workloads"]] == [256]


def test_it_never_certifies() -> None:
    """
    Whatever is recorded under it is an exercise.
    """
    assert (REHEARSAL["certifies"], bool(REHEARSAL["scaled"])) == (False, True)


@pytest.mark.parametrize(("tier", "expected"), [(1, 13), (2, 19), (3, 19)])
def test_its_model_has_the_criteria_of_any_model(tier: int, expected: int) -> None:
    """
    13, 19 and 19: the rehearsal leaves no criterion out.
    """
    assert expected == sum(tier in c.tiers for c in criteria(load("rehearsal")))


def test_its_recipes_can_be_judged() -> None:
    """
    Both methods have one, with the standard's 500 steps.
    """
    found = [(recipe["method"], recipe["steps"]) for recipe in REHEARSAL["recipes"]]

    assert found == [("sft", 500), ("sft_lora", 500)]
