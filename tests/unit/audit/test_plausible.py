"""
What is believed of an old figure beside a new one: at, under and over each tolerance.
"""

from __future__ import annotations

import math

import msgspec
import pytest

from pytest_ernie.audit import plausible
from pytest_ernie.verdicts import ContextAnswer, Verdict, Word


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (100.0, 110.0, "plausible"),
        (100.0, 90.0, "plausible"),
        (100.0, 110.1, "implausible"),
        (100.0, 89.9, "implausible"),
        (100.0, math.nan, "not measured"),
        (math.nan, 100.0, "not measured"),
        (0.0, 100.0, "not measured"),
        (None, None, "plausible"),
        (100.0, None, "implausible"),
        (None, 100.0, "implausible"),
    ],
)
def test_speeds_may_be_a_share_apart_both_ways(
    old: float | None, new: float | None, word: str
) -> None:
    """
    A chip's figure may be too high, a reference's too low; what isn't a figure accuses nobody.
    """
    assert plausible.speeds(old, new, 0.1).word == word


def test_the_sum_stands_beside_it() -> None:
    """
    How far apart, and how far is believed.
    """
    finding = plausible.speeds(200.0, 150.0, 0.15)

    assert finding.message == "-25.0 % of the old figure; ±15 % are believed"
    assert (finding.old, finding.new) == ("200.0 tok/s", "150.0 tok/s")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (Word.PASS, "plausible"),
        (Word.FAIL, "implausible"),
        (Word.INCONCLUSIVE, "not measured"),
        (Word.NOT_RUN, "not measured"),
    ],
)
def test_curves_are_believed_by_the_loss_rule(word: Word, said: str) -> None:
    """
    The new run beside the old one, as a candidate beside its reference.
    """
    assert plausible.curves(Verdict(word=word, message="m")).word == said


@pytest.mark.parametrize(
    ("down", "up", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (10, 0, 2 / 1024),
        (11, 0, 2 / 2048),
        (9, 1, 22 / 1024),
    ],
)
def test_the_paired_test_is_the_exact_one(down: int, up: int, p: float) -> None:
    """
    By hand: twice the tail of a fair coin (McNemar 1947, exact).
    """
    assert plausible.two_sided(down, up) == pytest.approx(p)
    assert plausible.two_sided(up, down) == pytest.approx(p)


def side(right: int, wrong: int, unscored: int = 0) -> dict[str, float | None]:
    """Scores of so many questions, those that are right first."""
    values = [1.0] * right + [0.0] * wrong + [None] * unscored
    return {f"q{number}": value for number, value in enumerate(values)}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (side(100, 0), side(90, 10), "plausible"),
        (side(100, 0), side(89, 11), "implausible"),
        (side(89, 11), side(100, 0), "implausible"),
        (side(100, 0), side(0, 0, 100), "not measured"),
        (side(100, 0), {}, "not measured"),
        ({}, {}, "not measured"),
        (side(100, 0), side(50, 0, 50), "plausible"),
        (side(100, 0), side(49, 0, 51), "not measured"),
    ],
)
def test_scores_are_compared_question_by_question(
    old: dict[str, float | None], new: dict[str, float | None], word: str
) -> None:
    """
    Ten changes all for the worse happen by luck in two audits of a thousand, eleven in one.
    """
    assert plausible.scores(old, new).word == word


ANSWER = ContextAnswer(
    length=8192,
    prompt_tokens=8100,
    accepted=True,
    answered=True,
    refusal=None,
    found=(True, True, True, True, False),
)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "plausible"),
        ({"found": (True, True, True, False, False)}, "plausible"),
        ({"found": (True, True, False, False, False)}, "implausible"),
        ({"answered": False}, "implausible"),
        ({"accepted": False}, "implausible"),
    ],
)
def test_a_long_prompt_is_treated_as_before(changes: dict[str, object], word: str) -> None:
    """
    One code fewer or more may happen, another treatment may not.
    """
    assert plausible.answers(ANSWER, msgspec.structs.replace(ANSWER, **changes)).word == word


@pytest.mark.parametrize(
    ("old", "new", "activations", "word"),
    [
        ({"a": "int8"}, {"a": "int8"}, ("bfloat16", "bfloat16"), "plausible"),
        ({"a": "int8"}, {"a": "int4"}, ("bfloat16", "bfloat16"), "implausible"),
        ({"a": "int8"}, {}, ("bfloat16", "bfloat16"), "implausible"),
        ({"a": "int8"}, {"a": "int8"}, ("int8", "bfloat16"), "implausible"),
        ({}, {}, (None, None), "not measured"),
    ],
)
def test_types_are_the_same_layer_by_layer(
    old: dict[str, str], new: dict[str, str], activations: tuple[str | None, str | None], word: str
) -> None:
    """
    Nothing shown on either side is nothing found.
    """
    assert plausible.types(old, new, activations).word == word
