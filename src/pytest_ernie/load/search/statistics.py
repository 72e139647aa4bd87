"""
Does a load keep its limits? Statistics of the requests of one closed loop.

Such requests are not independent: they wait in one queue, share batches, and go in waves, since all
of them started at once. Four things follow.

- First rounds that are slow because of that start don't count (``steady``).
- The mean is a tapered one (``tapered``), so that it doesn't matter where in a wave a trial ends.
- Its error comes from the slow changes of the whole series, seen through sine tapers (Riedel and
  Sidorenko 1995): they show correlation of any length up to a round, and not the waves themselves.
- Neighbours in a queue wait alike for about a round, which a short trial can't see. By Little's law
  the mean wait over k rounds errs as the service times over them do; so, if these vary no more than
  exponential ones, n waits are as good as n independent ones whose deviation is the mean wait.

A probability is read off Student's t distribution. As a posterior it has a flat prior, and then it
doesn't matter that a trial was stopped because of what it had shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

Finding = Literal["holds", "breaks", "close"]
"""Whether a load keeps the limits; "close": it can't be told with the confidence asked for."""

SAMPLES_MIN = 6
"""Fewer say little about their own spread."""
TAPERS_MAX = 16
"""Fifteen degrees of freedom: t is nearly normal, more tapers would only see faster changes."""
WARM_UP_MAX = 3
"""No more rounds than these are taken for the start's doing."""
_NORMAL = NormalDist()


class Limits(Struct, frozen=True, kw_only=True):
    """What a load must keep (R7); None asks for nothing."""

    ttft_s: float | None
    """The mean time to first token must be below it."""
    decode_tokens_per_s: float | None
    """One over the mean time per output token must reach it."""
    failed_share_max: float = 0.001

    @property
    def s_per_token(self) -> float | None:
        """The decode limit upside down, in seconds per token."""
        return None if self.decode_tokens_per_s is None else 1 / self.decode_tokens_per_s


class Sample(NamedTuple):
    """One finished request; the figures of a failed one are NaN."""

    ttft_s: float
    s_per_token: float
    failed: bool = False


class Weighted(NamedTuple):
    """A value and how much it counts."""

    value: float
    weight: float


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

    @property
    def error(self) -> float:
        """Standard error."""
        return self._error(self.value)

    def _error(self, wait: float) -> float:
        least = 0.0 if self.unloaded is None else wait - self.unloaded
        return max(self.deviation, least) * self.independent

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


def tapered(values: Sequence[float], concurrency: int) -> tuple[Weighted, ...]:
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


def mean_of(series: Sequence[Weighted], concurrency: int, unloaded: float | None = None) -> Mean:
    """
    Return the weighted mean of values in their order, with its standard error.

    ``series`` has shape (n, 2): values and weights. ``unloaded`` says that the values are times to
    first token, and which of it isn't waiting.
    """
    n = len(series)
    if n < 2:
        value = series[0].value if n else math.nan
        return Mean(samples=n, value=value, deviation=math.inf, independent=1.0, degrees=0)
    x, weights = np.array(series, dtype=float).T
    # Equal values are their own mean, also where it is compared with a limit that it may not reach.
    value = float(x[0] if np.ptp(x) == 0 else x @ weights / weights.sum())
    tapers = _tapers(n, concurrency)
    angles = np.outer(np.arange(1, tapers + 1), np.arange(1, n + 1)) * (math.pi / (n + 1))
    powers = 2 / (n + 1) * (np.sin(angles) @ (x - value)) ** 2
    # The mean was taken from the same values: one degree of freedom is gone.
    deviation = math.sqrt(float(powers.sum()) / (tapers - 1))
    return Mean(
        samples=n,
        value=value,
        deviation=deviation,
        independent=float(np.sqrt((weights**2).sum()) / weights.sum()),
        degrees=tapers - 1,
        unloaded=unloaded,
    )


