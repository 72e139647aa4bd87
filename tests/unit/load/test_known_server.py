"""
The known server keeps its schedule and tells the truth, in every framing and with every fault.

Lower bounds are strict, for nothing may come early; upper bounds are those of a busy machine.
"""

from __future__ import annotations

import fcntl
import json
import re
import socket
import struct
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import psutil
import pytest

from pytest_ernie.load.known.schedule import RequestTruth, Schedule, Truth
from pytest_ernie.load.known.server import KnownServer, known_server

QUICK: dict[str, Any] = {"ttft_s": 0.01, "interval_s": 0.002}
BUSY_S = 1.0
"""So late may a busy machine be."""
ROLE = {"role": "assistant", "content": "so "}
CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"


def request(tokens: int = 4, *, prompt: str = "a b c", **more: Any) -> bytes:
    """The body of a request to the chat; with ``text`` one to complete a text."""
    asks = {"prompt": prompt} if more.pop("text", False) else {}
    messages = [] if asks else [{"role": "user", "content": prompt}]
    body = {"model": "known", "max_tokens": tokens, "stream": True, "messages": messages, **asks}
    return json.dumps({**body, "stream_options": {"include_usage": True}, **more}).encode()


def connect(server: KnownServer, timeout_s: float = 20) -> closing[HTTPConnection]:
    """A connection that is kept alive."""
    return closing(HTTPConnection("127.0.0.1", server.port, timeout=timeout_s))


@contextmanager
def asked(
    server: KnownServer, body: bytes, path: str = CHAT, timeout_s: float = 20
) -> Iterator[HTTPResponse]:
    """The answer to a request on a connection of its own."""
    with connect(server, timeout_s) as connection:
        connection.request("POST", path, body)
        with connection.getresponse() as answer:
            yield answer


def events(server: KnownServer, body: bytes, path: str = CHAT) -> list[tuple[float, Any]]:
    """Each event of an answer and when it came; the text itself if it isn't JSON."""
    found: list[tuple[float, Any]] = []
    with asked(server, body, path) as answer:
        for line in answer:
            if line.startswith(b"data: "):
                text = line[6:].decode().rstrip()
                found.append((time.monotonic(), json.loads(text) if text[-1] == "}" else text))
    return found


def read(server: KnownServer, body: bytes | None = None, path: str = CHAT) -> list[Any]:
    """The events of an answer."""
    return [event for _, event in events(server, body or request(), path)]


def content(event: Any) -> str:
    """The text of an event; empty if it has none."""
    (choice,) = (isinstance(event, dict) and event.get("choices")) or [{}]
    return str(choice.get("text") or choice.get("delta", {}).get("content") or "")


def after_s(one: RequestTruth) -> tuple[float, float]:
    """How long after its receipt a request got its first token, and its last."""
    assert one.first_s is not None
    assert one.last_s is not None
    return one.first_s - one.received_s, one.last_s - one.received_s


def truth_of(server: KnownServer, requests: int) -> Truth:
    """What the server tells once so many requests have ended."""
    deadline = time.monotonic() + 10
    while len((truth := server.truth()).requests) < requests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(truth.requests) == requests
    return truth


def test_tokens_come_when_the_schedule_says() -> None:
    """By the server's truth and by the client's clock, which is the same."""
    with known_server(Schedule(ttft_s=0.1, interval_s=0.02)) as server:
        came = [at_s for at_s, event in events(server, request(6)) if content(event)]
        truth = truth_of(server, 1)

    (one,) = truth.requests
    first_s, last_s = after_s(one)
    assert (len(came), one.tokens, one.fault, one.blocked) == (6, 6, None, 0)
    assert 0.1 <= first_s < 0.1 + BUSY_S
    assert 0.2 <= last_s < 0.2 + BUSY_S
    assert 0 < came[0] - one.received_s - first_s < BUSY_S
    assert 0 < came[-1] - one.received_s - last_s < BUSY_S
    assert all(0.1 + 0.02 * n <= at_s - one.received_s for n, at_s in enumerate(came))
    assert 0 < truth.late_mean_s <= truth.late_max_s < BUSY_S
    assert (truth.writes, truth.in_flight, truth.most_in_flight) == (6, 0, 1)
    assert truth.cpu_s > 0


