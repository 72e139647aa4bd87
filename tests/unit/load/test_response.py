"""
HTTP/1.1 responses: every framing, cut at every place, and what is none.
"""

from __future__ import annotations

import itertools
import random

import pytest

from pytest_ernie.load.hot.response import BadResponse, Response

EVENTS = [b'data: {"n": %d}\n\n' % n for n in range(5)] + [b"data: 0\r\n\r\n", b"x" * 3000]
BODY = b"".join(EVENTS)


def chunked(*pieces: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """Encode pieces as a server that sends each for itself."""
    coded = b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces)
    return coded + b"0\r\n" + trailer + b"\r\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*EVENTS)
WAYS = {
    "chunked": CHUNKED,
    "one chunk": HEAD + b"transfer-encoding:chunked\r\n\r\n" + chunked(BODY),
    "extensions": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + chunked(*EVENTS, extension=b";a=b", trailer=b"X-Sum: 1\r\nY: 2\r\n"),
    "counted": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "continued": b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED,
}


def fed(response: Response, parts: list[bytes]) -> bytes:
    """Return the body; nothing may be complete before the last part."""
    body = b""
    for number, part in enumerate(parts, 1):
        body += response.feed(part)
        assert response.complete == (number == len(parts))
    return body


@pytest.mark.parametrize("way", WAYS)
def test_a_body_is_the_same_however_it_was_framed_and_cut(way: str) -> None:
    """
    In one piece, byte by byte, and cut at random.
    """
    raw = WAYS[way]
    draw = random.Random(way)
    cuts = [[], list(range(1, len(raw)))]
    cuts += [sorted(draw.sample(range(1, len(raw)), k)) for k in (1, 1, 1, 2, 5, 20, 50) * 8]
    for places in cuts:
        edges = [0, *places, len(raw)]
        response = Response()
        parts = [raw[a:b] for a, b in itertools.pairwise(edges)]
        assert fed(response, parts) == BODY
        assert response.status == 200
        assert response.keeps_alive


def test_a_body_that_ends_with_the_connection() -> None:
    """
    Only then the end is an end; and the connection carries nothing more.
    """
    response = Response()
    assert response.feed(HEAD + b"\r\n" + BODY) == BODY
    assert not response.complete
    assert response.close()
    assert not response.keeps_alive


@pytest.mark.parametrize("raw", [b"", HEAD, CHUNKED[:-1], WAYS["counted"][:-1]])
def test_a_connection_that_ends_early_completes_nothing(raw: bytes) -> None:
    """
    A cut answer must not be taken for a whole one.
    """
    response = Response()
    if raw:
        response.feed(raw)
    assert not response.close()


@pytest.mark.parametrize(
    ("head", "keeps_alive"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", True),
        (b"HTTP/1.1 204 No Content", True),
        (b"HTTP/1.1 304 Not Modified", True),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0", True),
    ],
)
def test_whether_the_connection_may_be_used_again(head: bytes, keeps_alive: bool) -> None:
    """
    By version and wish.
    """
    response = Response()
    assert response.feed(head + b"\r\n\r\n") == b""
    assert response.complete
    assert response.keeps_alive is keeps_alive


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "begins with b'SSH-2.0-OpenSSH'"),
        (b"HTTP/1.1 OK\r\n\r\n", "not with HTTP/1.1 and a status"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "Content-Length is b'many'"),
        (WAYS["counted"] + b"!", "1 bytes more than its Content-Length"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "a chunk's size is b'zz'"),
        (CHUNKED + b"HTTP/1.1 200 OK", "bytes after the last chunk"),
        (b"x" * (1 << 20) + b"y", "no end of the headers after 1048577 bytes"),
    ],
)
def test_what_is_no_response_is_said_to_be_none(raw: bytes, words: str) -> None:
    """
    With the bytes that gave it away.
    """
    with pytest.raises(BadResponse, match=words):
        Response().feed(raw)


def test_bytes_after_the_end_are_refused_in_a_later_read_too() -> None:
    """
    Nothing was asked that they could answer.
    """
    response = Response()
    response.feed(CHUNKED)
    with pytest.raises(BadResponse, match="after the last chunk"):
        response.feed(b"0\r\n\r\n")
