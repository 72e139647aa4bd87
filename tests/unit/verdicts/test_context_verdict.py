"""
The context clauses (R12): what a run at a length and a prompt that fills a window must show.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from pytest_ernie.standard.model import Rulings, ServingContextRule, TrainingContextRule
from pytest_ernie.verdicts import ContextAnswer, Verdict, Word, serving_context, training_context

LENGTH = 8192
ALL, NONE = (True,) * 5, (False,) * 5
TRAINING_REQUIRED = "20 steps of 8192 tokens, finite loss within 0.01"
SERVING_REQUIRED = "≥ 8029 prompt tokens, answered, needles like the reference"


def losses(**changed: float) -> dict[int, float]:
    """Twenty steps at one level; ``s7=3.0`` changes step 7."""
    return dict.fromkeys(range(1, 21), 2.0) | {int(s[1:]): v for s, v in changed.items()}


def trained(
    rulings: Rulings,
    candidate: dict[int, float],
    reference: dict[int, float] | None = None,
    sample_tokens: list[int] | None = None,
) -> Verdict:
    """Judge a run whose samples fill the length, unless their tokens are given."""
    return training_context(
        candidate,
        reference,
        sample_tokens=[LENGTH] * 3 if sample_tokens is None else sample_tokens,
        length=LENGTH,
        rule=rulings.training_context,
    )


def test_a_run_that_follows_its_reference_passes(rulings: Rulings) -> None:
    """
    The sentence says what ran, how long, and how far it was from the reference.
    """
    expected = Verdict(
        word=Word.PASS,
        message="20 steps of 8192 tokens ran with finite loss; the largest difference from the "
        "reference is 0.005 at step 7, 0.01 is allowed",
        measured="largest difference 0.005",
        required=TRAINING_REQUIRED,
        numbers={
            "length": 8192,
            "least_sample_tokens": 8192,
            "largest_difference": pytest.approx(0.005),
            "largest_at_step": 7,
        },
    )

    assert expected == trained(rulings, losses(s7=2.005), losses())


def test_a_run_without_a_reference_is_judged_by_itself_and_says_so(rulings: Rulings) -> None:
    """
    R12: within 1e-2 of the reference where one exists.
    """
    expected = Verdict(
        word=Word.PASS,
        message="20 steps of 8192 tokens ran with finite loss; no reference to compare the loss "
        "with",
        measured="20 steps, finite",
        required=TRAINING_REQUIRED,
        notes=("without a reference the loss was only checked to be finite (R12)",),
        numbers={"length": 8192, "least_sample_tokens": 8192},
    )

    assert expected == trained(rulings, losses())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("difference", "word", "shown"),
    [
        (0.0099, Word.PASS, "0.0099"),
        (0.01, Word.PASS, "0.01"),
        (0.010004, Word.FAIL, "0.010004"),
        (0.5, Word.FAIL, "0.5"),
    ],
)
def test_the_loss_is_held_to_the_tolerance(
    rulings: Rulings, sign: int, difference: float, word: Word, shown: str
) -> None:
    """
    At, under and over 1e-2, in either direction, and never rounded onto it.
    """
    verdict = trained(rulings, losses(s20=2.0 + sign * difference), losses())

    assert (word, f"largest difference {shown}") == (verdict.word, verdict.measured)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("reference", [None, losses()])
def test_a_loss_that_is_no_number_fails(
    rulings: Rulings, value: float, reference: dict[int, float] | None
) -> None:
    """
    With a reference or without one, and whatever else is missing.
    """
    verdict = trained(rulings, {1: 2.0, 2: value}, reference)

    expected = Verdict(
        word=Word.FAIL,
        message=f"the loss is {value} at step 2 with 8192 tokens a sample",
        measured=f"{value} at step 2",
        required=TRAINING_REQUIRED,
        numbers={"first_bad_step": 2},
    )
    assert expected == verdict


@pytest.mark.parametrize("step", [1, 20])
def test_a_missing_step_is_inconclusive(rulings: Rulings, step: int) -> None:
    """
    Twenty steps are required; nineteen are nineteen.
    """
    short = losses()
    del short[step]

    verdict = trained(rulings, short)
    expected = f"the log has no loss for step {step} of 20"
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_reference_without_a_finite_loss_is_inconclusive(
    rulings: Rulings, value: float | None
) -> None:
    """
    A broken or torn reference is no measure of the candidate.
    """
    reference = losses() if value is None else losses(s5=value)
    if value is None:
        del reference[5]

    verdict = trained(rulings, losses(), reference)
    expected = "the reference has no finite loss for step 5 of 20"
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


@pytest.mark.parametrize(
    ("least", "word"),
    [(8028, Word.INCONCLUSIVE), (8029, Word.PASS), (8192, Word.PASS), (9000, Word.PASS)],
)
def test_samples_must_fill_the_length(rulings: Rulings, least: int, word: Word) -> None:
    """
    R12: truly filled, 98 % of 8192 = 8028.16; the shortest sample decides.
    """
    assert word is trained(rulings, losses(), sample_tokens=[9999, least, 8192]).word


def test_a_short_sample_is_named_with_its_tokens(rulings: Rulings) -> None:
    """
    What was really trained, and what would have had to be.
    """
    verdict = trained(rulings, losses(), sample_tokens=[17])

    expected = (
        "a sample holds 17 tokens, so 8192 were not shown; every sample must fill at least 98% of "
        "the length"
    )
    assert (expected, TRAINING_REQUIRED) == (verdict.message, verdict.required)


def test_no_samples_show_no_length(rulings: Rulings) -> None:
    """
    An empty list isn't a filled one.
    """
    assert Word.INCONCLUSIVE is trained(rulings, losses(), sample_tokens=[]).word


@pytest.fixture
def training_rule(rulings: Rulings) -> TrainingContextRule:
    """R12 for training."""
    return rulings.training_context


@pytest.fixture
def rule(rulings: Rulings) -> ServingContextRule:
    """R12 for serving."""
    return rulings.serving_context


def answer(**facts: Any) -> ContextAnswer:
    """A prompt that was accepted, counted and answered with every needle."""
    good = {
        "length": LENGTH,
        "prompt_tokens": 8100,
        "accepted": True,
        "answered": True,
        "refusal": None,
        "found": ALL,
    }
    return ContextAnswer(**(good | facts))


def test_a_filled_window_that_answers_passes(rule: ServingContextRule) -> None:
    """
    The sentence gives the count of tokens and the needles of both sides.
    """
    expected = Verdict(
        word=Word.PASS,
        message="a prompt of 8100 tokens was accepted and answered; 4 of 5 needles were given "
        "back, the reference gave 5, at least 4 are required",
        measured="8100 tokens, 4/5 needles",
        required=SERVING_REQUIRED,
        numbers={"prompt_tokens": 8100, "needles_found": 4, "needles_found_by_reference": 5},
    )

    assert expected == serving_context(answer(found=(False, *ALL[1:])), answer(), rule)


@pytest.mark.parametrize(
    ("found", "by_reference", "word"),
    [
        (5, 5, Word.PASS),
        (4, 5, Word.PASS),
        (3, 5, Word.FAIL),
        (0, 5, Word.FAIL),
        (1, 2, Word.PASS),
        (0, 2, Word.FAIL),
        (5, 1, Word.INCONCLUSIVE),
        (0, 1, Word.INCONCLUSIVE),
        (0, 0, Word.INCONCLUSIVE),
    ],
)
def test_needles_are_scored_against_the_reference(
    rule: ServingContextRule, found: int, by_reference: int, word: Word
) -> None:
    """
    One fewer is allowed. A reference so poor that none need be found proves nothing.
    """
    own, other = ((True,) * n + (False,) * (5 - n) for n in (found, by_reference))

    assert word is serving_context(answer(found=own), answer(found=other), rule).word


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"accepted": False, "refusal": "HTTP 400: too long"},
            "the server refused a prompt of 8192 tokens: HTTP 400: too long",
        ),
        (
            {"answered": False},
            "the server accepted a prompt of 8192 tokens and gave no answer",
        ),
        (
            {"answered": False, "refusal": "ReadTimeout: timed out"},
            (
                "the server accepted a prompt of 8192 tokens and gave no answer: "
                "ReadTimeout: timed out"
            ),
        ),
        (
            {"prompt_tokens": 8028},
            (
                "the server counted 8028 prompt tokens; a prompt that fills 8192 must count at "
                "least 8029"
            ),
        ),
        (
            {"prompt_tokens": 0},
            "the server counted 0 prompt tokens; a prompt that fills 8192 must count at least 8029",
        ),
    ],
)
@pytest.mark.parametrize("side", ["candidate", "reference"])
def test_what_the_server_did_not_do_is_said(
    rule: ServingContextRule, side: str, facts: dict[str, Any], message: str
) -> None:
    """
    Refused, unanswered or cut short: FAIL for a candidate; a reference that did measures nothing.
    """
    sides = (answer(**facts), answer()) if side == "candidate" else (answer(), answer(**facts))
    words = (Word.FAIL, message)
    if side == "reference":
        words = (Word.INCONCLUSIVE, f"the reference doesn't hold itself: {message}")

    verdict = serving_context(*sides, rule)
    assert (*words, SERVING_REQUIRED) == (verdict.word, verdict.message, verdict.required)


def test_exactly_enough_tokens_are_enough(rule: ServingContextRule) -> None:
    """
    98 % of 8192 are 8028.16, so 8029.
    """
    assert Word.PASS is serving_context(answer(prompt_tokens=8029), answer(), rule).word


@pytest.mark.parametrize(
    ("candidate", "reference", "message"),
    [
        (
            {"prompt_tokens": None},
            {},
            "the server doesn't report usage.prompt_tokens, so the length isn't proven",
        ),
        ({}, {"prompt_tokens": None}, "the reference's server doesn't report usage.prompt_tokens"),
        ({"found": ()}, {"found": ()}, "the candidate was asked for 0 needles, the edition has 5"),
        ({}, {"found": ALL[:4]}, "the reference was asked for 4 needles, the edition has 5"),
        ({"found": (*ALL, True)}, {}, "the candidate was asked for 6 needles, the edition has 5"),
        (
            {},
            {"length": 4096},
            "the reference's prompt was to fill 4096 tokens, the candidate's 8192",
        ),
        (
            {"found": NONE},
            {"found": NONE},
            "the reference gives back 0 of 5 needles; fewer than 2 prove nothing",
        ),
        (
            {},
            {"found": (True, *NONE[1:])},
            "the reference gives back 1 of 5 needles; fewer than 2 prove nothing",
        ),
    ],
)
def test_what_proves_nothing_is_inconclusive(
    rule: ServingContextRule, candidate: dict[str, Any], reference: dict[str, Any], message: str
) -> None:
    """
    No count, no needles, another length, a reference of zero: none of them is a PASS.
    """
    verdict = serving_context(answer(**candidate), answer(**reference), rule)

    assert (Word.INCONCLUSIVE, message, SERVING_REQUIRED) == (
        verdict.word,
        verdict.message,
        verdict.required,
    )


def test_the_rehearsal_takes_a_reference_without_needles_and_says_so(
    rule: ServingContextRule,
) -> None:
    """
    Its tiny model remembers nothing at 128K: then acceptance, count and answer are judged.
    """
    forgiving = msgspec.structs.replace(rule, reference_needles_min=0)

    verdict = serving_context(answer(found=NONE), answer(found=NONE), forgiving)

    assert verdict.word is Word.PASS
    assert verdict.notes == (
        "the reference gives back so few needles that they prove nothing at this length",
    )
