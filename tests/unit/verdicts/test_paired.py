"""
The paired interval against Tango's published form, its coverage, and what chance alone does.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from doubles.answer_sets import SIZES, Truth, covered, score, wald
from pytest_ernie.verdicts.paired import chance_of_difference, interval_of_counts, paired_interval

Z = 1.959963984540054


def flips(won: int, lost: int, n: int) -> list[float]:
    """Differences of n questions."""
    return [1.0] * won + [-1.0] * lost + [0.0] * (n - won - lost)


def tango(won: int, lost: int, n: int) -> tuple[float, float]:
    """Tango's score interval from its closed form: the restricted estimate solves a quadratic."""

    def statistic(at: float) -> float:
        a, b, c = 2 * n, -won - lost + (2 * n - won + lost) * at, -lost * at * (1 - at)
        discordant = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)
        return (won - lost - n * at) / math.sqrt(n * (2 * discordant + at * (1 - at)))

    mean, tiny = (won - lost) / n, 1e-9
    return (
        brentq(lambda at: statistic(at) - Z, -1 + tiny, mean - tiny, xtol=1e-13),
        brentq(lambda at: statistic(at) + Z, mean + tiny, 1 - tiny, xtol=1e-13),
    )


@pytest.mark.parametrize(
    ("won", "lost", "n"),
    [
        (12, 2, 50),
        (0, 5, 541),
        (3, 0, 541),
        (20, 31, 1319),
        (0, 0, 541),
        (700, 800, 14042),
        (1, 1, 3),
    ],
)
def test_right_and_wrong_give_tangos_interval(won: int, lost: int, n: int) -> None:
    """Flips in one direction only and none at all included."""
    found = paired_interval(flips(won, lost, n), 0.95)

    assert found == pytest.approx(tango(won, lost, n), abs=1e-8)


def test_no_flip_at_all_still_has_a_width() -> None:
    """0 of 541 is no proof of 0: z² / (n + z²)."""
    assert paired_interval([0.0] * 541, 0.95) == pytest.approx((-0.0070506, 0.0070506), abs=1e-7)


@pytest.mark.parametrize(("all_equal", "end"), [(1.0, 1), (-1.0, 0)])
def test_the_interval_ends_at_the_ends_of_the_scale(all_equal: float, end: int) -> None:
    """Every question lost, or every one won."""
    found = paired_interval([all_equal] * 100, 0.95)

    assert found[end] == all_equal
    assert abs(found[1 - end]) == pytest.approx(1 - 2 * Z**2 / (100 + Z**2) / 2, abs=0.05)


def test_nothing_has_no_interval() -> None:
    """No number, and no zero either."""
    assert [math.isnan(bound) for bound in paired_interval([], 0.95)] == [True, True]


@pytest.mark.parametrize("seed", range(6))
def test_direction_and_scale_are_the_differences(seed: int) -> None:
    """Swapping the sides mirrors the interval; questions that weigh more stretch it."""
    rng = np.random.default_rng(seed)
    values = rng.choice([-1, -1 / 3, 0, 0, 0, 0.5, 1], size=200).tolist()
    low, high = paired_interval(values, 0.95)

    assert paired_interval([-value for value in values], 0.95) == pytest.approx((-high, -low))
    stretched = paired_interval([3 * value for value in values], 0.95, most=3)
    assert stretched == pytest.approx((3 * low, 3 * high))


