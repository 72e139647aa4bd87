"""
Which load to try next, from the figures of those that were tried.

In a closed loop of N requests that take R seconds each, N / R finish per second (Little 1961), and
that rate doesn't fall when N grows. So one more request in flight adds at most R / N seconds, and
exactly that once the server is saturated: a queue's TTFT is a straight line of known slope. These
are guesses of where to look, never findings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from .statistics import Figures, Limits

FAR = 0.5
"""A load that uses less than this share of each limit is far from them."""
RISEN = 0.1
"""A rise of TTFT by this share of its limit is more than noise: a queue may have begun to form."""
APART = 0.8
"""Of two loads nearer than this ratio the slope is mostly noise."""
ABOUT = 0.9
"""Loads nearer than this ratio are about the same."""
DISAGREE = 1.05
"""Two loads of one queue expect the limit at the same place, give or take this."""


class Point(Struct, frozen=True, kw_only=True):
    """One tested load, all its trials together."""

    concurrency: int
    figures: Figures
    keeps: bool
    """By the means alone."""
    trials: int
    requests_sent: int
    output_tokens_per_s: float

    @property
    def ttft_s(self) -> float:
        """Its mean."""
        return self.figures.ttft_s.value

    @property
    def s_per_token(self) -> float:
        """Its mean."""
        return self.figures.s_per_token.value

    def queue_meets(self, ttft_s: float, output_tokens: float) -> float:
        """Return the load at which a queue through this point reaches a TTFT, in requests."""
        request_s = self.ttft_s + (output_tokens - 1) * self.s_per_token
        return self.concurrency * (1 + (ttft_s - self.ttft_s) / request_s)


def above(held: Sequence[Point], limits: Limits, output_tokens: float | None, step: int) -> int:
    """
    Return a load above all that were tested, a step beyond where the limit is expected.

    All of them held; ``held`` ascends and isn't empty.
    """
    top = held[-1]
    # Where a queue forms the batch is full, so the time per token doesn't grow on.
    expected = _ttft_above(held, limits, output_tokens)
    if math.isinf(expected):
        expected = _decode_above(held, limits)
    known = math.isfinite(expected)
    load = (4 if known or share_used(top, limits) < FAR else 2) * top.concurrency
    if known:
        load = min(load, max(top.concurrency, math.floor(expected)) + step)
    if len(held) > 1 and top.concurrency - held[-2].concurrency <= step:
        # The limit was expected right here, and isn't: double the step.
        load = max(load, 3 * top.concurrency - 2 * held[-2].concurrency)
    return load


def between(
    tested: Sequence[Point],
    low: Point | None,
    high: Point,
    limits: Limits,
    output_tokens: float | None,
    step: int,
) -> int:
    """
    Return a load above ``low``, which holds (None: nothing does), and below ``high``, which breaks.

    Both are among ``tested``, which ascends. The load is just below where the limit is expected, and
    in the middle if no figure says where that is.
    """
    floor, top = low.concurrency if low else 0, high.concurrency
    expected = [
        load
        for load in (
            _decode_between(tested, low, high, limits),
            _ttft_between(low, high, limits, output_tokens),
        )
        if not math.isinf(load)
    ]
    if not expected or not all(floor < load < top for load in expected):
        return (floor + top) // 2
    highest = max(floor + 1, top - step)
    return min(highest, max(floor + step, math.floor(min(expected))))


def share_used(point: Point, limits: Limits) -> float:
    """Return the largest share of a limit that a load uses; 0 without limits."""
    shares = [0.0]
    if limits.ttft_s is not None:
        shares.append(point.ttft_s / limits.ttft_s)
    if limits.s_per_token is not None:
        shares.append(point.s_per_token / limits.s_per_token)
    return max(shares)


def _decode_above(held: Sequence[Point], limits: Limits) -> float:
    """Where the time per token meets its limit if it goes on as before; infinity if never."""
    if limits.s_per_token is None or len(held) < 2:
        return math.inf
    top = held[-1]
    far = [point for point in held[:-1] if point.concurrency <= APART * top.concurrency]
    below = far[-1] if far else held[0]
    slope = (top.s_per_token - below.s_per_token) / (top.concurrency - below.concurrency)
    if not slope > 0:
        return math.inf
    return top.concurrency + (limits.s_per_token - top.s_per_token) / slope


def _ttft_above(held: Sequence[Point], limits: Limits, output_tokens: float | None) -> float:
    """
    Where TTFT meets its limit if it goes on as before, as a queue's if it rises ever more.

    Infinity as long as it hardly rises.
    """
    if limits.ttft_s is None or len(held) < 2:
        return math.inf
    top, below = held[-1], held[-2]
    rise_s = top.ttft_s - below.ttft_s
    if not rise_s > RISEN * limits.ttft_s:
        return math.inf
    slope = rise_s / (top.concurrency - below.concurrency)
    if len(held) > 2 and output_tokens is not None:
        before = held[-3]
        slope_before = (below.ttft_s - before.ttft_s) / (below.concurrency - before.concurrency)
        if slope > 2 * slope_before:
            return top.queue_meets(limits.ttft_s, output_tokens)
    return top.concurrency + (limits.ttft_s - top.ttft_s) / slope


def _decode_between(
    tested: Sequence[Point], low: Point | None, high: Point, limits: Limits
) -> float:
    """
    Where a straight line meets the decode limit; infinity if ``high`` keeps it, NaN if none does.

    The line goes from the nearest load well below to the middle of all those about ``high``, so
    that the noise of any one of them matters little.
    """
    limit = limits.s_per_token
    if limit is None or high.s_per_token <= limit:
        return math.inf
    top = high.concurrency
    below = [point for point in tested if point.concurrency <= APART * top]
    about = [point for point in tested if ABOUT * top <= point.concurrency <= top / ABOUT]
    weights = [point.figures.s_per_token.samples for point in about]
    if low is None or not below or not all(weights):
        return math.nan
    load = _weighted([point.concurrency for point in about], weights)
    s_per_token = _weighted([point.s_per_token for point in about], weights)
    start = below[-1]
    slope = (s_per_token - start.s_per_token) / (load - start.concurrency)
    if not slope > 0:
        return math.nan
    expected = load + (limit - s_per_token) / slope
    return min(max(expected, low.concurrency + 0.5), top - 0.5)


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _ttft_between(
    low: Point | None, high: Point, limits: Limits, output_tokens: float | None
) -> float:
    """
    Where a queue through ``high`` meets the TTFT limit; infinity if ``high`` keeps it.

    NaN if no queue explains both figures: a queue grows no faster.
    """
    limit = limits.ttft_s
    if limit is None or high.ttft_s < limit:
        return math.inf
    if output_tokens is None:
        return _chord(low, high, low.ttft_s if low else math.nan, high.ttft_s, limit)
    at_most = high.queue_meets(limit, output_tokens)
    if low is not None and low.queue_meets(limit, output_tokens) > DISAGREE * at_most:
        return math.nan
    return at_most


def _chord(low: Point | None, high: Point, at_low: float, at_high: float, limit: float) -> float:
    """Where the straight line between two loads meets a limit; NaN if it doesn't rise."""
    if low is None or not at_high > at_low:
        return math.nan
    share = (limit - at_low) / (at_high - at_low)
    return low.concurrency + share * (high.concurrency - low.concurrency)
