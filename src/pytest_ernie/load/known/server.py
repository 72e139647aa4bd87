"""
An OpenAI-compatible server whose schedule is known, for load clients to measure themselves against.

    with known_server(Schedule(ttft_s=0.2, interval_s=0.025)) as server:
        ask(server.base_url, ...)
        server.truth().requests[0].first_s      # on the system's monotonic clock

It is one thread, an epoll and a heap of what is due, so that one core paces a thousand streams.
Every time is counted from the schedule and not from the write before, so that lateness doesn't
add up. As a program (``python -m pytest_ernie.load.known.server``) it takes each field of
``Schedule`` as an option, prints {"port": N} once it listens on 127.0.0.1, and ends with its
standard input or on SIGTERM. Beside the API: GET /truth, and POST /truth/reset to begin anew.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import resource
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from pytest_ernie.errors import MeasurementError
from pytest_ernie.load.hot import own_process

from .schedule import (
    MODEL_ENTRY,
    SHED,
    Answer,
    Answers,
    Asked,
    Chance,
    RequestTruth,
    Schedule,
    Truth,
    from_arguments,
)
from .wire import Connection, Wire, response

COMPLETIONS = {b"POST /v1/chat/completions": True, b"POST /v1/completions": False}
"""Which of them is the chat's."""
RETRY_AFTER = b"Retry-After: 1\r\n"
STOP_TIMEOUT_S = 5.0


@dataclass(slots=True, eq=False)
class _Stream:
    connection: Connection | None
    """None once the answer has ended."""
    answer: Answer
    fault: str | None
    received_s: float
    in_flight: int
    """When it was received, itself included."""
    kept: bytearray | None
    """What is held until the end; None if each event leaves when it is due."""
    slot_s: float | None = None
    """When it got a slot; None while it waits."""
    first_s: float | None = None
    last_s: float | None = None
    sent: int = 0
    blocked: int = 0
    held: bool = False
    """It was due while its socket had no room."""
    told: bool = False
    """It is in the truth already."""


