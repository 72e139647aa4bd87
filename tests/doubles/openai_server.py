"""
A stand-in for an engine: an OpenAI-compatible server of the standard library, faulty on request.

In a test's own process::

    with FakeServer(Behaviour(first_token_delay_s=0.2)) as server:
        server.faults.extend(["429", None, "reset"])     # of the next three questions
        ask(server.base_url, ...)
        assert server.asked[0]["max_tokens"] == 16

As a process of its own, with vLLM's launch line (what it doesn't know it ignores)::

    python openai_server.py --port 8000 --served-model-name m --max-model-len 4096

It answers "What is the code of apple?" from "The code of apple is 4821." in the prompt, and
"What is 2 + 3?"; anything else with "yes yes yes". A token is a word. Faults, by name:

    429 500 503     that status, in the error shape of ``Behaviour.errors``
    error_line      two tokens, then an error as a data line under HTTP 200
    reset           two tokens, then the connection is reset
    cut             two tokens, then an ordinary end of the stream
    no_usage no_done no_finish      an answer without usage, [DONE] or finish_reason
    empty           a stream without any text
    burst           all tokens in one chunk, at once
    bytes           an answer sent byte by byte
    joined          an answer sent in one piece
    hang            nothing at all, until the server is closed
    die             the connection is reset, and the server listens no more
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass
class Behaviour:
    """How the server answers where it isn't told to fail."""

    model: str = "m"
    window: int = 131_072
    owned_by: str = "vllm"
    api_key: str | None = None
    first_token_delay_s: float = 0.0
    token_delay_s: float = 0.0
    tokens_per_chunk: int = 1
    role_chunk: bool = True
    """Begin with an event that carries a role and empty content, as vLLM and FastDeploy do."""
    reasoning: str | None = None
    """Name of the field that carries the first token in place of ``content``."""
    usage: str = "on_request"
    """``on_request``, ``always`` (in the finish chunk) or ``never``."""
    done_line: bool = True
    takes_min_tokens: bool = True
    over_long: str = "400"
    """``400``, ``500``, ``200`` (accepted all the same) or ``cut`` (to the window, silently)."""
    errors: str = "error"
    """Shape of error bodies: ``error`` {"error": {"message"}}, ``detail``, or ``bare`` text."""
    inventory: list[dict[str, Any]] | None = None
    """What each worker answers to /collective_rpc; None: that path doesn't exist."""
    version: str = "0.0.fake"
    reply: Callable[[str], str] | None = None
    """Prompt -> answer, in place of the built-in ones."""


@dataclass
class _Reply:
    words: list[str]
    prompt_tokens: int
    finish_reason: str

    @property
    def usage(self) -> dict[str, int]:
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": len(self.words)}


