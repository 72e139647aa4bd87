"""
Connections: kept, lost, reopened, encrypted, and stamped by the kernel.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import psutil
import pytest
import trustme

from doubles.raw_server import EVENTS, LENGTH, answer, read_request, serving
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import Arrivals, closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.protocol import LoadResult, Prompt


def load(base_url: str, count: int = 1, concurrency: int = 1, text: str = "hello") -> LoadResult:
    """Ask ``count`` times."""
    target = Target(base_url=base_url, model=MODEL, dialect=VLLM)
    prompts = [Prompt(text=text, output_tokens=2)] * count
    return run_load(target, prompts, closed(concurrency), run="7", silence_timeout_s=20)


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

    def __init__(self, linger_s: float = 0.0) -> None:
        self.asked = 0
        self.linger_s = linger_s

    def serve(self, connection: socket.socket) -> None:
        for answered in (False, True):
            if not read_request(connection):
                return
            self.asked += 1
            if answered:
                time.sleep(self.linger_s)
            else:
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


def test_a_server_that_read_an_idle_connections_request_has_failed_it() -> None:
    """
    A close that crosses the request comes at once; later it was read, and thrown away.
    """
    server = Forgetful(linger_s=0.4)
    with serving(server.serve) as base_url:
        result = rarely(base_url, rate_per_s=1.2, count=3)

    assert result.records[1].error is not None
    assert result.clients[0].reconnects == 0


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
    assert errors[1].startswith("no answer: ")
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
    assert record.error.startswith("no answer: ")
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


def client() -> psutil.Process:
    """The process of the client at work."""
    children = psutil.Process().children()
    (found,) = (one for one in children if "load.hot.worker" in " ".join(one.cmdline()))
    return found


def test_the_time_is_that_of_the_arrival_and_not_of_the_reading() -> None:
    """
    Two first tokens, 0.3 s apart, reach a client that is stopped; it reads them in one moment.
    """
    both = threading.Barrier(2, timeout=20)
    answered = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        if both.wait() == 0:
            client().suspend()
            connection.sendall(LENGTH + EVENTS[0])
            time.sleep(0.3)
            answered.set()
        else:
            answered.wait(20)
            connection.sendall(LENGTH + EVENTS[0])
            time.sleep(0.05)
            client().resume()
        both.wait()
        time.sleep(0.05)
        connection.sendall(EVENTS[1])

    with serving(serve) as base_url:
        result = load(base_url, count=2, concurrency=2)

    assert [record.error for record in result.records] == [None] * 2
    first, second = sorted(record.first_token_s or 0.0 for record in result.records)
    assert second - first > 0.25


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