class _Server:
    def __init__(self, schedule: Schedule, port: int) -> None:
        self._schedule = schedule
        self._answers = Answers(schedule)
        self._chance = Chance(schedule)
        self._wire = Wire(self, port, reads=not schedule.no_read)
        self.port = self._wire.port
        self._due: list[tuple[float, int, _Stream]] = []
        """A heap: when, whose turn (so that equals take turns), who."""
        self._turn = 0
        self._queue: deque[_Stream] = deque()
        self._running = 0
        self._asked = 0
        self._in_flight = 0
        self._forget()

    def _forget(self) -> None:
        self._requests: list[RequestTruth] = []
        self._most_in_flight = self._in_flight
        self._writes = 0
        self._late_s = 0.0
        self._late_max_s = 0.0
        self._cpu_before_s = time.process_time()

    def run(self) -> None:
        """Serve until the standard input ends."""
        while not self._wire.over:
            self._send_what_is_due()
            self._wire.wait(self._due[0][0] - time.monotonic() if self._due else None)

    def _send_what_is_due(self) -> None:
        """Write what is due by now; what falls due meanwhile waits until sockets were looked at."""
        due = self._due
        round_s = time.monotonic()
        while due and due[0][0] <= round_s:
            due_s, _, stream = heapq.heappop(due)
            connection = stream.connection
            if connection is None:  # the client has left
                continue
            if connection.unsent:
                stream.held = True
                continue
            now_s = time.monotonic()
            late_s = now_s - due_s
            self._writes += 1
            self._late_s += late_s
            if late_s > self._late_max_s:
                self._late_max_s = late_s
            self._send_tokens(stream, connection, now_s)
            if stream.sent < stream.answer.strike_at or not self._strike(stream, connection, due_s):
                self._go_on(stream, due_s)

    def _send_tokens(self, stream: _Stream, connection: Connection, now_s: float) -> None:
        answer, group = stream.answer, self._group(stream)
        events = answer.token * group  # of one event that is no copy
        if not stream.sent:
            events = answer.first + answer.token * (group - 1)
            stream.first_s = now_s
        stream.last_s = now_s
        stream.sent += group
        self._say(stream, connection, events)

    def _say(self, stream: _Stream, connection: Connection, events: bytes) -> None:
        if stream.kept is not None:
            stream.kept += events
        elif not self._wire.write(connection, events):
            stream.blocked += 1

    def _go_on(self, stream: _Stream, due_s: float) -> None:
        if stream.sent < stream.answer.tokens:
            self._plan(stream, due_s + self._gap_s(self._group(stream)))
        else:
            self._finish(stream, due_s, stream.answer.tail)

    def _group(self, stream: _Stream) -> int:
        return min(self._schedule.coalesce, stream.answer.tokens - stream.sent)

    def _gap_s(self, tokens: int) -> float:
        schedule = self._schedule
        gap_s = schedule.interval_s + schedule.interval_per_stream_s * self._running
        return gap_s * tokens * (self._chance.factor() if schedule.noise else 1.0)

    def _plan(self, stream: _Stream, due_s: float) -> None:
        self._turn += 1
        if self._schedule.as_fast_as_possible:
            due_s = time.monotonic()
        heapq.heappush(self._due, (due_s, self._turn, stream))

    def _strike(self, stream: _Stream, connection: Connection, due_s: float) -> bool:
        """Do what the stream's fault does in mid-stream; return whether that was its end."""
        if stream.fault == "garbage":
            self._say(stream, connection, stream.answer.strike)
            stream.answer.strike_at = stream.answer.tokens + 1
            return False
        if stream.fault == "error_line":
            self._finish(stream, due_s, stream.answer.strike)
            return True
        if stream.kept is not None:  # none of it was sent
            stream.first_s = stream.last_s = None
        self._tell(stream, connection)
        if stream.fault == "reset":
            self._end(stream, due_s)
            self._wire.close(connection, reset=True)
        return True

    def _finish(self, stream: _Stream, due_s: float, tail: bytes) -> None:
        connection = stream.connection
        if connection is None:  # lost while its last token was written
            return
        if stream.kept is not None:
            stream.first_s = stream.last_s = time.monotonic()
            whole = stream.answer.whole
            kind = b"text/event-stream" if whole is None else b"application/json"
            tail = response(200, bytes(stream.kept) + tail if whole is None else whole, kind)
        self._wire.write(connection, tail)
        if connection.stream is stream:
            self._tell(stream, connection)
            self._end(stream, due_s)
            self._wire.settle(connection)

    def _tell(self, stream: _Stream, connection: Connection) -> None:
        if stream.told:
            return
        stream.told = True
        slot_s = time.monotonic() if stream.slot_s is None else stream.slot_s
        self._requests.append(
            RequestTruth(
                id=stream.answer.id,
                connection=connection.number,
                received_s=stream.received_s,
                wait_s=slot_s - stream.received_s,
                first_s=stream.first_s,
                last_s=stream.last_s,
                tokens=stream.sent,
                in_flight=stream.in_flight,
                blocked=stream.blocked,
                fault=stream.fault,
            )
        )

    def _end(self, stream: _Stream, at_s: float) -> None:
        """Let the stream go, and give its slot to the next at ``at_s``: the scheduled end."""
        if stream.connection is not None:
            stream.connection.stream = None
            stream.connection = None
            self._in_flight -= 1
            if stream.slot_s is not None:
                self._running -= 1
                self._start_waiting(at_s)

    def _start_waiting(self, at_s: float) -> None:
        schedule = self._schedule
        ttft_s = schedule.ttft_s if schedule.prefill_s is None else schedule.prefill_s
        while self._queue and (schedule.slots is None or self._running < schedule.slots):
            stream = self._queue.popleft()
            if stream.connection is not None:
                self._running += 1
                stream.slot_s = max(at_s, stream.received_s)
                wait_s = ttft_s * (self._chance.factor() if schedule.noise else 1.0)
                # A group of tokens leaves when its last one is due.
                wait_s += self._gap_s(self._group(stream) - 1)
                self._plan(stream, stream.slot_s + wait_s)

    def asked(self, connection: Connection, target: bytes, body: bytes, received_s: float) -> None:
        """Answer a request, or begin to."""
        if target not in COMPLETIONS:
            self._wire.write(connection, self._answer_other(target))
            return
        fault = self._chance.fault()
        try:
            asked = msgspec.json.decode(body, type=Asked)
            chat = COMPLETIONS[target]
            answer = self._answers.answer(self._asked, asked, chat=chat, fault=fault)
        except ValueError as problem:  # msgspec's errors are ValueErrors
            self._wire.write(connection, _refusal(400, str(problem)))
            return
        kept = bytearray() if answer.held else None
        stream = _Stream(connection, answer, fault, received_s, self._in_flight + 1, kept)
        self._asked += 1
        if fault == "shed":
            self._wire.write(connection, response(429, msgspec.json.encode(SHED), more=RETRY_AFTER))
            self._tell(stream, connection)
        else:
            self._begin(stream, connection)

    def _begin(self, stream: _Stream, connection: Connection) -> None:
        answer = stream.answer
        connection.stream = stream
        connection.last |= answer.whole is None and self._schedule.framing == "close"
        self._in_flight += 1
        self._most_in_flight = max(self._most_in_flight, self._in_flight)
        if answer.opening:
            self._say(stream, connection, answer.opening)
        self._queue.append(stream)
        self._start_waiting(stream.received_s)

    def has_room(self, connection: Connection) -> None:
        """Go on with a stream whose time came while its socket had no room."""
        stream: _Stream = connection.stream
        if stream.held:
            stream.held = False
            self._plan(stream, time.monotonic())

    def lost(self, connection: Connection) -> None:
        """Let a stream go whose client went away."""
        stream: _Stream = connection.stream
        if not stream.told:
            stream.fault = "left"
            self._tell(stream, connection)
        self._end(stream, time.monotonic())

    def _answer_other(self, target: bytes) -> bytes:
        """Return the response to what isn't a request for a completion."""
        if target == b"GET /v1/models":
            return response(200, msgspec.json.encode({"object": "list", "data": [MODEL_ENTRY]}))
        if target == b"GET /truth":
            return response(200, msgspec.json.encode(self._truth()))
        if target == b"POST /truth/reset":
            self._forget()
        if target in (b"POST /truth/reset", b"GET /health"):
            return response(200, b"{}")
        return _refusal(404, f"there is no {target.decode('latin-1')}")

    def _truth(self) -> Truth:
        return Truth(
            requests=tuple(self._requests),
            in_flight=self._in_flight,
            most_in_flight=self._most_in_flight,
            writes=self._writes,
            late_mean_s=self._late_s / self._writes if self._writes else 0.0,
            late_max_s=self._late_max_s,
            cpu_s=time.process_time() - self._cpu_before_s,
        )


