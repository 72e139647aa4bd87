"""
The mean of values that depend on each other, and how far it can be trusted.

Requests of one closed loop wait in one queue, share batches, and go in waves, since all of them
started at once. Four things follow.

- First rounds that are slow because of that start don't count (``steady``).
- The mean is a tapered one (``tapered``), so that it doesn't matter where in a wave a trial ends.
- Its error is seen in how far such a mean moves when its window slides: over a whole round the waves
  cancel, and what is left is what would make another trial's mean another one.
- A queue also remembers for about a round, which a short trial can't see. By Little's law the mean
  wait over k rounds errs as the service times over them do: n waits are as good as n independent
  ones whose deviation is the mean wait, times the coefficient of variation of the service time.

A probability is read off Student's t distribution. As a posterior it has a flat prior, and then it
doesn't matter that a trial was stopped because of what it had shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from msgspec import Struct

SAMPLES_MIN = 6
"""Fewer say little about their own spread."""
DEGREES_MAX = 15
"""With so many degrees of freedom t is nearly normal."""
ROUNDS_SEEN = 3
"""Of so many on, means of two rounds have some way to slide."""
WARM_UP_MAX = 3
"""No more rounds than these are taken for the start's doing."""
_NORMAL = NormalDist()


class Weighted(NamedTuple):
    """A value and how much it counts."""

    value: float
    weight: float


Series = tuple[Weighted, ...]
"""One trial's values in their order."""


class Spread(Struct, frozen=True, kw_only=True):
    """How different durations are, as sums that more can be added to."""

    samples: int = 0
    total_s: float = 0.0
    squares_s2: float = 0.0

    def plus(self, durations_s: Sequence[float]) -> Spread:
        """Return the same with more durations, seconds."""
        return Spread(
            samples=self.samples + len(durations_s),
            total_s=self.total_s + math.fsum(durations_s),
            squares_s2=self.squares_s2 + math.fsum(d * d for d in durations_s),
        )

    @property
    def variation(self) -> float:
        """
        Coefficient of variation; 1, as of exponential durations, where too few were seen to tell.
        """
        if self.samples < SAMPLES_MIN or not self.total_s > 0:
            return 1.0
        mean_s = self.total_s / self.samples
        variance_s2 = max(0.0, self.squares_s2 / self.samples - mean_s**2)
        return math.sqrt(variance_s2 * self.samples / (self.samples - 1)) / mean_s


class Mean(Struct, frozen=True, kw_only=True):
    """The mean of correlated values and how far it can be trusted, in the unit of the values."""

    samples: int
    value: float
    """NaN of no values."""
    deviation: float
    """What one value would deviate by if they were independent; infinite of fewer than two."""
    independent: float
    """Standard error of independent values of deviation 1: 1 / sqrt(n), more if tapered."""
    degrees: int
    """Of freedom, of the deviation."""
    unloaded: float | None = None
    """What isn't waiting, if the values are times to first token."""
    service_variation: float = 1.0
    """Coefficient of variation of the time that a request takes; that of exponential ones is 1."""
    waves_cancel: bool = False
    """The trials were long enough for the deviation to hold nothing of the waves."""

    @property
    def error(self) -> float:
        """Standard error."""
        return self._error(self.value)

    def _error(self, ttft_s: float) -> float:
        wait_s = 0.0 if self.unloaded is None else max(0.0, ttft_s - self.unloaded)
        # Of a short trial the changes that were seen are the waiting, too.
        both = math.hypot if self.waves_cancel else max
        return both(self.deviation, wait_s * self.service_variation) * self.independent

    def probability_within(self, limit: float, *, strictly: bool) -> float:
        """Return how probable it is that the true mean is within the limit; 0 of no values."""
        if not self.samples:
            return 0.0
        error = self._error(min(self.value, limit))
        if error == 0:
            return float(self.value < limit or (self.value == limit and not strictly))
        return student_t((limit - self.value) / error, self.degrees)


def student_t(t: float, degrees: int) -> float:
    """
    Return the distribution function of Student's t, by the normal approximation of Wallace (1959).

    Off by less than 0.001 from three degrees of freedom on. Of none nothing is known: 0.5.
    """
    if degrees < 1:
        return 0.5
    z = (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(t * t / degrees))
    return _NORMAL.cdf(math.copysign(z, t))


def tapered(values: Sequence[float], concurrency: int) -> Series:
    """
    Return the values with weights that rise over the first round and fall over the last.

    Where a trial ends, fast requests have ended and slow ones haven't, and those that wait come in
    blocks: cut off hard, the mean is too low (the inspection paradox), by up to a tenth in a short
    trial. Fewer than two rounds can't be tapered: of them the first one is taken as it is.
    """
    n = len(values)
    if n < 2 * concurrency:
        return tuple(Weighted(value, 1.0) for value in values[: max(concurrency, SAMPLES_MIN)])
    middles = np.arange(n) + 0.5
    weights = np.minimum(1.0, np.minimum(middles, n - middles) / concurrency)
    return tuple(map(Weighted, values, weights.tolist()))


