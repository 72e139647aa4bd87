"""
What a client process and its parent say to each other: length-prefixed msgpack over its pipes.
"""

from __future__ import annotations

import struct
from typing import IO, Any

import msgspec
from msgspec import Struct

from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.load.protocol import ClientFacts, RequestRecord

LENGTH = struct.Struct("<Q")


class ServerAddress(Struct, frozen=True, kw_only=True):
    """Where a server listens, by name."""

    host: str
    port: int
    tls: bool


class Work(Struct, frozen=True, kw_only=True, tag=True):
    """To the client: everything to be sent. The key travels in ``head``, through this pipe only."""

    servers: list[ServerAddress]
    """Equal ones; the connections are dealt round."""
    head: bytes
    """Request line and headers, without Content-Length and the empty line."""
    bodies: list[bytes]
    indices: list[int]
    """Each body's place in the whole workload."""
    wanted_tokens: list[int]
    due_ns: list[int]
    refill: bool
    connections: int
    silence_timeout_s: float
    connect_timeout_s: float
    patience: int
    dialect: Dialect
    text_times: bool
    """Keep the arrival of every event with text."""
    live: bool
    """Read each answer when it has ended and report it, so that a decided run can be stopped."""


class Go(Struct, frozen=True, kw_only=True, tag=True):
    """To the client: begin at this moment of the monotonic clock, which all processes share."""

    start_ns: int


class Stop(Struct, frozen=True, kw_only=True, tag=True):
    """To the client: what was to be known is known."""


class Ready(Struct, frozen=True, kw_only=True, tag=True):
    """From the client: its connections are open."""


class Tally(Struct, frozen=True, kw_only=True, tag=True):
    """From the client, a few times a second."""

    sent: int
    done: int
    failed: int
    reads: int
    in_flight: int
    records: list[RequestRecord] = []


class Finished(Struct, frozen=True, kw_only=True, tag=True):
    """From the client, at its end."""

    records: list[RequestRecord]
    facts: ClientFacts
    sent: int
    ended_ns: int


class Refused(Struct, frozen=True, kw_only=True, tag=True):
    """From the client: it can't do the work at all; ``message`` is for people."""

    message: str


ToClient = Work | Go | Stop
FromClient = Ready | Tally | Finished | Refused


def write(pipe: IO[bytes], message: ToClient | FromClient) -> None:
    """Send a message; BrokenPipeError if nobody reads."""
    encoded = msgspec.msgpack.encode(message)
    pipe.write(LENGTH.pack(len(encoded)) + encoded)
    pipe.flush()


def read(pipe: IO[bytes], type: Any) -> Any:
    """Return the next message, None at the end of the pipe, even in the middle of a message."""
    header = _exactly(pipe, LENGTH.size)
    if header is None:
        return None
    encoded = _exactly(pipe, LENGTH.unpack(header)[0])
    return None if encoded is None else msgspec.msgpack.decode(encoded, type=type)


def _exactly(pipe: IO[bytes], length: int) -> bytes | None:
    """Read from a pipe that may be unbuffered, and hand out less than asked."""
    parts = []
    while length:
        part = pipe.read(length)
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
