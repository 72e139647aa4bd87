"""
Theil-Sen and Mann-Kendall, held against scipy on seeded random data.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from pytest_ernie.verdicts.statistics import (
    mann_kendall_p_increasing,
    theil_sen_slope,
)

SEEDS = range(12)


def drawn(seed: int) -> np.ndarray:
    """Values of varied length, scale, trend and number of ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 130))
    values = rng.normal(scale=10.0 ** rng.integers(-4, 3), size=n) + rng.normal() * np.arange(n) / n
    return np.round(values, int(rng.integers(0, 5))) if seed % 2 else values


def kendalls_s(values: np.ndarray) -> float:
    """Kendall's S from scipy's tau-b against time, which has no ties."""
    pairs = len(values) * (len(values) - 1) / 2
    tied = sum(count * (count - 1) / 2 for count in np.unique(values, return_counts=True)[1])
    tau = stats.kendalltau(np.arange(len(values)), values).statistic
    return round(float(tau * math.sqrt(pairs * (pairs - tied))))


@pytest.mark.parametrize("seed", SEEDS)
def test_theil_sen_is_scipys(seed: int) -> None:
    """
    The median slope over all pairs, whatever the scale.
    """
    values = drawn(seed)

    assert stats.theilslopes(values).slope == pytest.approx(
        theil_sen_slope(values), rel=1e-9, abs=1e-15
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_mann_kendall_is_scipys_with_the_correction_for_continuity(seed: int) -> None:
    """
    scipy's asymptotic test has the same variance (ties included) and no correction for continuity.
    """
    values = drawn(seed)
    s = kendalls_s(values)
    two_sided = stats.kendalltau(np.arange(len(values)), values, method="asymptotic").pvalue
    z = math.copysign(stats.norm.isf(two_sided / 2), s) if s else 0.0
    corrected = z * (s - math.copysign(1, s)) / s if s else 0.0

    assert stats.norm.sf(corrected) == pytest.approx(mann_kendall_p_increasing(values), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slope_follows_scale_shift_and_direction(seed: int) -> None:
    """
    A slope in other units, from another level, or backwards, is the slope changed accordingly.
    """
    values = drawn(seed)
    slope = theil_sen_slope(values)

    assert (3 * slope, -slope) == (
        pytest.approx(theil_sen_slope(3 * values + 7), abs=1e-9),
        pytest.approx(theil_sen_slope(values[::-1]), abs=1e-12),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_trend_test_sees_only_the_order(seed: int) -> None:
    """
    Any increasing transformation leaves the p value as it is.
    """
    values = drawn(seed)

    assert mann_kendall_p_increasing(values) == mann_kendall_p_increasing(np.arctan(values / 9))


def test_a_line_has_its_own_slope() -> None:
    """
    Known value.
    """
    assert theil_sen_slope([1.0, 1.5, 2.0, 2.5]) == 0.5


def test_one_wild_point_does_not_move_the_slope() -> None:
    """
    An outlier is judged as an outlier (R3), not as a trend.
    """
    assert theil_sen_slope([1.0] * 50 + [1e9] + [1.0] * 49) == 0.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0] * 20, 1.0),
        ([1.0, 2.0], 0.5),
        (list(range(10)), 4.16e-5),
        (list(range(10, 0, -1)), 1 - 4.16e-5),
    ],
)
def test_the_trend_test_knows_the_plain_cases(values: list[float], expected: float) -> None:
    """
    No trend at all is 1; two points prove nothing; ten in order are significant, upwards only.
    """
    assert expected == pytest.approx(mann_kendall_p_increasing(values), abs=1e-6)
