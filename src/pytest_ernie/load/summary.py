"""
What the records of a load run amount to (R6 to R9); pure, vectorised, recomputed at every judging.

**Steady window**: warm-up and drain don't count. In a closed loop it lasts from the moment when the last
slot got its first request to the moment when a client process sends its last one; in an open loop it
begins with the first answer's end. The first token's time is that of the requests that were due in
it, decode speed and latency those of the answers that ended in it: so both are seen under the full
load, and neither sampling favours short answers. A run too small for that (no slot was ever filled
again) is measured from its first request to its last answer, and says so.

**Tokens per second**: of each whole answer, the tokens of the first moment count when they came and
the others evenly between the first and the last; what falls into the window is divided by its length.

A failed request counts wherever it failed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .protocol import Loaded, LoadResult, RequestRecord
from .stream import NOT_SENT

Numbers = NDArray[np.float64]
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

    concurrency: int | None
    """None for an open loop."""
    rate_per_s: float | None
    requests: int
    completed: int
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
    mean_in_flight: float | None
    """In the window: whether the load was truly there; None of a run that was stopped too soon to tell."""
    ttft_s: Spread | None
    """First token minus due; None, as the next ones, if no request counts."""
    tpot_s: Spread | None
    """
    (last - first) over the tokens after the first moment (``decode_tokens``): of its mean a burst can
    take away no more than its own share.
    """
    decode_tokens_per_s: Spread | None
    """The same upside down (R8). Its mean is at the mercy of a single burst."""
    latency_s: Spread | None
    """End of the answer minus due."""
    lateness_s: Spread | None
    """Sent minus due, failed or not: what the client itself added."""
    reached_full_length_share: float | None
    """Share of the whole answers that have the wanted length (R9); None if there is none."""
    events_per_s: float | None
    """With text, in the window: what the client had to take."""
    tokens_per_chunk: float | None
    """Over whole answers; far above 1, tokens were held back and decode speeds are flattered."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompts', by the server's own word: prefixes that cost it nothing."""
    output_tokens: int
    wall_s: float
    client_cpu_s: float
    client_cpu_share: float | None
    """Of one core while the load was there, by the busiest process; near 1 it was the bottleneck."""
    client_waited_share: float | None
    """Of that time, by the process that waited longest for a processor; None if not known."""
    client_lag_mean_s: float
    client_lag_max_s: float
    reconnects: int
    """Connections that the server had closed between two requests, and that were opened anew."""


def summarise(result: LoadResult) -> LoadSummary:
    """Return the figures of a run."""
    records = result.records
    failures = [failure(record) for record in records]
    whole = [record for record, why in zip(records, failures, strict=True) if why is None]
    reasons = Counter(reason(why) for why in failures if why is not None)
    processes = max(1, len(result.clients))
    steady, start_s, end_s = steady_window(records, result.arrivals.concurrency, processes)
    due = [record for record in whole if start_s <= record.due_s < end_s]
    done = [record for record in whole if start_s < record.done_s <= end_s]
    if not (steady and due and done):
        steady, start_s, end_s = _whole_run(records)
        due = done = whole
    started, ended = Columns.of(due), Columns.of(done)
    output_tokens = sum(record.output_tokens or 0 for record in whole)
    chunks = sum(record.chunks for record in whole)
    length_s = end_s - start_s
    all_whole = Columns.of(whole)
    tokens = all_whole.tokens_between(start_s, end_s)
    sent = [record for record in records if record.error != NOT_SENT]
    in_time = Columns.of([r for r in sent if start_s <= r.due_s < end_s] if steady else sent)
    return LoadSummary(
        concurrency=result.arrivals.concurrency,
        rate_per_s=result.arrivals.rate_per_s,
        requests=len(records),
        completed=len(whole),
        failed=dict(sorted(reasons.items())),
        failed_share=(len(records) - len(whole)) / len(records) if records else 1.0,
        steady=steady,
        window_start_s=start_s,
        window_end_s=end_s,
        output_tokens_per_s=float(tokens.sum()) / length_s if length_s > 0 else None,
        mean_in_flight=mean_in_flight(
            records, start_s, min(end_s, known_until_s(records, processes)) if steady else end_s
        ),
        ttft_s=spread(started.first_s - started.due_s),
        tpot_s=spread(ended.tpot_s),
        decode_tokens_per_s=spread(1 / ended.tpot_s),
        latency_s=spread(ended.done_s - ended.due_s),
        lateness_s=spread(in_time.sent_s - in_time.due_s),
        reached_full_length_share=(
            sum(record.output_tokens == record.wanted_tokens for record in whole) / len(whole)
            if whole
            else None
        ),
        events_per_s=(
            float((tokens / all_whole.tokens * all_whole.chunks).sum()) / length_s
            if length_s > 0
            else None
        ),
        tokens_per_chunk=output_tokens / chunks if chunks else None,
        prompt_tokens=sum(record.prompt_tokens or 0 for record in whole),
        cached_tokens=sum(record.cached_tokens or 0 for record in whole),
        output_tokens=output_tokens,
        wall_s=result.wall_s,
        client_cpu_s=result.client_cpu_s,
        client_cpu_share=max(_cpu_shares(result), default=None),
        client_waited_share=_waited_share(result),
        client_lag_mean_s=max((client.lag_mean_s for client in result.clients), default=0.0),
        client_lag_max_s=max((client.lag_max_s for client in result.clients), default=0.0),
        reconnects=sum(client.reconnects for client in result.clients),
    )


