"""
When requests are due: what makes a load a load.

    closed      as many in flight as the load says; the next is due when one has ended
    constant    so many a second, evenly, whatever the server does
    poisson     so many a second on average, independent of each other, as users come

In the two open ones a slow server doesn't slow the arrivals: requests queue up, and their waiting
counts, because latency is measured from the moment when a request was due.
"""

from __future__ import annotations

import random
from typing import Literal

from msgspec import Struct

STAGGER_S = 0.001
"""Slots of a closed loop are filled one after the other: a burst measures the burst."""


class Arrivals(Struct, frozen=True, kw_only=True):
    """A closed loop has a ``concurrency``, an open one a ``rate_per_s``."""

    kind: Literal["closed", "constant", "poisson"] = "closed"
    concurrency: int | None = None
    rate_per_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind == "closed" and not (self.concurrency and self.concurrency >= 1):
            raise ValueError(
                f"concurrency is {self.concurrency}; at least one request must be in flight"
            )
        if self.kind != "closed" and not (self.rate_per_s and 0 < self.rate_per_s < float("inf")):
            raise ValueError(
                f"the rate is {self.rate_per_s}; it must be a number of requests a second"
            )

    @property
    def refill(self) -> bool:
        """The end of a request makes another due."""
        return self.kind == "closed"

    def due_s(self, requests: int) -> list[float]:
        """Return when requests are due, seconds from the start, ascending; the first ones if closed."""
        if self.kind == "closed":
            assert self.concurrency is not None
            return [slot * STAGGER_S for slot in range(min(self.concurrency, requests))]
        assert self.rate_per_s is not None
        if self.kind == "constant":
            return [number / self.rate_per_s for number in range(requests)]
        draw = random.Random(f"poisson {self.rate_per_s} {self.seed}")
        due, times = 0.0, []
        for _ in range(requests):
            due += draw.expovariate(self.rate_per_s)
            times.append(due)
        return times


def closed(concurrency: int) -> Arrivals:
    """Return a closed loop of that many requests in flight."""
    return Arrivals(concurrency=concurrency)
