"""
From kept bytes to records: the clock, and what each kind of end means.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.hot.answers import Clock, read_kept
from pytest_ernie.load.hot.connection import STAMP, Exchange
from pytest_ernie.load.hot.spool import Kept, Spool
from pytest_ernie.load.protocol import RequestRecord

SECOND = 1_000_000_000
OFFSET = 1_700_000_000 * SECOND
"""Wall clock minus monotonic clock."""
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Encode one chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(text: str) -> bytes:
    """A token's event."""
    return chunk(b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % text.encode())


END = (
    chunk(b'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n')
    + chunk(
        b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,'
        b'"prompt_tokens_details":{"cached_tokens":3}}}\n\n'
    )
    + chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


def kept(*reads: tuple[float, bytes], **changed: Any) -> Kept:
    """An exchange whose reads came at these seconds after the start."""
    exchange = Exchange(index=7, due_ns=SECOND)
    exchange.sent_ns = SECOND + 1000
    for at_s, data in reads:
        exchange.parts.append(data)
        exchange.stamps.append(STAMP.pack(*divmod(OFFSET + SECOND + round(at_s * SECOND), SECOND)))
    for name, value in changed.items():
        setattr(exchange, name, value)
    return Kept.of(exchange)


def record(one: Kept) -> RequestRecord:
    """Read it by a clock that never moved."""
    clock = Clock([(0, OFFSET)], SECOND)
    return read_kept(one, wanted_tokens=2, request_digest="d", dialect=VLLM, clock=clock)


def test_a_whole_answer() -> None:
    """
    Times are the kernel's, counted from the start; tokens are those of usage.
    """
    got = record(kept((0.2, HEAD), (0.25, event("a")), (0.5, event("b")), (0.75, END)))
    assert (got.index, got.status, got.error, got.finish_reason) == (7, 200, None, "length")
    assert (got.due_s, got.sent_s) == (0.0, 1e-6)
    assert (got.first_token_s, got.last_token_s, got.done_s) == (0.25, 0.5, 0.75)
    assert (got.prompt_tokens, got.output_tokens, got.cached_tokens, got.chunks) == (5, 2, 3, 2)
    assert (got.wanted_tokens, got.request_digest) == (2, "d")


def test_a_request_that_was_never_sent_has_the_time_when_it_was_due() -> None:
    """
    Sent and done at once, so that it lengthens nothing.
    """
    got = record(kept(broken="not sent", due_ns=3 * SECOND, sent_ns=0, ended_ns=3 * SECOND))
    assert (got.due_s, got.sent_s, got.done_s) == (2.0, 2.0, 2.0)
    assert (got.first_token_s, got.last_token_s, got.status) == (None, None, None)


def test_an_event_has_the_time_of_the_read_that_completes_it() -> None:
    """
    Half a token is none.
    """
    first = event("a")
    got = record(kept((0.2, HEAD + first[:9]), (0.4, first[9:]), (0.5, event("b") + END)))
    assert (got.first_token_s, got.last_token_s) == (0.4, 0.5)


@pytest.mark.parametrize(
    ("one", "error"),
    [
        (kept(broken="not sent"), "not sent: the server had stopped answering"),
        (kept(broken="Connection refused", sent_ns=0), "no connection: Connection refused"),
        (kept(broken="the server closed the connection"), "no answer: the server closed the"),
        (kept(broken="no socket: Too many open files"), "no socket: Too many open files"),
        (
            kept((0.1, HEAD + event("a")[:9]), broken="the connection was reset"),
            "cut: the connection was reset",
        ),
        (kept(broken="timeout: nothing came for 1 s"), "timeout: nothing came for 1 s"),
        (kept((0.1, b"SSH-2.0\r\n\r\n")), "no HTTP: it begins with b'SSH-2.0'"),
        (
            kept((0.1, HEAD + event("a")), broken="the server closed the connection"),
            "cut: the server closed the connection",
        ),
        (
            kept((0.1, b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull")),
            "server error: HTTP 503: full",
        ),
        (
            kept((0.1, b"HTTP/1.1 429 No\r\nContent-Length: 4\r\n\r\nfu"), (0.2, b"ll")),
            "refused: HTTP 429: full",
        ),
        (kept((0.1, b"SSH-2.0\r\n\r\n"), broken="timeout: of 1 s"), "timeout: of 1 s"),
    ],
)
def test_what_went_wrong_is_the_records_error(one: Kept, error: str) -> None:
    """
    By reasons that can be counted.
    """
    told = record(one).error
    assert told is not None
    assert told.startswith(error)


def test_a_wall_clock_that_is_set_moves_nothing() -> None:
    """
    Each stamp is read by the offset that held when it was made.
    """
    an_hour = 3600 * SECOND
    clock = Clock([(SECOND, OFFSET), (2 * SECOND, OFFSET + an_hour)], SECOND)
    before = STAMP.pack(*divmod(OFFSET + SECOND + SECOND // 2, SECOND))
    after = STAMP.pack(*divmod(OFFSET + an_hour + 2 * SECOND + SECOND // 2, SECOND))
    assert clock.arrivals_s(before + after) == [0.5, 1.5]
    sooner = STAMP.pack(*divmod(OFFSET + SECOND // 2, SECOND))
    assert clock.arrivals_s(sooner) == [-0.5]  # before the first note its offset is the best known


def test_a_spool_gives_back_what_it_was_given() -> None:
    """
    In order, byte for byte, however often it is read.
    """
    spool = Spool()
    exchanges = []
    for index in range(3):
        exchange = Exchange(index=index, due_ns=index)
        exchange.parts = [b"x" * index, b"\xff\x00"]
        exchange.stamps = [STAMP.pack(1, 2), STAMP.pack(3, 4)]
        exchanges.append(exchange)
        spool.add(exchange)
    assert list(spool) == [Kept.of(exchange) for exchange in exchanges]
    assert [b"".join(one.parts()) for one in spool] == [b"".join(e.parts) for e in exchanges]
    spool.close()