def failures_in_words(result: LoadResult) -> str:
    """Return what failed requests died of: the most frequent reason, and its first in full."""
    whys = [why for why in map(failure, result.records) if why is not None]
    if not whys:
        return ""
    telling = [why for why in whys if not why.startswith("not sent")] or whys
    often, count = Counter(map(reason, telling)).most_common(1)[0]
    first = next(why for why in whys if reason(why) == often)
    return first if count == len(whys) == 1 else f"{count} of {len(whys)} like this: {first}"


def _used(result: LoadResult) -> list[Loaded]:
    """What each process used while the load was there; of a very short run, in all of it."""
    if not result.wall_s > 0:
        return []
    return [
        client.loaded
        or Loaded(length_s=result.wall_s, cpu_s=client.cpu_s, waited_s=client.waited_s)
        for client in result.clients
    ]


def _cpu_shares(result: LoadResult) -> list[float]:
    return [used.cpu_s / used.length_s for used in _used(result)]


def _waited_share(result: LoadResult) -> float | None:
    shares = [used.waited_s / used.length_s for used in _used(result) if used.waited_s is not None]
    return max(shares) if shares and len(shares) == len(result.clients) else None


class Columns(msgspec.Struct, frozen=True):
    """Whole answers as arrays of equal length, seconds and tokens."""

    due_s: Numbers
    sent_s: Numbers
    first_s: Numbers
    last_s: Numbers
    done_s: Numbers
    tokens: Numbers
    chunks: Numbers
    first_tokens: Numbers
    """Those that came in the first moment."""

    @classmethod
    def of(cls, records: Sequence[RequestRecord]) -> Columns:
        """Return the columns of requests; NaN where there is no first token, last one or count."""
        names = (
            *("due_s", "sent_s", "first_token_s", "last_token_s", "done_s"),
            *("output_tokens", "chunks", "first_tokens"),
        )
        rows: list[list[Any]] = [[getattr(record, name) for name in names] for record in records]
        return cls(*np.array(rows, dtype=np.float64).reshape(len(rows), len(names)).T)

    @property
    def tpot_s(self) -> Numbers:
        """Time per output token after the first moment."""
        tpot_s: Numbers = (self.last_s - self.first_s) / (self.tokens - self.first_tokens)
        return tpot_s

    def tokens_between(self, start_s: float, end_s: float) -> Numbers:
        """Return how many tokens of each answer fall into [start, end)."""
        overlap_s = np.minimum(self.last_s, end_s) - np.maximum(self.first_s, start_s)
        rest = np.maximum(overlap_s, 0.0) / self.tpot_s
        began = (self.first_s >= start_s) & (self.first_s < end_s)
        tokens: Numbers = rest + began * self.first_tokens
        return tokens