@pytest.mark.parametrize("seed", range(6))
def test_partial_credit_comes_near_the_normal_interval_where_there_is_plenty(seed: int) -> None:
    """Many questions of many values: every interval of a mean agrees there."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(0.02, 0.3, size=4000).clip(-1, 1), 2)
    half = Z * values.std() / 4000**0.5

    found = paired_interval(values.tolist(), 0.95)

    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 50)


@pytest.mark.parametrize(
    ("questions", "discordance", "base", "lost_points"),
    [
        (541, 0.01, 0.5, 0.0),
        (541, 0.01, 0.97, 1.0),
        (541, 0.05, 0.8, -1.0),
        (541, 0.15, 0.5, 1.0),
        (1000, 0.02, 0.97, 2.0),
        (1319, 0.01, 0.87, 0.0),
        (1319, 0.03, 0.97, 1.0),
        (1319, 0.15, 0.5, -1.0),
    ],
)
def test_the_interval_covers_the_truth_about_95_times_in_100(
    questions: int, discordance: float, base: float, lost_points: float
) -> None:
    """93 to 97 %; docs/accuracy-statistics.md has all 305 cells."""
    truth = Truth(questions=questions, discordance=discordance, base=base, lost_points=lost_points)

    assert 0.93 <= covered(truth, score) <= 0.97


def test_the_normal_interval_does_not() -> None:
    """The simulation tells a bad interval from a good one."""
    truth = Truth(questions=541, discordance=0.01, base=0.5, lost_points=1.0)

    assert covered(truth, wald, draws=1000) < 0.91


def test_questions_asked_under_three_prompts_are_covered_as_questions() -> None:
    """Borderline questions flip under every prompt; the mean of a question is what varies."""
    rng = np.random.default_rng(20251103)
    hits = 0
    for _ in range(300):
        borderline = rng.random(541) < 0.15
        flips = borderline[:, None] & (rng.random((541, 3)) < 0.3)
        signs = rng.choice([-1, 1], p=[0.6, 0.4], size=(541, 3))
        values, counts = np.unique((flips * signs).sum(axis=1), return_counts=True)
        counted = dict(zip((values / 3).tolist(), counts.tolist(), strict=True))
        low, high = interval_of_counts(counted, 0.95)
        hits += low <= 0.15 * 0.3 * -0.2 <= high

    assert 0.92 <= hits / 300 <= 0.98


@pytest.mark.parametrize(
    ("questions", "discordance", "seeds", "expected"),
    [(541, 0.03, 1, 0.170), (541, 0.03, 2, 0.0651), (541, 0.03, 3, 0.0182), (900, 0.1, 1, 0.316)],
)
def test_chance_of_a_false_fail_is_that_of_a_simulation(
    questions: int, discordance: float, seeds: int, expected: float
) -> None:
    """Exact, and what 200 000 drawn data sets show."""
    rng = np.random.default_rng(1)
    n = questions * seeds
    changed = rng.binomial(n, discordance, size=200_000)
    net = 2 * rng.binomial(changed, 0.5) - changed
    simulated = (100 * np.abs(net) > n).mean()

    exact = chance_of_difference(questions, 1.0, discordance=discordance, prompt_seeds=seeds)

    assert exact == pytest.approx(expected, abs=5e-4)
    assert exact == pytest.approx(simulated, abs=3e-3)


def test_exactly_the_limit_is_no_false_fail() -> None:
    """10 net flips of 1000 are one point, and hold; of 100, two net flips are over it."""
    never = chance_of_difference(100, 1.0, discordance=0.0)
    one = chance_of_difference(100, 1.0, discordance=0.01)  # 2 or more net of 100
    none = chance_of_difference(100, 100.0, discordance=0.5)
    assert (never, none) == (pytest.approx(0, abs=1e-12), 0.0)
    assert one == pytest.approx(0.1185, abs=2e-4)


def test_a_true_loss_is_found_with_the_power_that_the_normal_approximation_says() -> None:
    """Three points lost on GSM8K at 5 % discordance: nearly always; two: four times in five and more."""
    power = [
        chance_of_difference(SIZES["GSM8K"], 1.0, discordance=0.05, lost_points=lost)
        for lost in (2.0, 3.0)
    ]

    assert power == [pytest.approx(0.956, abs=0.02), pytest.approx(0.9996, abs=0.002)]


def test_more_cannot_be_lost_than_changes() -> None:
    """A call without sense is refused with what is wrong."""
    with pytest.raises(ValueError, match=r"2 points can't be lost by 1\.0% of the answers"):
        chance_of_difference(541, 1.0, discordance=0.01, lost_points=2.0)
