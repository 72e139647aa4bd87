"""
The loss clause at, under and over every threshold (R2, R3, R4).
"""

from __future__ import annotations

import math
import re

import msgspec
import numpy as np
import pytest

from pytest_ernie.standard.model import LossRule, Rulings
from pytest_ernie.verdicts import Verdict, Word, loss_follows

LEVEL = 2.0
REQUIRED = "steps 401..500: |difference| ≤ 0.01, at most 10 outliers, no divergence"


def flat(level: float = LEVEL) -> dict[int, float]:
    """A curve of 500 steps at one level."""
    return dict.fromkeys(range(1, 501), level)


def apart(differences: dict[int, float]) -> dict[int, float]:
    """The flat curve with the given differences."""
    return flat() | {step: LEVEL + difference for step, difference in differences.items()}


@pytest.fixture
def rule(rulings: Rulings) -> LossRule:
    """R2 to R4 as the standard has them."""
    return rulings.loss


def test_equal_curves_pass(rule: LossRule) -> None:
    """
    The sentence names counts and sizes, and the table cells say the same in short.
    """
    expected = Verdict(
        word=Word.PASS,
        message="0 of 100 steps differ from the reference by more than 0.01 (10 are allowed); "
        "the largest difference is 0 at step 401",
        measured="0 outliers, largest 0",
        required=REQUIRED,
        numbers={
            "outliers": 0,
            "largest_difference": 0.0,
            "largest_at_step": 401,
            "mean_difference": 0.0,
            "growth_over_window": 0.0,
            "growth_p_value": 1.0,
        },
    )

    assert expected == loss_follows(flat(), flat(), rule)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("difference", "outliers"),
    [(0.0099, 0), (0.01, 0), (0.010001, 1), (0.02, 1), (5.0, 1)],
)
def test_an_outlier_is_a_step_beyond_the_tolerance(
    rule: LossRule, sign: int, difference: float, outliers: int
) -> None:
    """
    R3: |difference| > 1e-2, in either direction; exactly 1e-2 is none.
    """
    verdict = loss_follows(apart({450: sign * difference}), flat(), rule)

    assert (Word.PASS, outliers) == (verdict.word, verdict.numbers["outliers"])


@pytest.mark.parametrize("level", [1.0, 2.5, 3.01, 11.7, 0.123])
def test_a_difference_of_exactly_the_tolerance_is_none_at_any_level(
    rule: LossRule, level: float
) -> None:
    """
    1.01 - 1.00 is 0.010000000000000009 to a computer; a hundred such steps must not fail.
    """
    verdict = loss_follows(flat(level + 0.01), flat(level), rule)

    assert (verdict.word, verdict.numbers["outliers"]) == (Word.PASS, 0)


@pytest.mark.parametrize(
    ("count", "word"), [(9, Word.PASS), (10, Word.PASS), (11, Word.FAIL), (100, Word.FAIL)]
)
def test_ten_outliers_are_allowed(rule: LossRule, count: int, word: Word) -> None:
    """
    > outlier不多于10个
    """
    steps = np.linspace(401, 500, count).round().astype(int)
    verdict = loss_follows(apart(dict.fromkeys(steps.tolist(), 0.02)), flat(), rule)

    assert (word, count) == (verdict.word, verdict.numbers["outliers"])


def test_too_many_outliers_are_named(rule: LossRule) -> None:
    """
    The first five steps are where a person begins to look.
    """
    verdict = loss_follows(apart(dict.fromkeys(range(410, 421), 0.02)), flat(), rule)

    expected = (
        "11 of 100 steps differ from the reference by more than 0.01 (10 are allowed); the largest "
        "difference is 0.02 at step 410; the first outliers are steps 410, 411, 412, 413, 414"
    )
    assert (expected, "11 outliers, largest 0.02") == (verdict.message, verdict.measured)


def test_a_barely_too_large_difference_is_not_rounded_to_the_tolerance(rule: LossRule) -> None:
    """
    "11 outliers, largest 0.01" would refute itself.
    """
    verdict = loss_follows(apart(dict.fromkeys(range(410, 421), 0.010004)), flat(), rule)

    assert verdict.measured == "11 outliers, largest 0.010004"
    assert "the largest difference is 0.010004 at step" in verdict.message


@pytest.mark.parametrize("step", [1, 400])
def test_steps_before_the_window_may_differ(rule: LossRule, step: int) -> None:
    """
    R2: 400步后 begins with step 401.
    """
    verdict = loss_follows(apart({step: 3.0}), flat(), rule)

    assert (verdict.word, verdict.numbers["outliers"]) == (Word.PASS, 0)