@pytest.mark.parametrize(("path", "prompt_tokens"), [(CHAT, 2), (TEXT, 3)])
def test_an_answer_is_shaped_as_an_engines(path: str, prompt_tokens: int) -> None:
    """Tokens of the size that is asked for, the finish_reason, the usage, [DONE]; one id."""
    with known_server(Schedule(**QUICK, event_bytes=400)) as server:
        body = request(3, prompt="a b" if path == CHAT else "a b c", text=path == TEXT)
        *found, finish, usage, done = read(server, body, path)
        (one,) = truth_of(server, 1).requests
        with asked(server, body, path) as answer:
            sizes = [len(event) + 2 for event in answer.read().split(b"\n\n")]

    kind = "chat.completion.chunk" if path == CHAT else "text_completion"
    assert sizes[:3] == [400] * 3
    assert {(event["id"], event["object"]) for event in (*found, finish, usage)} == {(one.id, kind)}
    assert found[0]["choices"][0].get("delta", ROLE) == ROLE
    assert [content(event) for event in found] == ["so "] * 3
    assert finish["choices"][0]["finish_reason"] == "length"
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 3)
    assert usage["usage"]["prompt_tokens"] == prompt_tokens
    assert usage["usage"]["prompt_tokens_details"] == {"cached_tokens": 0}
    assert done == "[DONE]"


@pytest.mark.parametrize("framing", ["chunked", "close", "length"])
def test_an_answer_is_the_same_in_every_framing(framing: Any) -> None:
    """Only the headers and the connection's end differ; a buffered one is sent at its end."""
    schedule = Schedule(ttft_s=0.02, interval_s=0.02, framing=framing, role_at_once=True)
    with known_server(schedule) as server:
        with asked(server, request(5)) as answer:
            text = answer.read()
        (one,) = truth_of(server, 1).requests

    assert answer.getheader("Content-Type") == "text/event-stream"
    assert (answer.getheader("Transfer-Encoding") == "chunked") is (framing == "chunked")
    assert (answer.getheader("Content-Length") == str(len(text))) is (framing == "length")
    assert answer.will_close is (framing == "close")
    assert text.count(b'"content":"so "') == 5
    assert text.endswith(b"data: [DONE]\n\n")
    assert (one.first_s == one.last_s) is (framing == "length")
    assert after_s(one)[1] >= 0.1


