"""
The accuracy clause (R10): within one point, both ways, and honest about what was not asked.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from pytest_ernie.standard.model import AccuracyRule, Rulings
from pytest_ernie.verdicts import Verdict, Word, accuracy_equal

REQUIRED = "within 1 point of the reference"


@pytest.fixture
def rule(rulings: Rulings) -> AccuracyRule:
    """R10 as the standard has it."""
    return rulings.accuracy


def scored(right: int, of: int = 1000, unasked: int = 0) -> dict[str, float | None]:
    """The first ``right`` questions are right, the last ``unasked`` have no score."""
    scores: dict[str, float | None] = {f"q{i:04d}": float(i < right) for i in range(of)}
    return scores | {f"q{i:04d}": None for i in range(of - unasked, of)}


def test_equal_scores_pass(rule: AccuracyRule) -> None:
    """
    The sentence names both scores, the questions and what is allowed.
    """
    expected = Verdict(
        word=Word.PASS,
        message="50.50 points on 1000 questions, the reference has 50.00; a difference of 1 is "
        "allowed",
        measured="50.50 (+0.50)",
        required="50.00 ± 1",
        numbers={
            "score": 50.5,
            "score_if_unscored_were_right": 50.5,
            "reference_score": 50.0,
            "questions": 1000,
            "unscored": 0,
            "lost_questions": 0,
            "difference_low": pytest.approx(0.0626, abs=1e-3),
            "difference_high": pytest.approx(0.9374, abs=1e-3),
        },
    )

    assert expected == accuracy_equal(scored(505), scored(500), rule)


@pytest.mark.parametrize(
    ("right", "word"),
    [
        (489, Word.FAIL),
        (490, Word.PASS),
        (491, Word.PASS),
        (500, Word.PASS),
        (510, Word.PASS),
        (511, Word.FAIL),
        (1000, Word.FAIL),
        (0, Word.FAIL),
    ],
)
def test_one_point_is_allowed_in_either_direction(
    rule: AccuracyRule, right: int, word: Word
) -> None:
    """
    > 得分与GPU结果持平(相差1分以内): at, under and over, better as well as worse.
    """
    assert word is accuracy_equal(scored(right), scored(500), rule).word


@pytest.mark.parametrize("parts", [3, 7, 10])
def test_exactly_one_point_holds_whatever_fractions_it_is_made_of(
    rule: AccuracyRule, parts: int
) -> None:
    """
    Sums of thirds and tenths are not exact to a computer; a whole point of them is a point.
    """
    count = 100 * parts
    reference = {f"q{i}": 1 / parts for i in range(count)}
    candidate = reference | {f"q{i}": 2 / parts for i in range(count // 100 * parts)}

    verdict = accuracy_equal(candidate, reference, rule)
    assert (
        verdict.word,
        pytest.approx(verdict.numbers["score"] - verdict.numbers["reference_score"]),  # type: ignore[operator]  # both are numbers
    ) == (Word.PASS, 1.0)


@pytest.mark.parametrize(
    ("difference", "word", "measured"),
    [
        (-0.01004, Word.FAIL, "48.996 (-1.004)"),
        (-0.00996, Word.PASS, "49.00 (-1.00)"),
        (-0.0100004, Word.FAIL, "48.99996 (-1.00004)"),
        (-0.02, Word.FAIL, "48.00 (-2.00)"),
    ],
)
def test_a_score_has_the_decimals_that_bear_the_verdict_out(
    rule: AccuracyRule, difference: float, word: Word, measured: str
) -> None:
    """
    Two decimals, or as many as it takes.
    """
    reference = {f"q{i}": 0.5 for i in range(50)}
    candidate = {id: score + difference for id, score in reference.items()}

    verdict = accuracy_equal(candidate, reference, rule)
    assert (word, measured) == (verdict.word, verdict.measured)


def test_no_question_is_no_score(rule: AccuracyRule) -> None:
    """
    Two empty sets don't agree: nothing was asked.
    """
    expected = Verdict(word=Word.INCONCLUSIVE, message="no question was asked", required=REQUIRED)

    assert expected == accuracy_equal({}, {}, rule)


@pytest.mark.parametrize(
    ("candidate", "reference", "odd", "first"),
    [
        (scored(5, of=10), scored(5, of=12), 2, "q0010"),
        (scored(5, of=12), scored(5, of=10), 2, "q0010"),
        ({"b": 1.0}, {"a": 1.0}, 2, "a"),
        ({"a": 1.0}, {}, 1, "a"),
    ],
)
def test_both_sides_must_have_asked_the_same_questions(
    rule: AccuracyRule,
    candidate: dict[str, float | None],
    reference: dict[str, float | None],
    odd: int,
    first: str,
) -> None:
    """
    Scores of different questions can't be compared, be their mean what it may.
    """
    verdict = accuracy_equal(candidate, reference, rule)

    expected = (
        f"candidate and reference did not ask the same questions: {odd} differ, the first is "
        f"{first}"
    )
    assert (Word.INCONCLUSIVE, expected, REQUIRED) == (
        verdict.word,
        verdict.message,
        verdict.required,
    )


def test_a_reference_with_unasked_questions_is_no_reference(rule: AccuracyRule) -> None:
    """
    What the GPU wasn't asked can't be equalled.
    """
    verdict = accuracy_equal(scored(5, of=10), scored(5, of=10, unasked=3), rule)

    expected = "the reference has no score for 3 questions, the first is q0007"
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.01, 1.01, 100.0])
@pytest.mark.parametrize("side", ["candidate", "reference"])
def test_a_score_outside_its_scale_is_invalid(rule: AccuracyRule, side: str, bad: float) -> None:
    """
    NaN compares as false, and points of 100 would drown all others: neither is judged.
    """
    sides = [scored(500), scored(500)]
    sides[side == "reference"] |= {"q0003": bad}

    verdict = accuracy_equal(*sides, rule)
    expected = f"the {side}'s score of question q0003 is {bad:g}; a score lies between 0 and 1"
    assert (Word.INCONCLUSIVE, expected, REQUIRED) == (
        verdict.word,
        verdict.message,
        verdict.required,
    )


@pytest.mark.parametrize(
    ("right", "unasked", "word"),
    [
        (495, 10, Word.PASS),
        (490, 20, Word.PASS),
        (490, 21, Word.INCONCLUSIVE),
        (489, 20, Word.INCONCLUSIVE),
        (480, 9, Word.FAIL),
        (480, 10, Word.INCONCLUSIVE),
        (511, 100, Word.FAIL),
        (400, 200, Word.INCONCLUSIVE),
        (0, 1000, Word.INCONCLUSIVE),
    ],
)
def test_unanswered_questions_are_judged_as_right_and_as_wrong(
    rule: AccuracyRule, right: int, unasked: int, word: Word
) -> None:
    """
    R10: PASS only if both readings pass, FAIL only if both fail on one side of the reference.
    """
    verdict = accuracy_equal(scored(right, unasked=unasked), scored(500), rule)

    assert (word, unasked) == (verdict.word, verdict.numbers["unscored"])


def test_the_range_of_unanswered_questions_is_shown(rule: AccuracyRule) -> None:
    """
    From all wrong to all right, and how many they are.
    """
    verdict = accuracy_equal(scored(495, unasked=10), scored(500), rule)

    expected = (
        "49.50 to 50.50 points on 1000 questions, the reference has 50.00; a difference of 1 is "
        "allowed; 10 questions have no score"
    )
    assert (expected, 49.5, 50.5) == (
        verdict.message,
        verdict.numbers["score"],
        verdict.numbers["score_if_unscored_were_right"],
    )


def test_why_questions_have_no_score_is_said(rule: AccuracyRule) -> None:
    """
    A count alone sends nobody to the cause.
    """
    because = "HTTP 500: the engine is in trouble"

    one = accuracy_equal(scored(495, unasked=10), scored(500), rule, unscored_because=because)
    none = accuracy_equal(scored(495), scored(500), rule, unscored_because=None)

    assert one.message.endswith(f"; 10 questions have no score ({because})")
    assert none.message.endswith("a difference of 1 is allowed")


def flipped(flips: int, of: int = 1000, seed: int = 1) -> dict[str, float | None]:
    """The scores of ``scored(500)`` with as many lost as won, at random."""
    rng = np.random.default_rng(seed)
    scores = scored(500, of)
    for id in [*rng.choice(500, flips, replace=False), *(500 + rng.choice(of - 500, flips, False))]:
        scores[f"q{id:04d}"] = 1.0 - float(scores[f"q{id:04d}"] or 0.0)
    return scores


@pytest.mark.parametrize(
    ("candidate", "word", "weak"),
    [
        (flipped(1), Word.PASS, False),
        (flipped(200), Word.PASS, True),
        (scored(511), Word.FAIL, True),
        (scored(489), Word.FAIL, True),
        (scored(495), Word.PASS, False),
        (scored(492), Word.PASS, True),
        (scored(600), Word.FAIL, False),
        (scored(0), Word.FAIL, False),
    ],
)
def test_a_verdict_whose_interval_crosses_the_limit_is_weak(
    rule: AccuracyRule, candidate: dict[str, float | None], word: Word, weak: bool
) -> None:
    """
    Weak is what another run might turn round; a clear FAIL far beyond the limit isn't.
    """
    verdict = accuracy_equal(candidate, scored(500), rule)

    assert (word, weak) == (verdict.word, bool(verdict.notes))


def test_a_weak_verdict_says_why(rule: AccuracyRule) -> None:
    """
    The interval stands in the note.
    """
    notes = accuracy_equal(flipped(200), scored(500), rule).notes

    assert notes == (
        "weak: the 95% interval of the difference is -3.92 to +3.92 points and crosses the limit",
    )


def test_lost_questions_are_counted(rule: AccuracyRule) -> None:
    """
    Equal sums can hide what changed: 200 lost and 200 won.
    """
    assert accuracy_equal(flipped(200), scored(500), rule).numbers["lost_questions"] == 200


@pytest.mark.parametrize("candidate", [scored(0, unasked=1000), scored(500), flipped(9)])
def test_all_numbers_can_be_written_as_json(
    rule: AccuracyRule, candidate: dict[str, float | None]
) -> None:
    """
    An interval of nothing is null and not NaN, which JSON doesn't know.
    """
    numbers = accuracy_equal(candidate, scored(500), rule).numbers

    assert numbers == msgspec.json.decode(msgspec.json.encode(numbers))
    assert [k for k, v in numbers.items() if isinstance(v, float) and not math.isfinite(v)] == []


def test_a_set_without_any_score_has_no_interval_and_no_note(rule: AccuracyRule) -> None:
    """
    "nan to nan points" tells nobody anything.
    """
    verdict = accuracy_equal(scored(0, unasked=1000), scored(500), rule)

    assert (
        verdict.notes,
        verdict.numbers["difference_low"],
        verdict.numbers["difference_high"],
    ) == ((), None, None)
