"""
What is measured of a client, and how: what it says, held against what the server knows.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from pytest_ernie.load.known.schedule import RequestTruth, Schedule, Truth

TTFT_S = 0.2
INTERVAL_S = 0.025
FAST_COALESCE = 8
"""Events in a write of the fast server: one at a time it would be slower than the best clients."""
TTFT_LIMIT_S = 0.3
"""A limit that the server keeps; a client that says otherwise flips a verdict."""


class Load(msgspec.Struct, frozen=True):
    """So many streams at once, one request each."""

    streams: int
    tokens: int
    fast: bool = False
    """As fast as the server can; otherwise paced."""

    def schedule(self) -> Schedule:
        """Return what the server is to do."""
        if self.fast:
            return Schedule(as_fast_as_possible=True, coalesce=FAST_COALESCE)
        return Schedule(ttft_s=TTFT_S, interval_s=INTERVAL_S)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of its own run; processor time is its own word or was watched."""

    answered: int
    duration_s: float
    ttft_mean_s: float
    ttft_p99_s: float
    tpot_mean_s: float
    cpu_s: float | None = None
    """From the first request to the last token."""
    after_cpu_s: float | None = None
    """From the last token to its end: what it put off."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one client at one load."""

    client: str
    load: Load
    answered: int
    us_per_event: float | None
    after_us_per_event: float | None
    in_flight: float
    """Share of the streams that were in flight at once, by the server's count."""
    ttft_s: float
    ttft_error_s: float
    p99_error_s: float
    tpot_error: float
    """A share, not percent."""
    events_per_s: float
    server_late_s: float
    """Mean lateness of the server's writes: the machine's own noise."""


def row(client: str, load: Load, told: Told, truth: Truth) -> Row:
    """Hold what a client says against the truth; ValueError if the server answered nothing."""
    requests = whole(truth, load)
    if not requests:
        raise ValueError("the server has answered no request of this load")
    events = sum(request.tokens for request in requests)
    ttft_s = true_ttft_s(requests)
    return Row(
        client=client,
        load=load,
        answered=told.answered,
        us_per_event=None if told.cpu_s is None else told.cpu_s / events * 1e6,
        after_us_per_event=None if told.after_cpu_s is None else told.after_cpu_s / events * 1e6,
        in_flight=truth.most_in_flight / load.streams,
        ttft_s=told.ttft_mean_s,
        ttft_error_s=told.ttft_mean_s - statistics.fmean(ttft_s),
        p99_error_s=told.ttft_p99_s - float(np.percentile(ttft_s, 99)),
        tpot_error=told.tpot_mean_s / true_tpot_s(requests) - 1,
        events_per_s=events / told.duration_s,
        server_late_s=truth.late_mean_s,
    )


def whole(truth: Truth, load: Load) -> list[RequestTruth]:
    """Return the requests of the load: what a client sends to try the server isn't one."""
    return [r for r in truth.requests if r.tokens == load.tokens and r.fault is None]


def true_ttft_s(requests: Sequence[RequestTruth]) -> list[float]:
    """Return each request's time to first token."""
    return [r.first_s - r.received_s for r in requests if r.first_s is not None]


def true_tpot_s(requests: Sequence[RequestTruth]) -> float:
    """Return the mean time per output token after the first."""
    return statistics.fmean(
        (r.last_s - r.first_s) / (r.tokens - 1)
        for r in requests
        if r.first_s is not None and r.last_s is not None
    )


class Figure(msgspec.Struct, frozen=True):
    """A figure over repeated runs."""

    median: float
    least: float
    most: float


def figure(rows: Sequence[Row], of: Callable[[Row], float | None]) -> Figure | None:
    """Return the median and range of a figure; None if no run has it."""
    values = [value for value in map(of, rows) if value is not None]
    if not values:
        return None
    return Figure(statistics.median(values), min(values), max(values))
