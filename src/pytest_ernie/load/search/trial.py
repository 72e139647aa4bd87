"""
One trial of the search: how much to send, and when it has shown enough.

A group-sequential test: the statistics are asked after whole rounds, ever more apart, and each time
may err with an equal part of the error rate (Bonferroni; with few looks Pocock's bounds are hardly
wider). Far within the limits the first round decides; beyond them the second, as the first may be
slow because of the common start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from .means import SAMPLES_MIN
from .statistics import Evidence, Finding, Limits, Sample

HOPELESS = 3
"""So many times the TTFT limit, no start is as slow as that."""
LOOKS_GROWTH = 1.5
"""How much further the next look is than the last."""


def round_of(concurrency: int) -> int:
    """Return the samples of one round of a closed loop, or of as many small ones as are needed."""
    return concurrency * math.ceil(SAMPLES_MIN / concurrency)


class Trial(Struct, frozen=True, kw_only=True):
    """A load to run: so many in flight, each finished one replaced until the trial is over."""

    number: int
    concurrency: int
    requests_max: int
    """Send at most so many, those of the warm-up included; then wait for all answers."""
    limits: Limits
    error_rate: float
    precision: float
    """Standard error, as a share of the limit, with which a trial that can't tell is over, too."""
    earlier: Evidence
    """What earlier trials at this load have shown."""

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many samples the trial may turn out to be decided, ascending."""
        one = round_of(self.concurrency)
        parts = [one * part // 4 for part in (1, 2, 3) if one >= 4 * SAMPLES_MIN]
        return (*parts, *(n for n in self._tests if n < self._samples_max))

    def decided(self, samples: Sequence[Sample]) -> bool:
        """
        Tell whether the trial may end now; ask after each finished request of the steady part.

        A function of the samples alone, in order of completion. Between two looks the answer is
        that of the earlier one, and costs as much again: in a hurry, ask at ``looks`` only.
        """
        return self.finding(samples) is not None

    def finding(self, samples: Sequence[Sample]) -> Finding | None:
        """Return what the samples up to the last look have shown, None if not enough."""
        look = max((n for n in self.looks if n <= len(samples)), default=0)
        if not look:
            return None
        evidence = self.earlier.plus(samples[:look], self.before_drain)
        if self._must_break(evidence):
            return "breaks"
        if look < round_of(self.concurrency):
            return None
        figures = evidence.figures()
        error_rate = self.error_rate / len(self._tests)
        finding = figures.finding(self.limits, error_rate)
        if finding == "breaks" and look < 2 * round_of(self.concurrency):
            return None  # it may still be the common start
        doubts = figures.doubts(self.limits, error_rate)
        if finding == "close" and any(doubt.relative_error > self.precision for doubt in doubts):
            return None
        return finding

    @property
    def before_drain(self) -> int:
        """
        How many samples there are when the last request is sent.

        Without the first round, which is warm-up, and the last, which is then still in flight.
        """
        return max(1, self.requests_max - 2 * self.concurrency)

    @property
    def _samples_max(self) -> int:
        return self.requests_max - self.concurrency

    @property
    def _tests(self) -> list[int]:
        """After how many samples the statistics are asked, the end of the trial included."""
        one = round_of(self.concurrency)
        tests = [one]
        while tests[-1] < self._samples_max:
            rounds = math.ceil(tests[-1] / one * LOOKS_GROWTH)
            tests.append(min(max(one, self._samples_max), rounds * one))
        return tests

    def _must_break(self, evidence: Evidence) -> bool:
        """Whether it is over by arithmetic: too many failures, or far too much waiting already."""
        one = round_of(self.concurrency)
        samples_max = self.earlier.samples + max(one, self._samples_max)
        if self.limits.too_many_failed(evidence.failed, samples_max):
            return True
        limit = self.limits.ttft_s
        if limit is None or self.earlier.samples or evidence.samples > one:
            return False  # it's for the statistics
        seen_s = math.fsum(ttft_s for series in evidence.ttft_s for ttft_s, _ in series)
        return seen_s >= HOPELESS * limit * one
