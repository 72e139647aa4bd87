"""
Connections: kept, lost, reopened, encrypted, and stamped by the kernel.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import Arrivals, closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.protocol import LoadResult, Prompt

EVENTS = (
    b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
    b'data: {"choices":[{"delta":{"content":"b"},"finish_reason":"length"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n',
)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(b"".join(EVENTS))


def load(
    base_url: str, count: int = 1, concurrency: int = 1, text: str = "hello", **more: Any
) -> LoadResult:
    """Ask ``count`` times."""
    target = Target(base_url=base_url, model=MODEL, dialect=VLLM, **more)
    prompts = [Prompt(text=text, output_tokens=2)] * count
    return run_load(target, prompts, closed(concurrency), run="7", silence_timeout_s=20)


@contextmanager
def serving(
    serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Hand every connection to ``serve``, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        try:
            wrapped = tls.wrap_socket(connection, server_side=True) if tls else connection
            with wrapped:
                serve(wrapped)
        except OSError:
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.close()


def read_request(connection: socket.socket, heads: list[bytes] | None = None) -> bytes:
    """Read one request's body, b"" if the client has gone; keep its head, if somebody wants it."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, body = received.split(b"\r\n\r\n", 1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    if heads is not None:
        heads.append(head)
    return body


def answer(connection: socket.socket) -> None:
    """Answer in two parts, so that there is a decode speed."""
    connection.sendall(LENGTH + EVENTS[0])
    time.sleep(0.02)
    connection.sendall(EVENTS[1])


def test_connections_are_kept() -> None:
    """
    Ten requests of two slots need two.
    """
    with known_server(Schedule(ttft_s=0.01, interval_s=0.005)) as server:
        result = load(server.base_url, count=10, concurrency=2)
        truth = server.truth()

    assert [record.error for record in result.records] == [None] * 10
    assert len({request.connection for request in truth.requests}) == 2


def rarely(base_url: str, rate_per_s: float, count: int) -> LoadResult:
    """Ask at a rate, so that the one connection lies idle in between."""
    target = Target(base_url=base_url, model=MODEL, dialect=VLLM)
    prompts = [Prompt(text="hello", output_tokens=2)] * count
    arrivals = Arrivals(kind="constant", rate_per_s=rate_per_s)
    return run_load(target, prompts, arrivals, run="7", silence_timeout_s=20)


class Forgetful:
    """Answers the first request of each connection, and closes on the next without a word."""

    def __init__(self) -> None:
        self.asked = 0

    def serve(self, connection: socket.socket) -> None:
        for answered in (False, True):
            if not read_request(connection):
                return
            self.asked += 1
            if not answered:
                answer(connection)


def test_a_connection_that_is_closed_for_idleness_is_no_failure() -> None:
    """
    The request that crosses the close goes out once more, on a new connection.
    """
    server = Forgetful()
    with serving(server.serve) as base_url:
        result = rarely(base_url, rate_per_s=1.2, count=3)

    assert [record.error for record in result.records] == [None] * 3
    assert result.requests_sent == 3
    assert result.clients[0].reconnects == 2


def test_a_connection_that_is_closed_on_a_request_in_its_stride_is_a_refusal() -> None:
    """
    Otherwise a server could shed load by hanging up, and look fine.
    """
    server = Forgetful()
    with serving(server.serve) as base_url:
        result = load(base_url, count=4)

    errors = [record.error for record in result.records]
    assert errors[0] is None
    assert errors[1] is not None
    assert errors[1].startswith("no connection: ")
    assert server.asked == 4


def test_a_server_that_hangs_up_is_asked_once() -> None:
    """
    The connection was new: nothing was idle.
    """
    server = Forgetful()

    def crash(connection: socket.socket) -> None:
        server.asked += bool(read_request(connection))

    with serving(crash) as base_url:
        (record,) = load(base_url).records

    assert record.error is not None
    assert record.error.startswith("no connection: ")
    assert server.asked == 1


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A lab's own certificate authority, named by SSL_CERT_FILE."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def keep_answering(connection: socket.socket) -> None:
    """Answer until the client goes."""
    while read_request(connection):
        answer(connection)