def steady(ttft_s: Sequence[float], concurrency: int) -> Sequence[float]:
    """
    Return the values without the first rounds, if the common start still makes these slow.

    All requests having started at once, their prompts queue, and the next ones again. As many
    rounds go, up to half, as make the marginal standard error of the rest least (White 1997).
    """
    x = np.asarray(ttft_s, dtype=float)
    best = 0
    for rounds in range(1, min(WARM_UP_MAX, len(x) // (2 * concurrency)) + 1):
        start = rounds * concurrency
        slower = x[best:start].mean() > x[start:].mean()
        if slower and x[start:].var() / len(x[start:]) < x[best:].var() / len(x[best:]):
            best = start
    return ttft_s[best:]


def mean_of(
    trials: Sequence[Series],
    concurrency: int,
    unloaded: float | None = None,
    service: Spread | None = None,
) -> Mean:
    """
    Return the weighted mean of the values of some trials, with its standard error.

    ``unloaded`` says that the values are times to first token, and which of it isn't waiting;
    ``service`` how different the requests' durations are.
    """
    series = [pair for trial in trials for pair in trial]
    n = len(series)
    if n < 2:
        value = series[0].value if n else math.nan
        return Mean(samples=n, value=value, deviation=math.inf, independent=1.0, degrees=0)
    x, weights = np.array(series, dtype=float).T
    # Equal values are their own mean, also where it is compared with a limit that it may not reach.
    value = float(x[0] if np.ptp(x) == 0 else x @ weights / weights.sum())
    long = [
        np.array([each for each, _ in trial]) - value
        for trial in trials
        if len(trial) >= ROUNDS_SEEN * concurrency
    ]
    if long:
        degrees = sum(_degrees(len(trial), concurrency) for trial in long)
        deviation = _deviation_of_sliding_means(long, concurrency)
    else:
        degrees = min(n, SAMPLES_MIN) - 1
        deviation = _deviation_of_slow_changes(x - value, degrees + 1)
    return Mean(
        samples=n,
        value=value,
        deviation=deviation,
        independent=float(np.sqrt((weights**2).sum()) / weights.sum()),
        degrees=min(degrees, DEGREES_MAX),
        unloaded=unloaded,
        service_variation=1.0 if service is None else service.variation,
        waves_cancel=bool(long),
    )


def _deviation_of_slow_changes(x: np.ndarray, tapers: int) -> float:
    """
    Return the deviation of values that are independent, but for slow changes; waves count, too.

    Seen through sine tapers (Riedel and Sidorenko 1995), of values around zero. The mean was taken
    from the same values: one degree of freedom is gone.
    """
    n = len(x)
    angles = np.outer(np.arange(1, tapers + 1), np.arange(1, n + 1)) * (math.pi / (n + 1))
    powers = 2 / (n + 1) * (np.sin(angles) @ x) ** 2
    return math.sqrt(float(powers.sum()) / (tapers - 1))


def _degrees(samples: int, concurrency: int) -> int:
    """Return the degrees of freedom of a trial's sliding means: what a taper's worth more of them is."""
    rounds = samples // concurrency
    return min(samples - 1, 2 * rounds - 3, rounds + 1, max(3, samples // 4 - 1))


def _deviation_of_sliding_means(trials: Sequence[np.ndarray], concurrency: int) -> float:
    """
    Return the deviation that independent values had, if tapered means of two rounds moved as these do.

    Such means share most of their values while they slide, so they move less than two trials
    apart would differ: by how much, is known for independent values.
    """
    variance = weight = 0.0
    for x in trials:
        means = _over_a_round(_over_a_round(x, concurrency), concurrency)
        span = (len(means) - 1) / concurrency
        variance += len(x) * float(means.var()) * concurrency / _movement(span)
        weight += len(x)
    return math.sqrt(variance / weight)


def _over_a_round(x: np.ndarray, concurrency: int) -> np.ndarray:
    """Return the mean over each whole round, from every start."""
    sums: np.ndarray = np.concatenate([[0.0], np.cumsum(x)])
    means: np.ndarray = (sums[concurrency:] - sums[:-concurrency]) / concurrency
    return means


def _movement(span: float) -> float:
    """
    Return the variance of sliding tapered means, in rounds, for independent values of deviation 1.

    A mean over a round of means over a round has a triangle of weights, so two that are u rounds apart
    have the cubic B-spline of u as their covariance. From the variance of one goes that of the mean
    of all, as these slide over ``span`` rounds.
    """
    u = (np.arange(400) + 0.5) / 400 * span
    near, far = 2 / 3 - u**2 + u**3 / 2, np.maximum(2 - u, 0) ** 3 / 6
    shared = np.mean((span - u) * np.where(u < 1, near, far)) * 2 / span
    return float(2 / 3 - shared)
