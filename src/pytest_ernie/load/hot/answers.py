"""
From kept bytes to a record of each request, once the run is over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.load.protocol import RequestRecord
from pytest_ernie.load.stream import NOT_SENT, Stream, refusal

from .connection import STAMP
from .response import BadResponse, Response
from .spool import Kept


class Clock:
    """
    Turns the kernel's wall-clock stamps into seconds of the run's one monotonic clock.

    Fed with (monotonic, wall minus monotonic) pairs, ns, noted a few times a second: a wall clock that
    is set or slewed meanwhile moves nothing but the stamps between two notes.
    """

    def __init__(self, notes: Sequence[tuple[int, int]], start_ns: int) -> None:
        self._offsets = [offset for _, offset in notes]
        self._walls = [mono + offset for mono, offset in notes]
        self._start_ns = start_ns

    def seconds(self, monotonic_ns: int) -> float:
        """Return a monotonic time as seconds from the start."""
        return (monotonic_ns - self._start_ns) / 1e9

    def arrivals_s(self, stamps: bytes) -> list[float]:
        """Return packed stamps as seconds from the start."""
        times = []
        for seconds, nanoseconds in STAMP.iter_unpack(stamps):
            wall_ns = seconds * 1_000_000_000 + nanoseconds
            note = max(0, bisect_right(self._walls, wall_ns) - 1)
            times.append((wall_ns - self._offsets[note] - self._start_ns) / 1e9)
        return times


def read_kept(
    kept: Kept,
    *,
    wanted_tokens: int,
    request_digest: str,
    dialect: Dialect,
    clock: Clock,
    text_times: bool = False,
) -> RequestRecord:
    """
    Return the record of an exchange; whatever is wrong with it is the record's error.

    ``text_times`` keeps the arrival of every event with text.
    """
    times_s = clock.arrivals_s(kept.stamps)
    response, stream, refused = Response(), Stream(dialect), b""
    broken = kept.broken
    try:
        for part, time_s in zip(kept.parts(), times_s, strict=True):
            body = response.feed(part)
            if response.status == 200:
                stream.feed(body, time_s)
            else:
                refused += body
    except BadResponse as problem:
        broken = broken or f"no HTTP: {problem}"
    error = _error(kept, response, stream, refused, broken) or _miscounted(stream, wanted_tokens)
    due_s = clock.seconds(kept.due_ns)
    return RequestRecord(
        index=kept.index,
        due_s=due_s,
        sent_s=clock.seconds(kept.sent_ns) if kept.sent_ns else due_s,
        first_token_s=stream.first_token_s,
        last_token_s=stream.last_token_s,
        done_s=times_s[-1] if error is None else clock.seconds(kept.ended_ns),
        wanted_tokens=wanted_tokens,
        prompt_tokens=stream.prompt_tokens,
        output_tokens=stream.output_tokens,
        cached_tokens=stream.cached_tokens,
        chunks=stream.chunks,
        status=response.status,
        finish_reason=stream.finish_reason,
        error=error,
        request_digest=request_digest,
        answer_digest=stream.digest,
        first_tokens=stream.first_tokens,
        text_times_s=tuple(round(t, 6) for t in stream.text_times_s) if text_times else None,
    )


def _error(
    kept: Kept, response: Response, stream: Stream, refused: bytes, broken: str | None
) -> str | None:
    if broken == "not sent":
        return NOT_SENT
    if broken is not None and broken.startswith(("timeout: ", "no HTTP: ", "no socket: ")):
        return broken
    if response.status is None:
        return f"{'no answer' if kept.sent_ns else 'no connection'}: {broken}"
    if response.status != 200:
        return refusal(response.status, refused)
    return stream.problem(broken)


def _miscounted(stream: Stream, wanted_tokens: int) -> str | None:
    """An engine may stop early, but it can't have sent more than ``max_tokens``."""
    if stream.output_tokens is None or stream.output_tokens <= wanted_tokens:
        return None
    return f"wrong usage: {stream.output_tokens} tokens counted, at most {wanted_tokens} were asked for"
