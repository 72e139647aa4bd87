"""
What correlated samples are worth.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from doubles.queueing import Engine, case, closed_loop
from pytest_ernie.load.search.means import (
    Spread,
    Weighted,
    mean_of,
    student_t,
    tapered,
)


@pytest.mark.parametrize("degrees", [3, 5, 15])
def test_student_t_agrees_with_scipy(degrees: int) -> None:
    """
    Within a thousandth, everywhere.
    """
    points = np.linspace(-8, 8, 161)

    ours = [student_t(float(t), degrees) for t in points]

    np.testing.assert_allclose(ours, stats.t.cdf(points, degrees), atol=0.001)


def test_nothing_is_known_without_degrees_of_freedom() -> None:
    """
    One value says nothing of its own error.
    """
    assert 0.5 == student_t(100.0, 0)
    assert (1, 2.0, math.inf) == _mean(2.0)
    assert 0.0 == mean_of((), 4).probability_within(1.0, strictly=True)


def _mean(*values: float) -> tuple[int, float, float]:
    mean = mean_of((tapered(values, 4),), 4)
    return mean.samples, mean.value, mean.error


def test_equal_values_have_no_error() -> None:
    """
    So the limit itself is decided exactly: TTFT must be below it, decode speed may be at it.
    """
    mean = mean_of((tapered([0.1] * 30, 4),), 4)

    assert 0.0 == mean.error
    assert (0.0, 1.0) == (
        mean.probability_within(mean.value, strictly=True),
        mean.probability_within(mean.value, strictly=False),
    )


def test_weights_rise_over_the_first_round_and_fall_over_the_last() -> None:
    """
    Of less than two rounds the first one counts as it is, and the rest doesn't.
    """
    weights = [weight for _, weight in tapered(range(10), 4)]

    assert [0.125, 0.375, 0.625, 0.875, 1.0, 1.0, 0.875, 0.625, 0.375, 0.125] == weights
    assert [Weighted(float(i), 1.0) for i in range(8)] == list(tapered(range(15), 8))


@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize("rounds", [3, 8])
def test_the_error_is_that_of_the_mean(correlation: float, rounds: int) -> None:
    """
    Independent or correlated: root mean square of the reported ones within a sixth of the truth.
    """
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 30 * rounds + 50))
    series = lfilter([1], [1, -correlation], noise)[:, 50:]
    means = [mean_of((tapered(values.tolist(), 30),), 30) for values in series]

    reported = math.sqrt(np.mean([mean.error**2 for mean in means]))

    assert np.std([mean.value for mean in means]) == pytest.approx(reported, rel=1 / 6)


@pytest.mark.parametrize("concurrency", [53, 54])
def test_tapering_sees_through_waves(concurrency: int) -> None:
    """
    Equal requests go in waves for ever, and cut off at whole rounds the mean is too low.

    By Little's law TTFT is 0.1 s, and for each request beyond 48 slots 1/48 of the 1.637 s that a
    request takes: 0.2705 s and 0.3046 s. A long simulation agrees.
    """
    true_s = 0.1 + (concurrency - 48) / 48 * (0.1 + 63 * 0.0244)
    long = closed_loop(Engine(), concurrency, 240 * concurrency).samples
    ttft_s = [sample.ttft_s for sample in long]

    short = ttft_s[: 3 * concurrency]

    assert true_s == pytest.approx(np.mean(ttft_s), rel=0.005)
    assert true_s == pytest.approx(
        mean_of((tapered(short, concurrency),), concurrency).value, rel=0.02
    )
    assert np.mean(short) < 0.96 * true_s


def test_waves_are_no_error_of_a_long_series() -> None:
    """
    Nine rounds that end in waves, sorted by speed: the error is that of independent values.
    """
    engine = case("decode", 53, 0.15).engine
    runs = [closed_loop(engine, 53, 11 * 53, seed).samples[: 9 * 53] for seed in range(40)]
    means = [mean_of((tapered([s.s_per_token for s in run], 53),), 53) for run in runs]

    reported = math.sqrt(np.mean([(mean.error / mean.value) ** 2 for mean in means]))

    assert reported == pytest.approx(0.15 / math.sqrt(9 * 53), rel=0.15)


def test_a_short_trial_of_a_queue_is_not_trusted_too_much() -> None:
    """
    Neighbours wait alike; the spread of the mean from trial to trial is that of the service times.
    """
    engine = case("lengths", 180, 0.05).engine
    runs = [closed_loop(engine, 182, 3 * 182, seed).samples for seed in range(30)]
    means = [mean_of((tapered([s.ttft_s for s in run], 182),), 182, unloaded=0.1) for run in runs]

    spread = np.std([mean.value for mean in means])

    assert np.mean([mean.error for mean in means]) == pytest.approx(spread, rel=0.4)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("rounds", [3, 6, 9])
def test_waves_are_hardly_an_error_of_a_queue(noise: float, rounds: int) -> None:
    """
    Requests of equal length make waves in TTFT that cancel: the error is a tenth of their deviation.

    It is never smaller than the truth, which is another trial's mean, and covers it.
    """
    engine = case("slots", 53, noise).engine
    runs = [closed_loop(engine, 54, (rounds + 2) * 54, seed).samples for seed in range(20)]
    series = [tapered([s.ttft_s for s in run[: rounds * 54]], 54) for run in runs]
    service = Spread().plus([sample.decode_s for run in runs for sample in run])
    means = [mean_of((each,), 54, unloaded=0.1, service=service) for each in series]
    true_s = 0.1 + 6 / 48 * (0.1 + 63 * 0.0244)

    off_s = math.sqrt(np.mean([(mean.value - true_s) ** 2 for mean in means]))

    assert off_s < np.mean([mean.error for mean in means]) < 0.01
    surenesses = [mean.probability_within(true_s, strictly=True) for mean in means]
    assert all(0.01 < sureness < 0.99 for sureness in surenesses)


def test_trials_are_not_mixed_where_one_ends() -> None:
    """
    Two trials that saw the same are worth two, and no wave crosses from one to the other.
    """
    values = np.random.default_rng(1).normal(1.0, 0.1, 80).tolist()
    series = tapered(values, 20)

    one, two = mean_of((series,), 20), mean_of((series, series), 20)

    assert one.value == pytest.approx(two.value)
    assert one.deviation == pytest.approx(two.deviation)
    assert one.error / math.sqrt(2) == pytest.approx(two.error)
    assert 2 * one.degrees == two.degrees