def _refusal(status: int, words: str) -> bytes:
    return response(status, msgspec.json.encode({"error": {"message": words, "code": status}}))


class KnownServer(msgspec.Struct, frozen=True):
    """A running server, as its user sees it."""

    port: int
    pid: int

    @property
    def base_url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def truth(self) -> Truth:
        """Ask for what happened so far."""
        return msgspec.json.decode(self._ask("GET", "/truth"), type=Truth)

    def reset_truth(self) -> None:
        """Forget what happened so far."""
        self._ask("POST", "/truth/reset")

    def _ask(self, method: str, path: str) -> bytes:
        from http.client import HTTPConnection

        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path)
            return connection.getresponse().read()


@contextlib.contextmanager
def known_server(schedule: Schedule | None = None) -> Iterator[KnownServer]:
    """Run a server in a process of its own until the block's end, however it ends."""
    words = (schedule or Schedule()).arguments()
    with subprocess.Popen(
        own_process.command("known.server", *words),
        env=own_process.environment(),
        cwd=own_process.folder(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            if not ready:
                raise MeasurementError(
                    "the known server didn't start", got=f"exit code {process.wait()}"
                )
            yield KnownServer(port=msgspec.json.decode(ready)["port"], pid=process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the standard input ends."""
    port, schedule = from_arguments(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    gc.disable()  # what ends is unlinked, so there are no cycles; a collection would be a pause
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each client is an open file
    try:
        server = _Server(schedule, port)
    except OSError as problem:
        sys.exit(f"the known server can't start: {problem}")
    sys.stdout.write(msgspec.json.encode({"port": server.port}).decode() + "\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
