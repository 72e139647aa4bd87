"""
What the records of a load run amount to (R6 to R9); pure, and recomputed at every judging.

**Steady window**: from the moment when as many requests as the load says are in flight for the
first time, to the moment when the last request is sent: before and after it the server had less to
do. A run too small to have one is measured from its first request to its last answer, and says so.

**Tokens per second**: of each whole answer, the first token counts when it came and the others
evenly between the first and the last; what falls into the window is divided by its length.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from .protocol import LoadResult, RequestRecord

NO_SPEED = "no decode speed: fewer than two tokens, or all in one moment"


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity over requests; the mean decides (R7), percentiles are shown."""

    samples: int
    mean: float
    p50: float
    p90: float
    p99: float


class LoadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one load."""

    concurrency: int
    requests: int
    failed: dict[str, int]
    """Reason -> how many; empty if every request was answered."""
    failed_share: float
    """1.0 for a run without requests: nothing was shown."""
    steady: bool
    """The window is the steady one; False if the run was too small to have one."""
    window_start_s: float
    window_end_s: float
    output_tokens_per_s: float | None
    """In the window, over whole answers; None if the run has no duration."""
    ttft_s: Spread | None
    """First token minus due, over whole answers; None if there is none."""
    decode_tokens_per_s: Spread | None
    """(n - 1) / (last - first), a request each (R8). Its mean is at the mercy of a single burst."""
    decode_s_per_token: Spread | None
    """The same upside down: of this mean a burst can take away no more than its own share."""
    reached_full_length_share: float | None
    """Share of the whole answers that have the wanted length (R9); None if there is none."""
    tokens_per_chunk: float | None
    """Over whole answers; far above 1, tokens were held back and decode speeds are flattered."""
    prompt_tokens: int
    output_tokens: int
    wall_s: float
    client_cpu_share: float | None
    """Of one core; near 1 the client was the bottleneck."""


def summarise(result: LoadResult) -> LoadSummary:
    """Return the figures of a run."""
    records = result.records
    whole = [record for record in records if failure(record) is None]
    reasons = Counter(reason(why) for record in records if (why := failure(record)) is not None)
    steady, start_s, end_s = steady_window(records, result.concurrency)
    length_s = end_s - start_s
    output_tokens = sum(record.output_tokens or 0 for record in whole)
    tokens = math.fsum(tokens_between(record, start_s, end_s) for record in whole)
    return LoadSummary(
        concurrency=result.concurrency,
        requests=len(records),
        failed=dict(sorted(reasons.items())),
        failed_share=(len(records) - len(whole)) / len(records) if records else 1.0,
        steady=steady,
        window_start_s=start_s,
        window_end_s=end_s,
        output_tokens_per_s=tokens / length_s if length_s > 0 else None,
        ttft_s=spread([ttft_s(record) for record in whole]),
        decode_tokens_per_s=spread([decode_tokens_per_s(record) for record in whole]),
        decode_s_per_token=spread([1 / decode_tokens_per_s(record) for record in whole]),
        reached_full_length_share=(
            sum(record.output_tokens == record.wanted_tokens for record in whole) / len(whole)
            if whole
            else None
        ),
        tokens_per_chunk=output_tokens / chunks if (chunks := _chunks(whole)) else None,
        prompt_tokens=sum(record.prompt_tokens or 0 for record in whole),
        output_tokens=output_tokens,
        wall_s=result.wall_s,
        client_cpu_share=result.client_cpu_s / result.wall_s if result.wall_s > 0 else None,
    )


def _chunks(records: Sequence[RequestRecord]) -> int:
    return sum(record.chunks for record in records)


def failure(record: RequestRecord) -> str | None:
    """Return why a request failed, None if its answer is whole and has a decode speed (R8)."""
    if record.error is not None:
        return record.error
    first, last, tokens = record.first_token_s, record.last_token_s, record.output_tokens
    if first is None or last is None or tokens is None or tokens < 2 or not last > first:
        return NO_SPEED
    return None


def reason(error: str) -> str:
    """Return the part of an error under which it is counted: its status too, if it has one."""
    head, _, detail = error.partition(": ")
    return f"{head}: {detail[:8]}" if detail.startswith("HTTP ") else head


def ttft_s(record: RequestRecord) -> float:
    """Return the seconds from the moment the request was due to its first token."""
    assert record.first_token_s is not None
    return record.first_token_s - record.due_s


def decode_tokens_per_s(record: RequestRecord) -> float:
    """Return (n - 1) / (last - first) of a whole answer."""
    assert record.output_tokens is not None
    assert record.first_token_s is not None
    assert record.last_token_s is not None
    return (record.output_tokens - 1) / (record.last_token_s - record.first_token_s)


def tokens_between(record: RequestRecord, start_s: float, end_s: float) -> float:
    """Return how many tokens of a whole answer fall into [start, end)."""
    assert record.output_tokens is not None
    assert record.first_token_s is not None
    assert record.last_token_s is not None
    first, last = record.first_token_s, record.last_token_s
    overlap_s = max(0.0, min(last, end_s) - max(first, start_s))
    rest = (record.output_tokens - 1) * overlap_s / (last - first)
    return rest + (1 if start_s <= first < end_s else 0)


def steady_window(records: Sequence[RequestRecord], concurrency: int) -> tuple[bool, float, float]:
    """Return (steady, start, end); the whole run if it never held its load while still sending."""
    if not records:
        return False, 0.0, 0.0
    last_sent_s = max(record.sent_s for record in records)
    moments = sorted(
        [(record.done_s, -1) for record in records] + [(record.sent_s, 1) for record in records]
    )
    in_flight = 0
    for moment_s, change in moments:
        in_flight += change
        if in_flight >= concurrency and moment_s < last_sent_s:
            return True, moment_s, last_sent_s
    first_sent_s = min(record.sent_s for record in records)
    return False, first_sent_s, max(record.done_s for record in records)


def spread(values: Sequence[float]) -> Spread | None:
    """Return mean and percentiles of finite values, None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(
        samples=len(ordered),
        mean=math.fsum(ordered) / len(ordered),
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p99=percentile(ordered, 99),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the percentile of ascending values, interpolated linearly between ranks."""
    position = (len(ordered) - 1) * share / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
