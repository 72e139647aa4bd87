"""
The floor: the least that a client on an event loop can do, a bare protocol of uvloop.

It stamps and keeps what it reads; what the bytes say is read after the run. It needs uvloop and
nothing else, knows only how the known server frames its answers, and counts from its own sending.
Run as ``python floor.py PORT STREAMS TOKENS FILE``; the file gets the result.
"""

from __future__ import annotations

import asyncio
import bisect
import gc
import itertools
import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

END = b"0\r\n\r\n"
EVENT = re.compile(rb"data: (\{.*?\})\n\n")
STAGGER_S = 0.001


class Stream(asyncio.Protocol):
    """One connection, one request."""

    __slots__ = ("ended", "parts", "sent_s", "stamps", "transport")

    def __init__(self, ended: Callable[[], None]) -> None:
        self.ended = ended
        self.parts: list[bytes] = []
        self.stamps: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> None:
        self.sent_s = time.monotonic()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.stamps.append(time.monotonic())
        self.parts.append(data)
        if data[-5:] == END or (len(data) < 5 and b"".join(self.parts[-5:])[-5:] == END):
            self.ended()

    def read(self) -> tuple[float, float, int]:
        """Return time to first token, time per further token, and how many tokens there were."""
        ends = list(itertools.accumulate(map(len, self.parts)))
        arrived: list[float] = []
        for event in EVENT.finditer(b"".join(self.parts)):
            choices = json.loads(event[1])["choices"]
            if choices and choices[0]["delta"].get("content"):
                arrived.append(self.stamps[bisect.bisect_left(ends, event.end())])
        first_s, last_s = arrived[0], arrived[-1]
        return first_s - self.sent_s, (last_s - first_s) / (len(arrived) - 1), len(arrived)


def request(port: int, tokens: int) -> bytes:
    """Return the one request that all send."""
    fields = {
        "model": "known",
        "messages": [{"role": "user", "content": "hello there"}],
        "max_tokens": tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body = json.dumps(fields).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def run(port: int, count: int, tokens: int) -> dict[str, Any]:
    """Ask on all connections, one after the other, and wait for all answers."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    left = count

    def ended() -> None:
        nonlocal left
        left -= 1
        if not left:
            over.set_result(None)

    streams = []
    for _ in range(count):
        _, stream = await loop.create_connection(lambda: Stream(ended), "127.0.0.1", port)
        streams.append(stream)
    asked = request(port, tokens)
    gc.collect()
    gc.disable()
    start_s, cpu_s = time.monotonic(), time.process_time()
    for number, stream in enumerate(streams):
        loop.call_later(number * STAGGER_S, stream.ask, asked)
    await over
    duration_s, cpu_s = time.monotonic() - start_s, time.process_time() - cpu_s
    return {"duration_s": duration_s, "cpu_s": cpu_s, **read(streams)}


def read(streams: list[Stream]) -> dict[str, Any]:
    """Read what was kept."""
    cpu_s = time.process_time()
    ttft_s, tpot_s, _ = zip(*(stream.read() for stream in streams), strict=True)
    return {
        "answered": len(streams),
        "ttft_mean_s": statistics.fmean(ttft_s),
        "ttft_p99_s": statistics.quantiles(ttft_s, n=100, method="inclusive")[98],
        "tpot_mean_s": statistics.fmean(tpot_s),
        "after_cpu_s": time.process_time() - cpu_s,
    }


def main() -> None:
    import uvloop

    port, count, tokens = map(int, sys.argv[1:4])
    loop = uvloop.new_event_loop()
    Path(sys.argv[4]).write_text(json.dumps(loop.run_until_complete(run(port, count, tokens))))


if __name__ == "__main__":
    main()