def failure(record: RequestRecord) -> str | None:
    """Return why a request failed, None if its answer is whole and has a decode speed (R8)."""
    if record.error is not None:
        return record.error
    first, last, tokens = record.first_token_s, record.last_token_s, record.output_tokens
    if first is None or last is None or tokens is None or tokens < 2 or not last > first:
        return NO_SPEED
    return None


def came_at_once(record: RequestRecord) -> bool:
    """
    Tell whether several events share one moment: the server's doing, or a client's that slept.

    What came in a single event was put together by the server, whatever the client did.
    """
    first, last = record.first_token_s, record.last_token_s
    several = (record.output_tokens or 0) > 1 and record.chunks > 1
    return record.error is None and first is not None and first == last and several


def reason(error: str) -> str:
    """Return the part of an error under which it is counted: its status too, if it has one."""
    head, _, detail = error.partition(": ")
    return f"{head}: {detail[:8]}" if detail.startswith("HTTP ") else head


def steady_window(
    records: Sequence[RequestRecord], concurrency: int | None, processes: int = 1
) -> tuple[bool, float, float]:
    """
    Return (steady, start, end); the whole run if no slot was filled a second time.

    ``concurrency`` is None for an open loop. A closed loop's slots are filled by the first requests of
    the workload; prompts are dealt round to the processes, and one that has sent all of its own refills
    no more slots.
    """
    if not records:
        return _whole_run(records)
    if concurrency is None:
        start_s = min(record.done_s for record in records)
        end_s = max(record.sent_s for record in records)
    else:
        filling = [record.sent_s for record in records if record.index < concurrency]
        start_s = max(filling, default=math.inf)
        last_sent_s: dict[int, float] = {}
        for record in records:
            client = record.index % processes
            last_sent_s[client] = max(record.sent_s, last_sent_s.get(client, 0.0))
        end_s = min(last_sent_s.values())
    return (True, start_s, end_s) if start_s < end_s else _whole_run(records)


def _whole_run(records: Sequence[RequestRecord]) -> tuple[bool, float, float]:
    if not records:
        return False, 0.0, 0.0
    first_sent_s = min(record.sent_s for record in records)
    return False, first_sent_s, max(record.done_s for record in records)


def known_until_s(records: Sequence[RequestRecord], processes: int = 1) -> float:
    """
    Return until when every request that was sent has a record.

    A run that is stopped early gives up what is in flight: it was sent, and nothing is known of it. Each
    process sends its own requests in their order, so all is known up to the last before a gap.
    """
    until_s: dict[int, float] = {}
    wanted: dict[int, int] = {}
    for record in sorted(records, key=lambda record: record.index):
        client = record.index % processes
        if record.index == wanted.setdefault(client, client):
            wanted[client] += processes
            until_s[client] = record.sent_s
        else:
            until_s.setdefault(client, -math.inf)
    return min(until_s.values(), default=math.inf)


def mean_in_flight(records: Sequence[RequestRecord], start_s: float, end_s: float) -> float | None:
    """Return how many requests were in flight on average; None if the window has no length."""
    if not end_s > start_s:
        return None
    sent_s = np.array([record.sent_s for record in records])
    done_s = np.array([record.done_s for record in records])
    overlap_s = np.minimum(done_s, end_s) - np.maximum(sent_s, start_s)
    return float(np.maximum(overlap_s, 0.0).sum() / (end_s - start_s))


def spread(values: Numbers) -> Spread | None:
    """Return mean and percentiles (interpolated linearly) of values, None of no values."""
    if not len(values):
        return None
    p50, p90, p99 = np.percentile(values, (50, 90, 99))
    return Spread(
        samples=len(values),
        mean=float(values.mean()),
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
    )