@dataclass
class FakeServer:
    """The server, from ``with`` to its end; ``base_url`` ends in ``/v1``."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    port: int = 0
    faults: deque[str | None] = field(default_factory=deque)
    """Fault of each of the next questions, None for none; past its end there is none."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the questions so far."""
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", self.port), self)
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and let what hangs go."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def begin(self, body: dict[str, Any]) -> str | None:
        """Note a question and return its fault."""
        with self._lock:
            self.asked.append(body)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            return self.faults.popleft() if self.faults else None

    def end(self) -> None:
        """Note that a question's answer is complete."""
        with self._lock:
            self._in_flight -= 1


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], fake: FakeServer) -> None:
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        likes = self.server.fake.behaviour
        if self.path == "/version":
            self._send(200, {"version": likes.version})
        elif self.path == "/health":
            self._send(200, {})
        elif self.path == "/v1/models" and self._let_in():
            entry = {"id": likes.model, "owned_by": likes.owned_by, "max_model_len": likes.window}
            self._send(200, {"object": "list", "data": [entry]})
        elif self.path != "/v1/models":
            self._fail(404, "Not Found")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        likes = self.server.fake.behaviour
        if self.path == "/collective_rpc" and likes.inventory is not None:
            self._send(200, {"results": [json.dumps(worker) for worker in likes.inventory]})
        elif self.path != "/v1/chat/completions":
            self._fail(404, "Not Found")
        elif self._let_in():
            fault = self.server.fake.begin(body)
            try:
                self._answer(body, fault)
            finally:
                self.server.fake.end()

    def _let_in(self) -> bool:
        key = self.server.fake.behaviour.api_key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self._fail(401, "Unauthorized")
        return False

    def _answer(self, body: dict[str, Any], fault: str | None) -> None:
        likes = self.server.fake.behaviour
        if fault == "hang":
            self.server.fake.closing.wait()
            self.close_connection = True
            return
        if fault == "die":
            threading.Thread(target=self.server.fake.close, daemon=True).start()
            self.server.fake.closing.wait()
            self.server.socket.close()
            self._reset()
            return
        if fault in ("429", "500", "503"):
            self._fail(int(fault), f"fault {fault}")
            return
        if body["model"] != likes.model:
            self._fail(404, f"The model `{body['model']}` does not exist.")
            return
        prompt_tokens = len(_text(body).split())
        if prompt_tokens + body["max_tokens"] > likes.window and likes.over_long in ("400", "500"):
            words = f"This model's maximum context length is {likes.window} tokens."
            self._fail(int(likes.over_long), f"{words} Your prompt contains {prompt_tokens}.")
            return
        if likes.over_long == "cut":
            prompt_tokens = min(prompt_tokens, likes.window - body["max_tokens"])
        reply = _reply(body, likes, prompt_tokens)
        if body.get("stream"):
            self._stream(reply, body, fault)
        else:
            self._whole(reply, fault)

    def _whole(self, reply: _Reply, fault: str | None) -> None:
        time.sleep(self.server.fake.behaviour.first_token_delay_s)
        if fault == "reset":
            self._reset()
            return
        message = {"role": "assistant", "content": " ".join(reply.words)}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
        answer: dict[str, Any] = {"choices": [choice], "usage": reply.usage}
        if fault == "no_usage" or self.server.fake.behaviour.usage == "never":
            del answer["usage"]
        self._send(200, answer)

    def _stream(self, reply: _Reply, body: dict[str, Any], fault: str | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        events = _events(reply, body, self.server.fake.behaviour, fault)
        if fault == "joined":
            self._write(b"".join(event for event in events if event is not None))
            events = iter(())
        for event in events:
            if event is None:
                self._reset()
                return
            for piece in (
                [event] if fault != "bytes" else [event[i : i + 1] for i in range(len(event))]
            ):
                self._write(piece)
        self.wfile.write(b"0\r\n\r\n")

    def _write(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)  # close without the usual goodbye
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True
        self.connection.close()

    def _fail(self, status: int, words: str) -> None:
        shape = self.server.fake.behaviour.errors
        if shape == "bare":
            self._raw(status, b"Internal Server Error", "text/plain")
        elif shape == "detail":
            self._send(status, {"detail": words})
        else:
            self._send(status, {"error": {"message": words, "code": status}})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json")

    def _raw(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _text(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _reply(body: dict[str, Any], likes: Behaviour, prompt_tokens: int) -> _Reply:
    words = (likes.reply or _built_in)(_text(body)).split()
    fewest = body.get("min_tokens", 0) if likes.takes_min_tokens else 0
    words += ["so"] * (fewest - len(words))
    cut = words[: body["max_tokens"]]
    long = len(cut) < len(words) or len(words) <= fewest
    return _Reply(cut, prompt_tokens, "length" if long else "stop")


def _built_in(prompt: str) -> str:
    if question := re.search(r"What is the code of (\w+)\?\s*$", prompt):
        fact = re.search(rf"The code of {question[1]} is (\d+)\.", prompt)
        return fact[1] if fact else "unknown"
    if question := re.search(r"What is (\d+) \+ (\d+)\?\s*$", prompt):
        return str(int(question[1]) + int(question[2]))
    return "yes yes yes"


def _events(
    reply: _Reply, body: dict[str, Any], likes: Behaviour, fault: str | None
) -> Iterator[bytes | None]:
    """Yield each event's bytes; None where the connection is to be reset."""
    if likes.role_chunk:
        yield _event([_choice({"role": "assistant", "content": ""}, None)])
    time.sleep(likes.first_token_delay_s)
    step = len(reply.words) if fault == "burst" else likes.tokens_per_chunk
    words = [] if fault == "empty" else [word + " " for word in reply.words]
    for start in range(0, len(words), step):
        if start >= 2 and fault in ("reset", "cut", "error_line"):
            break
        if start:
            time.sleep(likes.token_delay_s)
        kind = likes.reasoning if likes.reasoning and not start else "content"
        yield _event([_choice({kind: "".join(words[start : start + step])}, None)])
    if fault == "reset":
        yield None
    if fault == "cut":
        return
    if fault == "error_line":
        yield b'data: {"error": {"message": "the worker died", "code": 500}}\n\n'
    else:
        usage = reply.usage if likes.usage == "always" else None
        reason = None if fault == "no_finish" else reply.finish_reason
        yield _event([_choice({}, reason)], usage)
        asked = body.get("stream_options", {}).get("include_usage")
        if asked and likes.usage == "on_request" and fault != "no_usage":
            yield _event([], reply.usage)
    if likes.done_line and fault != "no_done":
        yield b"data: [DONE]\n\n"


def _choice(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _event(choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
    event: dict[str, Any] = {"object": "chat.completion.chunk", "choices": choices}
    if usage is not None:
        event["usage"] = usage
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def main(arguments: list[str] | None = None) -> None:
    """
    Serve until SIGTERM, with the key of ``VLLM_API_KEY`` if it is set.

    ``FAKE_INVENTORY`` holds what the workers tell (JSON, a list), ``FAKE_DEATH`` the words with
    which to die at once instead.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--served-model-name", default="m")
    parser.add_argument("--max-model-len", type=int, default=131_072)
    known, _ = parser.parse_known_args(arguments)
    if words := os.environ.get("FAKE_DEATH"):
        print(words, flush=True)
        sys.exit(1)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    inventory = os.environ.get("FAKE_INVENTORY")
    likes = Behaviour(
        model=known.served_model_name,
        window=known.max_model_len,
        api_key=os.environ.get("VLLM_API_KEY"),
        inventory=json.loads(inventory) if inventory else None,
    )
    with FakeServer(likes, port=known.port) as server:
        print(f"listening on {server.base_url}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