@pytest.mark.parametrize("step", [401, 500])
def test_both_ends_of_the_window_count(rule: LossRule, step: int) -> None:
    """
    100 points: 401 and 500 are the first and the last.
    """
    verdict = loss_follows(apart({step: 3.0}), flat(), rule)

    assert (1, step) == (verdict.numbers["outliers"], verdict.numbers["largest_at_step"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 250, 401, 500])
def test_a_loss_that_is_no_number_fails(rule: LossRule, step: int, value: float) -> None:
    """
    R3: NaN or infinity anywhere in steps 1..500 fails; NaN compares as false and must not slip by.
    """
    verdict = loss_follows(flat() | {step: value}, flat(), rule)

    expected = Verdict(
        word=Word.FAIL,
        message=f"the loss is {value} at step {step}; every loss up to step 500 must be finite",
        measured=f"{value} at step {step}",
        required=REQUIRED,
        numbers={"first_bad_step": step, "bad_steps": 1},
    )
    assert expected == verdict


def test_the_first_bad_step_is_named_and_all_are_counted(rule: LossRule) -> None:
    """
    Where it began matters, and for how long.
    """
    verdict = loss_follows(flat() | dict.fromkeys(range(30, 501), math.nan), flat(), rule)

    assert verdict.numbers == {"first_bad_step": 30, "bad_steps": 471}


def test_a_bad_loss_outweighs_a_missing_step(rule: LossRule) -> None:
    """
    A run that died of NaN at step 30 has no later steps, and failed all the same.
    """
    died = dict.fromkeys(range(1, 30), LEVEL) | {30: math.nan}

    assert Word.FAIL is loss_follows(died, flat(), rule).word


def test_a_loss_beyond_the_window_is_nobodys(rule: LossRule) -> None:
    """
    Steps after the last are not judged.
    """
    assert Word.PASS is loss_follows(flat() | {501: math.nan}, flat(), rule).word


@pytest.mark.parametrize("step", [1, 200, 401, 500])
@pytest.mark.parametrize("side", ["candidate", "reference"])
def test_a_missing_step_is_never_skipped(rule: LossRule, side: str, step: int) -> None:
    """
    R2: INCONCLUSIVE, with the side and the step named.
    """
    torn = flat()
    del torn[step]
    curves = (torn, flat()) if side == "candidate" else (flat(), torn)

    expected = Verdict(
        word=Word.INCONCLUSIVE,
        message=f"the {side}'s log has no loss for step {step}; a missing step is never skipped",
        required=REQUIRED,
    )
    assert expected == loss_follows(*curves, rule)


def test_further_missing_steps_are_counted(rule: LossRule) -> None:
    """
    A log cut in the middle misses more than one step.
    """
    cut = dict.fromkeys(range(1, 451), LEVEL)

    message = loss_follows(cut, flat(), rule).message
    assert "the candidate's log has no loss for step 451 and 49 more; a missing" in message


@pytest.mark.parametrize("empty", ["candidate", "reference", "both"])
def test_an_empty_curve_is_inconclusive(rule: LossRule, empty: str) -> None:
    """
    Nothing measured is nothing shown: two empty curves don't agree.
    """
    curves = [{} if empty in (side, "both") else flat() for side in ("candidate", "reference")]

    assert Word.INCONCLUSIVE is loss_follows(*curves, rule).word


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_reference_that_is_no_number_is_inconclusive(rule: LossRule, value: float) -> None:
    """
    A broken reference is no fault of the candidate, and no measure of it.
    """
    verdict = loss_follows(flat(), flat() | {77: value}, rule)

    expected = f"the reference's loss is {value} at step 77"
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


def growing(total: float, start: float = 0.0) -> dict[int, float]:
    """Differences that grow in a line by ``total`` over the window's 100 steps."""
    return {step: start + total * (step - 401) / 100 for step in range(401, 501)}


@pytest.mark.parametrize(
    ("total", "word"),
    [
        (0.0049, Word.PASS),
        (0.005, Word.PASS),
        (0.00501, Word.FAIL),
        (0.0099, Word.FAIL),
        (-0.0099, Word.FAIL),
    ],
)
def test_a_difference_that_grows_over_the_window_diverges(
    rule: LossRule, total: float, word: Word
) -> None:
    """
    R4: slope times 100 steps above 5e-3 fails, though no step is an outlier; in either direction.
    """
    verdict = loss_follows(apart(growing(total)), flat(), rule)

    assert (word, 0) == (verdict.word, verdict.numbers["outliers"])