def _tapers(samples: int, concurrency: int) -> int:
    """
    Return how many tapers to use: k of them see changes slower than (k + 1) / 2 in the series.

    That must be slower than once in a round. In less than three rounds no two tapers are: there the
    waves count as error, which is then too large.
    """
    rounds = samples // concurrency
    if rounds < 3:
        return min(samples, SAMPLES_MIN)
    return min(samples, 2 * rounds - 2, rounds + 2, max(4, samples // 4), TAPERS_MAX)


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was seen at one load, trial after trial."""

    concurrency: int
    unloaded_ttft_s: float | None = None
    """The lowest mean of lower loads."""
    samples: int = 0
    failed: int = 0
    ttft_s: tuple[Weighted, ...] = ()
    s_per_token: tuple[Weighted, ...] = ()

    def plus(self, samples: Sequence[Sample], before_drain: int) -> Evidence:
        """
        Return the same with more samples, of which the first ``before_drain`` ended under full load.

        Once the last request of a trial is sent, the batch empties and tokens come faster, so the
        decode speeds after that aren't those of the load. A first token is decided by what was
        ahead of the request when it was sent: those count all.
        """
        whole = [(i, sample) for i, sample in enumerate(samples) if not _failed(sample)]
        ttft_s = steady([sample.ttft_s for _, sample in whole], self.concurrency)
        s_per_token = [sample.s_per_token for i, sample in whole if i < before_drain]
        return Evidence(
            concurrency=self.concurrency,
            unloaded_ttft_s=self.unloaded_ttft_s,
            samples=self.samples + len(samples),
            failed=self.failed + len(samples) - len(whole),
            ttft_s=_joined(self.ttft_s, tapered(ttft_s, self.concurrency)),
            s_per_token=_joined(self.s_per_token, tapered(s_per_token, self.concurrency)),
        )

    def figures(self) -> Figures:
        """Return the means."""
        return Figures(
            samples=self.samples,
            failed=self.failed,
            ttft_s=mean_of(self.ttft_s, self.concurrency, self.unloaded_ttft_s),
            s_per_token=mean_of(self.s_per_token, self.concurrency),
        )


def _joined(old: tuple[Weighted, ...], new: tuple[Weighted, ...]) -> tuple[Weighted, ...]:
    """Join two series; what could be tapered replaces what could not."""
    if not old or not new or (old[0].weight < 1) == (new[0].weight < 1):
        return old + new
    return new if new[0].weight < 1 else old


def _failed(sample: Sample) -> bool:
    """A figure that nobody could measure is a failure, too."""
    return sample.failed or not (math.isfinite(sample.ttft_s) and math.isfinite(sample.s_per_token))


class Doubt(NamedTuple):
    """A mean and the limit that it may or may not keep."""

    mean: Mean
    limit: float

    @property
    def relative_error(self) -> float:
        """Standard error as a share of the limit."""
        return self.mean.error / self.limit


class Figures(Struct, frozen=True, kw_only=True):
    """What the evidence of one load amounts to."""

    samples: int
    failed: int
    ttft_s: Mean
    s_per_token: Mean

    def keeps(self, limits: Limits) -> bool:
        """Judge by the figures alone, as the clause does (R7); no samples keep nothing."""
        return (
            self._answered(limits)
            and (limits.ttft_s is None or self.ttft_s.value < limits.ttft_s)
            and (limits.s_per_token is None or self.s_per_token.value <= limits.s_per_token)
        )

    def probability_holds(self, limits: Limits) -> float:
        """Return at least how probable it is that the load keeps all limits (Bonferroni)."""
        if not self._answered(limits):
            return 0.0
        return max(0.0, 1 - sum(1 - p for p in self._probabilities(limits)))

    def probability_breaks(self, limits: Limits) -> float:
        """Return at least how probable it is that the load breaks one of the limits."""
        if not self._answered(limits):
            return 1.0
        return max((1 - p for p in self._probabilities(limits)), default=0.0)

    def finding(self, limits: Limits, error_rate: float) -> Finding:
        """Tell what is sure up to an error rate; two limits share it."""
        if self.probability_holds(limits) >= 1 - error_rate:
            return "holds"
        shared = error_rate / max(1, len(self._probabilities(limits)))
        return "breaks" if self.probability_breaks(limits) >= 1 - shared else "close"

    def doubts(self, limits: Limits, error_rate: float) -> tuple[Doubt, ...]:
        """Return the means of which it isn't sure, up to an error rate, that they are kept."""
        return tuple(
            Doubt(mean, limit)
            for mean, limit, strictly in self._asked(limits)
            if mean.probability_within(limit, strictly=strictly) < 1 - error_rate
        )

    def worse_than(self, other: Figures, limits: Limits, error_rate: float) -> bool:
        """Tell whether a mean that isn't surely kept is above the other's."""
        return any(
            mine.value > others.value
            and mine.probability_within(limit, strictly=strictly) < 1 - error_rate
            for (mine, limit, strictly), (others, _, _) in zip(
                self._asked(limits), other._asked(limits), strict=True
            )
        )

    def _answered(self, limits: Limits) -> bool:
        return self.samples > 0 and self.failed <= limits.failed_share_max * self.samples

    def _probabilities(self, limits: Limits) -> list[float]:
        """How probable it is, for each limit, that the mean is within it."""
        return [
            mean.probability_within(limit, strictly=strictly)
            for mean, limit, strictly in self._asked(limits)
        ]

    def _asked(self, limits: Limits) -> Iterator[tuple[Mean, float, bool]]:
        """Yield each mean that has a limit, the limit, and whether the limit itself breaks it."""
        if limits.ttft_s is not None:
            yield self.ttft_s, limits.ttft_s, True
        if limits.s_per_token is not None:
            yield self.s_per_token, limits.s_per_token, False
