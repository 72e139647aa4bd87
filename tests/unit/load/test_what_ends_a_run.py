"""
Whatever a server does, and whatever this host lacks: a run ends, and every request has a record.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.errors import EngineError
from pytest_ernie.load import client
from pytest_ernie.load.arrivals import Arrivals, closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.hot.worker import address_of
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.summary import summarise

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
ANSWER = b"".join(
    b"data: " + json.dumps(event).encode() + b"\n\n"
    for event in (
        {"choices": [{"delta": {"content": "a"}}]},
        {"choices": [{"delta": {"content": "b"}, "finish_reason": "length"}], "error": None},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
)
DONE = b"data: [DONE]\n\n"

Talk = Callable[[Any], None]


@contextmanager
def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Let ``talk`` have every connection, once its request has been read; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(plain: socket.socket) -> None:
        try:
            connection = tls.wrap_socket(plain, server_side=True) if tls else plain
            with connection:
                while b'"stream"' not in connection.recv(65536):
                    pass
                talk(connection)
        except OSError:
            plain.close()

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.close()


def load(base_url: str, count: int = 1, concurrency: int = 1, silence_s: float = 5.0) -> LoadResult:
    """Ask for two tokens, so many times."""
    target = Target(base_url=base_url, model=MODEL, dialect=VLLM)
    prompts = [Prompt(text="hello", output_tokens=2)] * count
    return run_load(target, prompts, closed(concurrency), run="7", silence_timeout_s=silence_s)


def whole(connection: Any) -> None:
    """A good answer, ended by the connection's end."""
    connection.sendall(HEAD + ANSWER[: len(ANSWER) // 3])
    time.sleep(0.02)
    connection.sendall(ANSWER[len(ANSWER) // 3 :] + DONE)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_hangs_loses_no_request(concurrency: int) -> None:
    """
    When all that is in flight ends in silence at once, the rest is asked all the same, or said not to be.
    """
    with known_server(Schedule(no_read=True)) as server:
        result = load(server.base_url, count=24, concurrency=concurrency, silence_s=0.2)

    assert 24 == len(result.records)
    assert set(summarise(result).failed) <= {"timeout", "not sent"}


def test_fewer_records_than_prompts_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A share of failures over what happens to be left would be a lie.
    """
    shares = client._shares

    def one_less(*given: Any, **more: Any) -> Any:
        (work,) = shares(*given, **more)
        work.bodies.pop()
        return [work]

    monkeypatch.setattr(client, "_shares", one_less)
    words = "the load client lost requests; got 2 records; wanted 3"
    with serving(whole) as address, pytest.raises(EngineError, match=words):
        load(address, count=3)


def test_comments_without_end_are_no_answer() -> None:
    """
    A stream that is only kept awake is given up after six silences.
    """

    def talk(connection: Any) -> None:
        connection.sendall(HEAD)
        while True:
            connection.sendall(b": ping\n\n")
            time.sleep(0.02)

    with serving(talk) as address:
        (record,) = load(address, silence_s=0.2).records

    assert "timeout: no end after 1.2 s" == record.error
    assert record.done_s > 1.2


@pytest.mark.parametrize(
    ("usage", "error"),
    [
        ({"completion_tokens": 2.0}, "error in stream"),
        ({"completion_tokens": "2"}, "error in stream"),
        ({"completion_tokens": True}, "error in stream"),
        ({"completion_tokens": -1}, "error in stream"),
        ({"completion_tokens": 10**30}, "error in stream"),
        ({"completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": "3"}}, "error in"),
    ],
)
def test_a_usage_that_is_no_count_fails_its_request(usage: dict[str, Any], error: str) -> None:
    """
    And nothing else: the run goes on and its records can be read.
    """

    def talk(connection: Any) -> None:
        event = json.dumps({"choices": [], "usage": usage}).encode()
        connection.sendall(HEAD + ANSWER + b"data: " + event + b"\n\n" + DONE)

    with serving(talk) as address:
        (record,) = load(address).records

    assert record.error is not None
    assert record.error.startswith(error)


def test_brackets_without_end_fail_their_request() -> None:
    """
    JSON that is nested a hundred thousand deep breaks no reader of ours.
    """

    def talk(connection: Any) -> None:
        connection.sendall(HEAD + b"data: " + b"[" * 100_000 + b"\n\n" + DONE)

    with serving(talk) as address:
        (record,) = load(address).records

    assert record.error is not None
    assert record.error.startswith("error in stream")


def test_an_error_that_came_without_a_stream_keeps_its_words() -> None:
    """
    Some engines send it as plain JSON under HTTP 200.
    """

    def talk(connection: Any) -> None:
        connection.sendall(HEAD + b'{"error": {"message": "the worker died"}}')

    with serving(talk) as address:
        (record,) = load(address).records

    assert "no stream: the worker died" == record.error


def test_null_errors_are_no_errors() -> None:
    """
    Some engines write the field into every event.
    """
    with serving(whole) as address:
        (record,) = load(address).records

    assert record.error is None


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """A server's side of TLS, and a client that trusts it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield context


def test_tls_that_says_goodbye_ends_an_answer(tls: ssl.SSLContext) -> None:
    """
    The peer's close_notify is the end, however long it leaves the connection open.
    """
    over = threading.Event()

    def talk(connection: Any) -> None:
        whole(connection)
        connection.setblocking(False)
        try:
            connection.unwrap()
        except OSError:  # it won't wait for ours
            over.wait(10)

    with serving(talk, tls) as address:
        began = time.monotonic()
        records = load(address, count=2).records
        took_s = time.monotonic() - began
        over.set()

    assert [None, None] == [record.error for record in records]
    assert took_s < 4


def test_a_chunk_of_less_than_nothing_is_no_http() -> None:
    """
    It would be read for ever.
    """
    head = HEAD.replace(b"Connection: close", b"Transfer-Encoding: chunked")

    with serving(lambda connection: connection.sendall(head + b"-6\r\nhello\r\n")) as address:
        (record,) = load(address).records

    assert "no HTTP: a chunk's size is b'-6'" == record.error


def test_of_two_addresses_the_one_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    ``localhost`` is often ::1 first, where nobody listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as closed_one:
        closed_one.bind(("127.0.0.1", 0))
        ports = [closed_one.getsockname()[1], listener.getsockname()[1]]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", p)) for p in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        target = Target(base_url="http://localhost:1/v1", model="m", dialect=VLLM)
        (work,) = client._shares(
            target, [Prompt(text="a", output_tokens=2)], closed(1), "7", 1,
            silence_timeout_s=1.0, text_times=False, live=False,
        )  # fmt: skip

        assert ("127.0.0.1", ports[1]) == address_of(work.servers[0]).sockaddr


def test_a_host_without_sockets_is_told_apart_from_a_server_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    An open loop needs as many as it needs; what this host refuses is named as its own doing.
    """
    # The client process inherits a limit that it can't raise.
    start = client.subprocess.Popen

    def limited(command: list[str], **more: Any) -> Any:
        return start(["prlimit", "--nofile=160:160", "--", *command], **more)

    monkeypatch.setattr(client.subprocess, "Popen", limited)
    with known_server(Schedule(ttft_s=2.0, interval_s=0.01)) as server:
        result = run_load(
            Target(base_url=server.base_url, model=MODEL, dialect=VLLM),
            [Prompt(text="hello", output_tokens=2)] * 300,
            Arrivals(kind="constant", rate_per_s=400),
            run="7",
        )

    assert 300 == len(result.records)
    reasons = summarise(result).failed
    assert set(reasons) <= {"no socket", "not sent", "no decode speed"}
    assert reasons["no socket"] > 0


def test_a_users_own_module_of_a_standard_name_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The client starts in a folder of its own, not where a ``secrets.py`` lies.
    """
    (tmp_path / "hashlib.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)

    with serving(whole) as address:
        (record,) = load(address).records

    assert record.error is None
