"""
A load run's requests against its result: counts, the order of each request's times, and how many at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pytest_ernie.evidence.strict_json import refuse_ambiguous
from pytest_ernie.load.protocol import LoadResult, RequestRecord

EPSILON_S = 1e-3
"""Times of one clock, written to the microsecond or better."""
MOST_TOKENS_PER_S = 100_000.0
"""Decode speed of one request: the fastest engines are two orders of magnitude below."""
COUNTER_TOLERANCE = 0.01
"""Of the server's own count of tokens, beside one token for each answer (the first, or the last of a count
that is read a moment too early)."""


def read_requests(content: bytes) -> LoadResult:
    """Return recorded requests; BundleUnusable or DecodeError if they can be read in two ways, or in none."""
    result = msgspec.json.decode(content, type=LoadResult)
    if msgspec.json.encode(result) != content:  # written by another version, or by another hand
        refuse_ambiguous(content, where="requests")
    return result


def load_findings(
    data: Mapping[str, Any],
    result: LoadResult,
    concurrency: int | None,
    span: tuple[float, float],
) -> Iterator[str]:
    """Yield each disagreement; ``span`` is from the spec's to the result's time."""
    records = result.records
    if data["requests"] != len(records):
        yield f"its summary counts {data['requests']} requests, and {len(records)} were recorded"
    if result.requests_sent < len(records):
        yield f"{result.requests_sent} requests were sent, and {len(records)} were recorded"
    if concurrency is not None and result.arrivals.concurrency != concurrency:
        yield f"it was to have {concurrency} in flight, and had {result.arrivals.concurrency}"
    if not span[0] <= result.started_unix_s <= result.started_unix_s + result.wall_s <= span[1]:
        yield "the run's start and end don't lie between those of its record"
    yield from _requests(result)
    yield from _together(result)
    yield from _counters(data.get("server_counters"), result)


def _requests(result: LoadResult) -> Iterator[str]:
    indices = [record.index for record in result.records]
    if len(set(indices)) != len(indices):
        twice = next(index for index in indices if indices.count(index) > 1)
        yield f"request {twice} is recorded twice"
    for record in result.records:
        problem = _problem(record, result.wall_s)
        if problem is not None:
            yield f"request {record.index}: {problem}"
            return


def _problem(record: RequestRecord, wall_s: float) -> str | None:
    """Say what is impossible about one request, or None."""
    last_s, token_s = record.last_token_s, record.first_token_s
    first_s = record.sent_s if token_s is None else token_s
    last_s = first_s if last_s is None else last_s
    ordered = (
        -EPSILON_S <= record.due_s <= record.sent_s + EPSILON_S
        and record.sent_s <= first_s + EPSILON_S
        and first_s <= last_s + EPSILON_S
        and last_s <= record.done_s + EPSILON_S
        and record.done_s <= wall_s + EPSILON_S < math.inf
    )
    if not ordered:
        return "its times aren't in order, or lie outside the run"
    tokens = record.output_tokens
    if tokens is None:
        return None
    if tokens < 0 or record.chunks < 0 or (tokens and record.chunks > tokens + 1):
        return f"{record.chunks} events with text, and {tokens} tokens"
    if token_s is None:
        return None
    decoded, length_s = tokens - record.first_tokens, last_s - first_s
    if decoded > 1 and decoded > MOST_TOKENS_PER_S * (length_s + 1e-6):
        return f"{tokens} tokens in {length_s:.6f} s"
    arrivals = record.text_times_s
    if arrivals and (len(arrivals) != record.chunks or list(arrivals) != sorted(arrivals)):
        return "its events aren't as many as it counts, or not in order"
    return None


def _together(result: LoadResult) -> Iterator[str]:
    """In a closed loop no more are in flight than there are slots, and each is due when another ends."""
    slots = result.arrivals.concurrency
    if not result.arrivals.refill or slots is None or not result.records:
        return
    moments = [(record.sent_s + EPSILON_S, 1) for record in result.records]
    moments += [(max(record.done_s, record.sent_s + EPSILON_S), -1) for record in result.records]
    flying = most = 0
    for _, change in sorted(moments):
        flying += change
        most = max(most, flying)
    if most > slots:
        yield f"{most} requests were in flight at once; {slots} were allowed"
    ends = sorted(record.done_s for record in result.records)
    later = sorted(record.due_s for record in result.records)[slots:]
    early = [due for due, end in zip(later, ends, strict=False) if due < end - EPSILON_S]
    if early:
        yield f"a request was due at {early[0]:.3f} s, before any slot was free for it"


def _counters(counters: Any, result: LoadResult) -> Iterator[str]:
    """The server counts tokens, too, where it has counters; another client may have added some."""
    if not counters:
        return
    counted = counters["after"]["output_tokens"] - counters["before"]["output_tokens"]
    answered = [record.output_tokens for record in result.records if record.output_tokens]
    if not sum(answered) - len(answered) <= counted * (1 + COUNTER_TOLERANCE):
        yield f"its answers have {sum(answered)} tokens, and the server counted {counted:.0f}"