@pytest.mark.parametrize("path", [CHAT, TEXT])
def test_an_answer_without_a_stream_is_one_piece(path: str) -> None:
    """It comes when the last token is due."""
    with known_server(Schedule(ttft_s=0.02, interval_s=0.02)) as server:
        with asked(server, request(5, stream=False), path) as response:
            answer = json.loads(response.read())
        (one,) = truth_of(server, 1).requests

    choice = answer["choices"][0]
    assert (choice["message"]["content"] if path == CHAT else choice["text"]) == "so " * 5
    assert choice["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5
    assert after_s(one)[0] >= 0.1


def test_a_connection_is_kept_alive() -> None:
    """Also when the next request comes before the answer's end."""
    body = request(5)
    head = f"POST {CHAT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with known_server(Schedule(**QUICK)) as server:
        with connect(server) as kept:
            for _ in range(3):
                kept.request("POST", CHAT, body)
                kept.getresponse().read()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall((head + body) * 2)
            received = b""
            while received.count(b"[DONE]") < 2:
                received += raw.recv(65536)
        ended = truth_of(server, 5).requests

    assert len({one.connection for one in ended[:3]}) == 1
    assert len({one.connection for one in ended[3:]}) == 1
    assert ended[4].received_s >= ended[3].received_s + after_s(ended[3])[1]


def test_a_role_at_once_is_no_token() -> None:
    """It comes with the headers; the token comes in its time."""
    with known_server(Schedule(ttft_s=0.8, interval_s=0.002, role_at_once=True)) as server:
        (role_s, role), (first_s, first), *_ = events(server, request())
        (one,) = truth_of(server, 1).requests

    assert role["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert first["choices"][0]["delta"] == {"content": "so "}
    assert role_s < one.received_s + 0.8 <= first_s


def test_coalesced_tokens_leave_with_the_last_of_them() -> None:
    """Five by twos: three writes, the first when the second token is due."""
    with known_server(Schedule(ttft_s=0.02, interval_s=0.05, coalesce=2)) as server:
        found = read(server, request(5))
        truth = truth_of(server, 1)

    first_s, last_s = after_s(truth.requests[0])
    assert sum(bool(content(event)) for event in found) == 5
    assert truth.writes == 3
    assert first_s >= 0.07
    assert last_s >= 0.22


def wait_until_full(answer: HTTPResponse) -> None:
    """Return when no more of an answer comes, since nobody takes it out of the socket."""
    before, waiting = -1, 0
    while before < waiting:
        time.sleep(0.3)
        before = waiting
        (waiting,) = struct.unpack("i", fcntl.ioctl(answer, termios.FIONREAD, bytes(4)))


def test_as_fast_as_possible_waits_for_nobody_who_does_not_read() -> None:
    """A full socket holds its own stream up, and no other; nothing is lost."""
    schedule = Schedule(as_fast_as_possible=True, ttft_s=60, interval_s=60)
    with known_server(schedule) as server:
        with asked(server, request(40_000)) as unread:
            read(server, request(500))
            (quick,) = truth_of(server, 1).requests
            wait_until_full(unread)
            assert unread.read().count(b'"content":"so "') == 40_000
        _, slow = truth_of(server, 2).requests

    assert (quick.tokens, quick.in_flight, quick.fault) == (500, 2, None)
    assert (slow.tokens, slow.fault) == (40_000, None)
    assert slow.blocked > 0


def test_who_finds_no_slot_waits_for_one() -> None:
    """One slot: each starts at the scheduled end of the one before, to the microsecond."""
    schedule = Schedule(slots=1, prefill_s=0.03, interval_s=0.01)
    with known_server(schedule) as server, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: read(server, request(4)), range(4)))
        ended = truth_of(server, 4).requests

    assert ended[0].wait_s == 0
    assert list(ended) == sorted(ended, key=lambda one: one.received_s)
    for one, before in zip(ended[1:], ended, strict=False):
        free_s = before.received_s + before.wait_s + 0.06
        assert one.received_s + one.wait_s == pytest.approx(max(free_s, one.received_s), abs=1e-6)
        assert after_s(one)[0] >= one.wait_s + 0.03 - 1e-6


def test_running_streams_slow_each_other_down() -> None:
    """Three of them: three times the interval."""
    schedule = Schedule(ttft_s=0.5, interval_s=0.0, interval_per_stream_s=0.01)
    with known_server(schedule) as server, ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: read(server, request(4)), range(3)))
        ended = truth_of(server, 3).requests

    assert all(after_s(one)[1] >= 0.5 + 3 * 0.03 - 1e-6 for one in ended)


@pytest.mark.parametrize(
    ("options", "seen", "fault", "tokens"),
    [
        ({"reset_share": 1}, "ConnectionResetError", "reset", 4),
        ({"stall_share": 1}, "TimeoutError", "stall", 4),
        ({"shed_share": 1}, '429 {"error"', "shed", 0),
        ({"garbage_share": 1}, r'200 .*{"del\n\n.*DONE', "garbage", 8),
        ({"error_line_share": 1}, '200 .*"the worker died".*DONE', "error_line", 4),
        ({"no_usage": True}, "200 (?!.*usage).*DONE", None, 8),
        ({"no_done": True}, "200 .*usage(?!.*DONE)", None, 8),
    ],
)
def test_each_fault_is_seen_and_told(
    options: dict[str, Any], seen: str, fault: str | None, tokens: int
) -> None:
    """By the client as what it is, and by the truth under its name."""
    with known_server(Schedule(**QUICK, **options)) as server:
        try:
            with asked(server, request(8), timeout_s=0.5) as answer:
                found = f"{answer.status} {answer.read().decode()}"
        except OSError as problem:
            found = type(problem).__name__
        (one,) = truth_of(server, 1).requests

    assert re.match(seen, found, re.DOTALL)
    assert (one.fault, one.tokens) == (fault, tokens)