def test_tls(authority: trustme.CA) -> None:
    """
    Encrypted, kept, with prompts larger than any buffer, and with times all the same.
    """
    with serving(keep_answering, server_context(authority)) as base_url:
        result = load(base_url, count=6, concurrency=2, text="word " * 200_000)

    assert [record.error for record in result.records] == [None] * 6
    apart_s = [(r.last_token_s or 0.0) - (r.first_token_s or 0.0) for r in result.records]
    assert max(apart_s) >= 0.015  # of all, where the machine isn't busy


@pytest.mark.parametrize("name", ["somebody.else", None])
def test_a_certificate_that_isn_t_the_servers_is_refused(
    authority: trustme.CA, name: str | None
) -> None:
    """
    Another's name, or nobody's signature: the key must not be sent there.
    """
    context = server_context(authority, name) if name is not None else server_context(trustme.CA())
    with serving(keep_answering, context) as base_url:
        (record,) = load(base_url).records

    assert record.error is not None
    assert record.error.startswith("no connection: SSLCertVerificationError")


def test_long_prompts_and_large_events() -> None:
    """
    600 KB out, one event of 1 MB back.
    """
    large = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % (b"x" * 1_000_000)
    length = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(large) + len(EVENTS[1]))
    asked = []

    def serve(connection: socket.socket) -> None:
        while body := read_request(connection):
            asked.append(len(body))
            connection.sendall(length + large)
            time.sleep(0.02)
            connection.sendall(EVENTS[1])

    with serving(serve) as base_url:
        result = load(base_url, count=4, concurrency=4, text="word " * 120_000)

    assert [record.error for record in result.records] == [None] * 4
    assert min(asked) > 600_000


def test_the_time_is_that_of_the_arrival_and_not_of_the_reading() -> None:
    """
    Two first tokens, 0.3 s apart, reach a client that is stopped; it reads them in one moment.
    """
    both = threading.Barrier(2, timeout=20)
    answered = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        if both.wait() == 0:
            (client,) = (p for p in psutil.Process().children() if "hot.worker" in str(p.cmdline()))
            client.suspend()
            connection.sendall(LENGTH + EVENTS[0])
            time.sleep(0.3)
            answered.set()
        else:
            answered.wait(20)
            connection.sendall(LENGTH + EVENTS[0])
            time.sleep(0.05)
            (client,) = (p for p in psutil.Process().children() if "hot.worker" in str(p.cmdline()))
            client.resume()
        both.wait()
        time.sleep(0.05)
        connection.sendall(EVENTS[1])

    with serving(serve) as base_url:
        result = load(base_url, count=2, concurrency=2)

    assert [record.error for record in result.records] == [None] * 2
    first, second = sorted(record.first_token_s or 0.0 for record in result.records)
    assert second - first > 0.25


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


def test_a_host_that_takes_no_connection_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its queue is full, and stays so.
    """
    monkeypatch.setattr("pytest_ernie.load.client.CONNECT_TIMEOUT_S", 0.3)
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        (record,) = load(f"http://127.0.0.1:{full.getsockname()[1]}/v1").records

    assert record.error == "timeout: no connection within the time allowed"


def test_a_long_answer_is_no_silence() -> None:
    """
    As long as something comes, however long it takes in all.
    """
    with known_server(Schedule(ttft_s=0.4, interval_s=0.4)) as server:
        target = Target(base_url=server.base_url, model=MODEL, dialect=VLLM)
        prompts = [Prompt(text="hello", output_tokens=5)]
        (record,) = run_load(target, prompts, closed(1), run="7", silence_timeout_s=1.2).records

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
