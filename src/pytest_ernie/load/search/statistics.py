"""
Does a load keep its limits? What the requests of one closed loop say of it (see ``means``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from .means import Mean, Series, Spread, mean_of, steady, tapered

Finding = Literal["holds", "breaks", "close"]
"""Whether a load keeps the limits; "close": it can't be told with the confidence asked for."""

FAILED_BY_CHANCE = 0.01


class Limits(Struct, frozen=True, kw_only=True):
    """What a load must keep (R7); None asks for nothing."""

    ttft_s: float | None
    """The mean time to first token must be below it."""
    decode_tokens_per_s: float | None
    """One over the mean time per output token must reach it."""
    failed_share_max: float = 0.001

    def too_many_failed(self, failed: int, samples: int) -> bool:
        """
        Tell whether so many failures show that more fail than may: not by chance, once in a hundred.

        A lone failure in a short trial shows nothing: it may be the one in a thousand. Whether the share is
        kept, the whole workload decides.
        """
        expected = self.failed_share_max * samples
        if failed <= expected or expected == 0:
            return failed > expected
        if failed == 1 or failed > expected + 10 * math.sqrt(expected) + 10:
            return failed > 1
        # Poisson's distribution: such failures are rare.
        fewer = math.fsum(
            math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(failed)
        )
        return 1 - fewer < FAILED_BY_CHANCE

    @property
    def s_per_token(self) -> float | None:
        """The decode limit upside down, in seconds per token."""
        return None if self.decode_tokens_per_s is None else 1 / self.decode_tokens_per_s


class Sample(NamedTuple):
    """One finished request; the figures of a failed one are NaN."""

    ttft_s: float
    s_per_token: float
    failed: bool = False
    decode_s: float = math.nan
    """From the first token to the last; NaN where nobody says so."""


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was seen at one load, trial after trial."""

    concurrency: int
    unloaded_ttft_s: float | None = None
    """The lowest mean of lower loads."""
    samples: int = 0
    failed: int = 0
    ttft_s: tuple[Series, ...] = ()
    s_per_token: tuple[Series, ...] = ()
    service: Spread = Spread()
    """Of the decode times, by which requests differ."""

    def plus(self, samples: Sequence[Sample], before_drain: int) -> Evidence:
        """
        Return the same with more samples, of which the first ``before_drain`` ended under full load.

        Once the last request of a trial is sent, the batch empties and tokens come faster, so the
        decode speeds after that aren't those of the load. A first token is decided by what was
        ahead of the request when it was sent: those count all.
        """
        whole = [(i, sample) for i, sample in enumerate(samples) if not _failed(sample)]
        ttft_s = steady([sample.ttft_s for _, sample in whole], self.concurrency)
        loaded = [sample for i, sample in whole if i < before_drain]
        s_per_token = [sample.s_per_token for sample in loaded]
        return Evidence(
            concurrency=self.concurrency,
            unloaded_ttft_s=self.unloaded_ttft_s,
            samples=self.samples + len(samples),
            failed=self.failed + len(samples) - len(whole),
            ttft_s=_joined(self.ttft_s, tapered(ttft_s, self.concurrency)),
            s_per_token=_joined(self.s_per_token, tapered(s_per_token, self.concurrency)),
            service=self.service.plus([s.decode_s for s in loaded if math.isfinite(s.decode_s)]),
        )

    def figures(self) -> Figures:
        """Return the means."""
        return Figures(
            samples=self.samples,
            failed=self.failed,
            ttft_s=mean_of(self.ttft_s, self.concurrency, self.unloaded_ttft_s, self.service),
            s_per_token=mean_of(self.s_per_token, self.concurrency),
        )


def _joined(old: tuple[Series, ...], new: Series) -> tuple[Series, ...]:
    """Add a trial's series; what could be tapered replaces what could not."""
    if not new:
        return old
    if not old or _is_tapered(old[0]) == _is_tapered(new):
        return (*old, new)
    return (new,) if _is_tapered(new) else old


def _is_tapered(series: Series) -> bool:
    return series[0].weight < 1


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
        return self.samples > 0 and not limits.too_many_failed(self.failed, self.samples)

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
