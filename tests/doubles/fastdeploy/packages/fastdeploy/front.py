"""
The HTTP front end, with FastDeploy's quirks and the faults that are planted.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fastdeploy import faults
from fastdeploy.answers import Reply, TooLong, reply

STALE_S = 1.0
CHECK_S = 0.05


class Front(ThreadingHTTPServer):
    """The server, told what it serves and how to see that its workers live."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, args: Any, version: tuple[int, ...], model: str) -> None:
        self.args, self.version, self.model = args, version, model
        self.api_key = args.api_key or os.environ.get("FD_API_KEY")
        self.loaded = threading.Event()
        self.heartbeat: Callable[[], float] = time.time
        """When the workers were last seen alive (Unix seconds)."""
        self.kill_worker: Callable[[bool], None] = lambda noticed: None
        self.questions = 0
        self.in_flight = 0
        self.tokens = 0
        """Put out so far."""
        self.lock = threading.Lock()
        super().__init__((args.host, args.port), Handler)

    def healthy(self) -> bool:
        """Return whether the workers' heartbeat is fresh."""
        return time.time() - self.heartbeat() < STALE_S

    def count(self, tokens: int) -> None:
        """Note tokens that are put out."""
        with self.lock:
            self.tokens += tokens

    def metrics(self) -> bytes:
        """Return the page that a scraper reads."""
        return (
            f"# TYPE fastdeploy:num_requests_running gauge\n"
            f"fastdeploy:num_requests_running {self.in_flight}\n"
            f"# TYPE fastdeploy:generation_tokens_total counter\n"
            f"fastdeploy:generation_tokens_total {float(self.tokens)}\n"
        ).encode()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that went away, not about mistakes of this double."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Front
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    was_reset = False

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        if self.path == "/health":
            # 200 also while nothing is loaded: the heartbeat is only looked at once there was one.
            stale = self.server.loaded.is_set() and not self.server.healthy()
            self._raw(404 if stale else 200, b"Worker Service Not Healthy" if stale else b"")
        elif self.path == "/metrics" and self.server.args.metrics_port is None:
            self._raw(200, self.server.metrics())
        elif self.path != "/v1/models":
            self._json(404, {"detail": "Not Found"})
        elif self._let_in():
            name = "other" if "other_model" in faults.planted() else self.server.model
            entry = {
                "id": name,
                "object": "model",
                "owned_by": "FastDeploy",
                "root": self.server.args.model,
                "max_model_len": self.server.args.max_model_len,
            }
            self._json(200, {"object": "list", "data": [entry]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._json(404, {"detail": "Not Found"})
            return
        if not self._let_in():
            return
        with self.server.lock:
            self.server.questions += 1
            active = faults.planted(self.server.questions, streamed=bool(body.get("stream")))
            too_many = self.server.in_flight >= self.server.args.max_concurrency
            self.server.in_flight += 1
        try:
            if too_many or "http_429" in active:
                most = self.server.args.max_concurrency
                words = f"Too many requests,current max concurrency is {most}"
                self._json(429, {"detail": words})
            elif not self._broken(active):
                self._answer(body, active)
        finally:
            with self.server.lock:
                self.server.in_flight -= 1

    def _let_in(self) -> bool:
        key = self.server.api_key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self._json(401, {"error": "Unauthorized"})
        return False

    def _broken(self, active: dict[str, str]) -> bool:
        """Do what ends in no answer at all; return whether it was done."""
        if "die" in active:
            os.kill(os.getpid(), signal.SIGKILL)
        if "leaves" in active:
            os.kill(os.getpid(), signal.SIGINT)
        if "worker_dies" in active or "worker_lost" in active:
            self.server.kill_worker("worker_dies" in active)
            self.server.heartbeat = lambda: 0.0
        if "close_port" in active:
            self.server.socket.close()
        if "close_port" in active or active.get("reset") == "before":
            self._reset()
        elif "hang" in active:
            wait_for_ever()
        elif "html" in active:
            page = b"<html><body><h1>Welcome to the gateway</h1></body></html>"
            self._raw(200, page, "text/html")
        elif "http_500" in active or "http_503" in active:
            status = 500 if "http_500" in active else 503
            self._fail(status, "the engine is in trouble")
        else:
            return False
        return True

    def _answer(self, body: dict[str, Any], active: dict[str, str]) -> None:
        named = self.server.args.served_model_name
        if "messages" not in body:
            self._fail(400, "Field required")
        elif not body["messages"]:
            self._fail(500, "list index out of range")
        elif named and body.get("model") != named:
            self._fail(404, f"The model `{body.get('model')}` does not exist.")
        else:
            try:
                said = reply(body, self.server.args.max_model_len, short="short" in active)
            except TooLong as problem:
                self._fail(500, str(problem))
                return
            (self._stream if body.get("stream") else self._whole)(body, said, active)

    def _whole(self, body: dict[str, Any], said: Reply, active: dict[str, str]) -> None:
        self._work(faults.seconds(active, "first_token_s", 0.01))
        if "slow_first_token" in active:
            time.sleep(float(active["slow_first_token"]))
        if "reset" in active or "cut" in active or "stall" in active:
            self._reset()
            return
        self.server.count(len(said.words))
        message = {"role": "assistant", "content": " ".join(said.words), "reasoning_content": ""}
        if "empty" in active:
            message["content"] = ""
        choice = {"index": 0, "message": message, "finish_reason": said.finish_reason}
        usage = self._usage(said, active)
        answer = {"id": f"chatcmpl-{uuid.uuid4()}", "choices": [choice]}
        self._json(200, answer | ({"usage": usage} if usage else {}))

    def _stream(self, body: dict[str, Any], said: Reply, active: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in self._events(body, said, active):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        if self.was_reset:
            return
        self.wfile.write(b"0\r\n\r\n")

    def _events(self, body: dict[str, Any], said: Reply, active: dict[str, str]) -> Iterator[bytes]:
        named = {"id": f"chatcmpl-{uuid.uuid4()}", "object": "chat.completion.chunk"}
        options = body.get("stream_options") or {}
        self._work(faults.seconds(active, "first_token_s", 0.01))
        # The first event carries a role and no text, and ends in a space before the empty line.
        role = {"role": "assistant", "content": "", "reasoning_content": ""}
        yield _event({**named, "choices": [_choice(role)]}, b" \n\n")
        if "slow_first_token" in active:
            time.sleep(float(active["slow_first_token"]))
        for at, choices in enumerate(self._chunks(body, said, active)):
            ending = self._middle(active) if at == 2 else None
            if ending is not None:
                yield from ending
                return
            self._work(faults.seconds(active, "slow_tokens", 0) if at else 0)
            event: dict[str, Any] = {**named, "choices": choices}
            if options.get("continuous_usage_stats"):
                event["usage"] = said.usage()
            yield _event(event)
        usage = self._usage(said, active)
        if options.get("include_usage") and usage:
            yield _event({**named, "choices": [], "usage": usage})
        if "no_done" not in active:
            yield b"data: [DONE]\n\n"

    def _chunks(
        self, body: dict[str, Any], said: Reply, active: dict[str, str]
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield each event's choices: several of them where the client asks for several tokens."""
        pace = faults.seconds(active, "token_s", 0.005)
        step = len(said.words) if "burst" in active else int(active.get("tokens_per_chunk") or 1)
        together = body.get("max_streaming_response_tokens") or 1
        words = [] if "empty" in active else [word + " " for word in said.words]
        texts = ["".join(words[i : i + step]) for i in range(0, len(words), step)] or [""]
        waiting: list[dict[str, Any]] = []
        for number, text in enumerate(texts, 1):
            if number > 1:
                self._work(pace)
            self.server.count(len(text.split()))
            waiting.append(
                {**_choice({"content": text}), "arrival_time": round(time.time() % 99, 4)}
            )
            if number == len(texts) and "no_finish" not in active:
                waiting[-1]["finish_reason"] = said.finish_reason
            if len(waiting) == together or number == len(texts):
                yield waiting
                waiting = []

    def _middle(self, active: dict[str, str]) -> list[bytes] | None:
        """Do what is to happen after two tokens; return how the stream ends then, else None."""
        if "reset" in active:
            self._reset()
            return []
        if "stall" in active:
            wait_for_ever()
        if "cut" in active:
            return []
        if "garbage" in active:
            return [b"\xff\xfe\x00\x9c data\x00" * 40 + b"\n\n"]
        if "bad_json" in active:
            return [b'data: {"choices": [{"delta": {"content": "ye\n\n', b"data: [DONE]\n\n"]
        if "error_line" in active:
            words = "Engine is not healthy: Worker Service Not Healthy"
            return [_event(self._error(400, words)), b"data: [DONE]\n\n"]
        return None

    def _usage(self, said: Reply, active: dict[str, str]) -> dict[str, Any] | None:
        if "no_usage" in active:
            return None
        if "zero_usage" in active:
            return said.usage(-len(said.words))
        return said.usage(int(active.get("wrong_usage") or 0))

    def _work(self, seconds: float) -> None:
        """Pass the time that a token takes, and all the time that the workers don't live."""
        time.sleep(seconds)
        while not (self.server.loaded.is_set() and self.server.healthy()):
            time.sleep(CHECK_S)

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)  # close without the usual goodbye
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = self.was_reset = True
        self.connection.close()

    def _error(self, status: int, words: str) -> dict[str, Any]:
        if self.server.version < (2, 3):
            return {"object": "error", "message": words, "code": status}
        return {"error": {"message": words, "type": "internal_error", "code": status}}

    def _fail(self, status: int, words: str) -> None:
        error = self._error(status, words)
        self._json(status, {"detail": error} if self.server.version < (2, 3) else error)

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json")

    def _raw(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Metrics(BaseHTTPRequestHandler):
    """What a port of its own shows to a scraper."""

    front: Front

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(self.front.metrics() if self.path == "/metrics" else b"")


def wait_for_ever() -> None:
    """Wait in a thread that nobody wakes."""
    threading.Event().wait()


def _choice(delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": None}


def _event(body: dict[str, Any], end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps(body).encode() + end