@pytest.mark.parametrize("total", [0.009, -0.009])
def test_a_difference_that_shrinks_does_not_diverge(rule: LossRule, total: float) -> None:
    """
    Coming together is no divergence: the test is one-sided.
    """
    shrinking = growing(-total, start=total)

    assert Word.PASS is loss_follows(apart(shrinking), flat(), rule).word


def test_divergence_is_said_with_its_size(rule: LossRule) -> None:
    """
    The sentence says how much, and how much is allowed; the table cell says that it diverges.
    """
    verdict = loss_follows(apart(growing(0.008)), flat(), rule)

    expected = (
        "0 of 100 steps differ from the reference by more than 0.01 (10 are allowed); the largest "
        "difference is 0.00792 at step 500; the difference grows by 0.008 over the window, 0.005 "
        "is allowed"
    )
    assert (expected, "0 outliers, largest 0.0079, diverging") == (
        verdict.message,
        verdict.measured,
    )


def test_divergence_is_not_rounded_to_what_is_allowed(rule: LossRule) -> None:
    """
    "grows by 0.005, 0.005 is allowed" would refute itself.
    """
    verdict = loss_follows(apart(growing(0.00502)), flat(), rule)

    assert "grows by 0.00502 over the window, 0.005 is allowed" in verdict.message


@pytest.mark.parametrize("seed", [0, 6, 20])
def test_growth_that_is_not_significant_does_not_fail(rule: LossRule, seed: int) -> None:
    """
    R4 asks for both: the steep slope of wide noise is not a trend.
    """
    noise = np.random.default_rng(seed).uniform(0, 0.05, size=100)
    wide = msgspec.structs.replace(rule, max_outliers=100)

    verdict = loss_follows(apart({401 + i: float(v) for i, v in enumerate(noise)}), flat(), wide)
    growth = float(str(verdict.numbers["growth_over_window"]))
    assert (verdict.word, growth > rule.divergence_growth) == (Word.PASS, True)


def test_the_significance_is_the_rules_own(rule: LossRule) -> None:
    """
    The same curve fails or passes with the level that the edition sets.
    """
    rng = np.random.default_rng(8)
    rising = {s: d + float(rng.normal(scale=2e-3)) for s, d in growing(0.007).items()}
    p = float(str(loss_follows(apart(rising), flat(), rule).numbers["growth_p_value"]))

    words = [
        loss_follows(
            apart(rising), flat(), msgspec.structs.replace(rule, divergence_significance=level)
        ).word
        for level in (p * 1.01, p, p * 0.99)
    ]
    assert words == [Word.FAIL, Word.PASS, Word.PASS]


def test_a_window_of_one_step_has_no_trend(rule: LossRule) -> None:
    """
    Statistics of one point would be NaN; the tolerance still holds.
    """
    single = msgspec.structs.replace(rule, first_step=500, max_outliers=0)

    words = [loss_follows(apart({500: d}), flat(), single).word for d in (0.009, 0.011)]
    assert words == [Word.PASS, Word.FAIL]


@pytest.mark.parametrize("seed", range(8))
def test_both_sides_may_change_places(rule: LossRule, seed: int) -> None:
    """
    The difference is absolute: the word is the same seen from the other side.
    """
    rng = np.random.default_rng(seed)
    other = {s: LEVEL + float(rng.normal(scale=0.006)) for s in range(1, 501)}

    one, two = loss_follows(other, flat(), rule), loss_follows(flat(), other, rule)
    assert (one.word, one.numbers) == (two.word, two.numbers)


@pytest.mark.parametrize("seed", range(8))
def test_the_figures_are_those_of_a_plain_count(rule: LossRule, seed: int) -> None:
    """
    Outliers and the largest difference, counted once more with numpy.
    """
    rng = np.random.default_rng(seed)
    curve = {s: LEVEL + float(rng.normal(scale=0.006)) for s in range(1, 501)}
    sizes = np.abs(np.array([curve[s] for s in range(401, 501)]) - LEVEL)

    numbers = loss_follows(curve, flat(), rule).numbers
    assert (int((sizes > 0.01).sum()), 401 + int(sizes.argmax())) == (
        numbers["outliers"],
        numbers["largest_at_step"],
    )
    assert float(sizes.mean()) == pytest.approx(numbers["mean_difference"])


def test_all_numbers_can_be_written_as_json(rule: LossRule) -> None:
    """
    Reports carry them as JSON, which has no NaN.
    """
    verdicts = [
        loss_follows(flat() | {3: math.nan}, flat(), rule),
        loss_follows(apart(growing(0.009)), flat(), rule),
    ]

    assert None is re.search(
        "null|NaN", msgspec.json.encode([v.numbers for v in verdicts]).decode()
    )
