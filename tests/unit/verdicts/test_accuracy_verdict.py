"""
The accuracy clause (R10): within one point, both ways, and honest about what was not asked.
"""

from __future__ import annotations

import math

import msgspec
import pytest

from doubles.scores import flipped, scored
from pytest_ernie.standard.model import AccuracyRule, Rulings
from pytest_ernie.verdicts import Verdict, Word, accuracy_equal

REQUIRED = "within 1 point of the reference"


@pytest.fixture
def rule(rulings: Rulings) -> AccuracyRule:
    """R10 as the standard has it."""
    return rulings.accuracy


def test_equal_scores_pass(rule: AccuracyRule) -> None:
    """
    The sentence names both scores, the questions and what is allowed.
    """
    expected = Verdict(
        word=Word.PASS,
        message="50.50 points on 1000 questions, the reference has 50.00 (0 questions lost, 5 won); "
        "a difference of 1 is allowed",
        measured="50.50 (+0.50), weak",
        required="50.00 ± 1",
        notes=(
            "weak: the 95% interval of the difference is +0.12 to +1.17 points and crosses the limit",
        ),
        numbers={
            "score": 50.5,
            "score_if_unscored_were_right": 50.5,
            "reference_score": 50.0,
            "reference_score_if_unscored_were_right": 50.0,
            "questions": 1000,
            "prompts": 1000,
            "unscored": 0,
            "reference_unscored": 0,
            "lost_questions": 0,
            "won_questions": 5,
            "difference_low": pytest.approx(0.1154, abs=1e-4),
            "difference_high": pytest.approx(1.1651, abs=1e-4),
            "weak": 1,
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
    assert (word, f"{measured}, weak") == (verdict.word, verdict.measured)


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


def test_a_reference_with_unasked_questions_has_a_range_of_its_own(rule: AccuracyRule) -> None:
    """
    What the GPU wasn't asked may have been right or wrong, and the message says how many and why.
    """
    verdict = accuracy_equal(
        scored(500), scored(500, unasked=3), rule, reference_unscored_because="ReadTimeout"
    )

    expected = (
        "50.00 points on 1000 questions, the reference has 50.00 to 50.30; a difference of 1 is "
        "allowed; 3 of the reference's questions have no score (ReadTimeout)"
    )
    assert (Word.PASS, expected, "50.00 (-0.30 to +0.00)", "50.00 to 50.30 ± 1") == (
        verdict.word,
        verdict.message,
        verdict.measured,
        verdict.required,
    )


@pytest.mark.parametrize(
    ("own", "other", "word"),
    [
        ((500, 5), (500, 5), Word.PASS),  # -0.5 .. +0.5
        ((500, 10), (500, 10), Word.PASS),  # -1.0 .. +1.0
        ((500, 10), (500, 11), Word.INCONCLUSIVE),  # -1.1 .. +1.0
        ((500, 11), (500, 10), Word.INCONCLUSIVE),
        ((505, 5), (500, 5), Word.PASS),  # 0.0 .. 1.0
        ((506, 5), (500, 5), Word.INCONCLUSIVE),  # 0.1 .. 1.1
        ((516, 5), (500, 5), Word.FAIL),  # 1.1 .. 2.1
        ((515, 5), (500, 5), Word.INCONCLUSIVE),  # 1.0 .. 2.0
        ((484, 5), (500, 5), Word.FAIL),
        ((485, 5), (500, 5), Word.INCONCLUSIVE),
        ((450, 100), (500, 1), Word.INCONCLUSIVE),  # it died on its hard ones
    ],
)
def test_every_combination_of_both_sides_unscored_questions_counts(
    rule: AccuracyRule, own: tuple[int, int], other: tuple[int, int], word: Word
) -> None:
    """
    The same question may be right on one side and wrong on the other: the bounds are the extremes.
    """
    verdict = accuracy_equal(
        scored(own[0], unasked=own[1]), scored(other[0], unasked=other[1]), rule
    )

    assert word is verdict.word


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
        "49.50 to 50.50 points on 1000 questions, the reference has 50.00 (5 questions lost, 0 won); "
        "a difference of 1 is allowed; 10 questions have no score"
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


@pytest.mark.parametrize(
    ("candidate", "word", "weak"),
    [
        (flipped(1), Word.PASS, False),
        (flipped(200), Word.PASS, True),
        (scored(511), Word.FAIL, True),
        (scored(489), Word.FAIL, True),
        (scored(497), Word.PASS, False),
        (scored(495), Word.PASS, True),
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


def test_a_weak_fail_says_how_often_luck_alone_fails_so(rule: AccuracyRule) -> None:
    """
    18 % changed answers of 1000 carry an equal chip over the limit in every other run.
    """
    candidate = flipped(84) | {f"q{i:04d}": 0.0 for i in range(485, 500)}

    verdict = accuracy_equal(candidate, scored(500), rule)

    assert Word.FAIL is verdict.word
    assert verdict.notes[1] == (
        "18.2% of the answers changed; an equal chip of which as many change fails by luck with a "
        "probability of 44%"
    )


def test_lost_questions_are_counted(rule: AccuracyRule) -> None:
    """
    Equal sums can hide what changed: 200 lost and 200 won.
    """
    numbers = accuracy_equal(flipped(200), scored(500), rule).numbers

    assert (numbers["lost_questions"], numbers["won_questions"]) == (200, 200)


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


def test_an_unscored_question_widens_the_interval(rule: AccuracyRule) -> None:
    """
    From its being lost to its being won.
    """
    all_known = accuracy_equal(scored(500), scored(500), rule).numbers
    some = accuracy_equal(scored(500, unasked=4), scored(500), rule).numbers

    assert (all_known["difference_low"], all_known["difference_high"]) == pytest.approx(
        (-0.3827, 0.3827), abs=1e-4
    )
    assert some["difference_low"] == all_known["difference_low"]  # wrong on both sides
    assert some["difference_high"] == pytest.approx(1.0240, abs=1e-4)
