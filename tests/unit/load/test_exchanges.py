"""
One request and its answer on the wire: what is sent, how an answer may come, and when it is over.
"""

from __future__ import annotations

import itertools
import socket
import time
from typing import Any

import pytest

from doubles.raw_server import EVENTS, LENGTH, answer, read_request, serving
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.protocol import LoadResult, Prompt

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def load(
    base_url: str,
    count: int = 1,
    concurrency: int = 1,
    output_tokens: int = 2,
    silence_timeout_s: float = 20,
    **more: Any,
) -> LoadResult:
    """Ask ``count`` times."""
    target = Target(base_url=base_url, model=MODEL, dialect=VLLM, **more)
    prompts = [Prompt(text="hello", output_tokens=output_tokens)] * count
    arrivals = closed(concurrency)
    return run_load(target, prompts, arrivals, run="7", silence_timeout_s=silence_timeout_s)


@pytest.mark.parametrize(
    ("path", "chat", "key", "lines"),
    [
        ("/v1", True, None, ["POST /v1/chat/completions HTTP/1.1"]),
        ("/v1/", False, None, ["POST /v1/completions HTTP/1.1"]),
        (
            "/lab/v1",
            True,
            "sk-1",
            ["POST /lab/v1/chat/completions HTTP/1.1", "Authorization: Bearer sk-1"],
        ),
    ],
)
def test_a_request_says_what_it_wants(
    path: str, chat: bool, key: str | None, lines: list[str]
) -> None:
    """
    A stream that nobody compresses; a name and password in the address go nowhere.
    """
    heads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        read_request(connection, heads)
        answer(connection)

    with serving(serve) as base_url:
        host = base_url.removeprefix("http://").removesuffix("/v1")
        load(f"http://me:secret@{host}{path}", chat=chat, api_key=key)

    asked, *headers, length = heads[0].decode().splitlines()
    assert length.startswith("Content-Length: ")
    assert [asked, *(line for line in headers if line.startswith("Authorization"))] == lines
    assert headers[:5] == [
        f"Host: {host}",
        "Accept: text/event-stream",
        "Accept-Encoding: identity",
        "Content-Type: application/json",
        "User-Agent: pytest-ernie",
    ]


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
def test_every_framing_is_read(framing: Any) -> None:
    """
    Whether the connection is kept or not.
    """
    with known_server(Schedule(ttft_s=0.01, interval_s=0.005, framing=framing)) as server:
        result = load(server.base_url, count=4, concurrency=2)
        connections = {request.connection for request in server.truth().requests}

    assert [record.error for record in result.records] == [None] * 4
    assert len(connections) == (4 if framing == "close" else 2)


def test_what_is_no_http_is_told_as_such() -> None:
    """
    With the bytes that gave it away, as soon as they come.
    """
    with serving(lambda connection: connection.sendall(b"SSH-2.0\r\n\r\n")) as base_url:
        (record,) = load(base_url).records

    assert record.error is not None
    assert record.error.startswith("no HTTP: it begins with b'SSH-2.0'")


def test_an_end_that_comes_in_pieces_is_an_end() -> None:
    """
    However few bytes of it the last read holds.
    """
    body = b"".join(EVENTS)

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(CHUNKED + b"%x\r\n%b\r\n0\r\n\r" % (len(body), body))
        time.sleep(0.05)
        connection.sendall(b"\n")
        connection.recv(1)  # the client goes once it knows

    with serving(serve) as base_url:
        (record,) = load(base_url, silence_timeout_s=3).records

    assert record.error is None


def test_a_connection_that_the_server_wants_closed_is_not_used_again() -> None:
    """
    Though it is still open.
    """
    asked_again: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        head = LENGTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        connection.sendall(head + b"".join(EVENTS))
        asked_again.append(connection.recv(1))

    with serving(serve) as base_url:
        result = load(base_url, count=3)

    assert [record.error for record in result.records] == [None] * 3
    assert set(asked_again) <= {b""}


def test_a_long_answer_is_no_silence() -> None:
    """
    As long as something comes, however long it takes in all.
    """
    with known_server(Schedule(ttft_s=0.4, interval_s=0.4)) as server:
        (record,) = load(server.base_url, output_tokens=5, silence_timeout_s=1.2).records

    assert record.error is None
    assert record.done_s > 1.9


def test_the_next_request_is_due_when_the_one_before_has_ended() -> None:
    """
    In its slot; so a client that is slow to send it adds to its waiting.
    """
    with known_server(Schedule(ttft_s=0.15, interval_s=0.02)) as server:
        records = load(server.base_url, count=3).records

    for before, record in itertools.pairwise(records):
        assert record.due_s == pytest.approx(before.done_s, abs=0.05)
        assert record.due_s <= record.sent_s