def test_a_server_that_does_not_read_answers_nobody() -> None:
    """Connections are taken, and that is all."""
    with (
        known_server(Schedule(no_read=True)) as server,
        pytest.raises(TimeoutError),
        asked(server, request(), timeout_s=0.3),
    ):
        pass


def test_a_fault_strikes_its_share_and_the_usage_may_lie() -> None:
    """A shed request may come again; one token too many is told."""
    with known_server(Schedule(**QUICK, shed_share=0.5, wrong_usage=True)) as server:
        with connect(server) as kept:
            found = []
            for _ in range(20):
                kept.request("POST", CHAT, request(4, stream=False))
                answer = kept.getresponse()
                found.append((answer.status, answer.getheader("Retry-After"), answer.read()))
        faults = [one.fault for one in truth_of(server, 20).requests]

    assert {answer[:2] for answer in found} == {(200, None), (429, "1")}
    assert [answer[0] == 429 for answer in found] == [fault == "shed" for fault in faults]
    assert all(b'"completion_tokens":5' in words for status, _, words in found if status == 200)


def test_a_client_that_leaves_gives_its_slot_back() -> None:
    """And is told of as such."""
    with known_server(Schedule(slots=1, ttft_s=0.02, interval_s=0.2, tokens=2)) as server:
        with asked(server, request(tokens=1)):
            pass
        read(server)
        left, whole = truth_of(server, 2).requests

    assert (left.fault, whole.fault, whole.tokens) == ("left", None, 2)


def test_big_bodies_are_read_whole() -> None:
    """Eight at once of more than a megabyte."""
    words = "word " * 250_000 + "end"
    with known_server(Schedule(**QUICK)) as server, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read(server, request(prompt=words)), range(8)))

    assert [answer[-2]["usage"]["prompt_tokens"] for answer in found] == [250_001] * 8


def test_what_is_not_understood_is_refused_and_truth_can_begin_anew() -> None:
    """In an engine's shape; and the connection goes on."""
    with known_server(Schedule(**QUICK)) as server, connect(server) as kept:
        answers = []
        for method, path, body in (
            ("POST", CHAT, b"{"),
            ("POST", CHAT, request(0)),
            ("GET", "/v1/nothing", b""),
            ("GET", "/v1/models", b""),
        ):
            kept.request(method, path, body)
            answer = kept.getresponse()
            answers.append((answer.status, json.loads(answer.read())))
        read(server)
        before = truth_of(server, 1)
        server.reset_truth()
        after = server.truth()

    assert [status for status, _ in answers] == [400, 400, 404, 200]
    assert answers[1][1]["error"]["message"] == "max_tokens is 0; it must be at least 1"
    model = {"id": "known", "object": "model", "owned_by": "vllm", "max_model_len": 131_072}
    assert answers[3][1] == {"object": "list", "data": [model]}
    assert (after.requests, after.writes, after.late_max_s) == ((), 0, 0.0)
    assert after.cpu_s < before.cpu_s


def test_two_servers_know_nothing_of_each_other() -> None:
    """Ports and truths are their own."""
    with known_server(Schedule(**QUICK)) as one, known_server(Schedule(**QUICK)) as other:
        read(one)
        assert (len(truth_of(one, 1).requests), other.truth().requests) == (1, ())
    assert not psutil.pid_exists(one.pid)
    assert not psutil.pid_exists(other.pid)
