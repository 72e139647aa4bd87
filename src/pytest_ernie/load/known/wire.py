"""
HTTP/1.1 of the known server: connections on 127.0.0.1 that one thread reads and writes.

Nothing here waits: what a socket has no room for is kept with its connection and sent when there is
room. Connections are kept alive, and requests that come early wait for their turn.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)")
READ_BYTES = 1 << 18
SOCKETS_A_ROUND = 8
"""So few are looked at before the next look at what is due: reading a request takes its time."""
BACKLOG = 4096
REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 429: b"Too Many Requests"}


@dataclass(slots=True, eq=False)
class Connection:
    """One client's connection."""

    socket: socket.socket
    number: int
    received: bytearray = field(default_factory=bytearray)
    unsent: bytes = b""
    """What the socket had no room for."""
    stream: Any = None
    """What answers its request; None while nothing is asked."""
    last: bool = False
    """It is closed after this answer."""


class Handler(Protocol):
    """Who answers."""

    def asked(self, connection: Connection, target: bytes, body: bytes, received_s: float) -> None:
        """Answer at once, or set ``connection.stream`` and call ``settle`` after the answer."""

    def has_room(self, connection: Connection) -> None:
        """All that the socket had no room for is sent, and the stream may go on."""

    def lost(self, connection: Connection) -> None:
        """The connection was closed in mid-stream."""


class Wire:
    """The sockets; ``over`` becomes True when the standard input has ended. OSError if none is."""

    def __init__(self, handler: Handler, port: int, *, reads: bool) -> None:
        self._handler = handler
        self._reads = reads
        self._accepted = 0
        self._connections: dict[int, Connection] = {}
        self._unread: list[socket.socket] = []
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._listener = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        try:
            self._epoll.register(sys.stdin, select.EPOLLIN)
        except PermissionError as problem:
            raise OSError("its standard input must be a pipe or a terminal") from problem
        self.port: int = self._listener.getsockname()[1]
        self.over = False

    def wait(self, wait_s: float | None) -> None:
        """Sleep so long (None: for ever) or until a socket is ready; see to some that are."""
        # epoll's own timeout counts in milliseconds; that of select, which can watch it, in micro.
        if wait_s is None or wait_s > 0:
            ready, _, _ = select.select([self._epoll], [], [], wait_s)
            if not ready:
                return
        for number, events in self._epoll.poll(0, SOCKETS_A_ROUND):
            if connection := self._connections.get(number):
                if events & select.EPOLLOUT:
                    self._flush(connection)
                if events & ~select.EPOLLOUT:
                    self._read(connection)
            elif number == self._listener.fileno():
                self._accept()
            elif number == sys.stdin.fileno():
                self.over = not os.read(number, READ_BYTES)

    def write(self, connection: Connection, data: bytes) -> bool:
        """Send; return False if a part of it had to be kept for later."""
        if not connection.unsent:
            try:
                sent = connection.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close(connection)
                return True
            if sent == len(data):
                return True
            data = data[sent:]
            self._epoll.modify(connection.socket, select.EPOLLIN | select.EPOLLOUT)
        connection.unsent += data
        return False

    def settle(self, connection: Connection) -> None:
        """After an answer: close the connection, or see whether the next request waits already."""
        if connection.last and not connection.unsent:
            self.close(connection)
        else:
            self._serve(connection, time.monotonic())

    def close(self, connection: Connection, *, reset: bool = False) -> None:
        """Close the connection, without the usual goodbye if it is to be a reset."""
        number = connection.socket.fileno()
        if number < 0:
            return
        if reset:
            no_linger = struct.pack("ii", 1, 0)
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        del self._connections[number]
        connection.socket.close()
        connection.received.clear()
        if connection.stream is not None:
            self._handler.lost(connection)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            for _ in range(SOCKETS_A_ROUND):
                accepted, _ = self._listener.accept()
                if not self._reads:
                    self._unread.append(accepted)
                    continue
                accepted.setblocking(False)
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._accepted += 1
                self._connections[accepted.fileno()] = Connection(accepted, self._accepted)
                self._epoll.register(accepted, select.EPOLLIN)

    def _read(self, connection: Connection) -> None:
        try:
            size = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:  # a reset, or closed while it was written to
            size = 0
        received_s = time.monotonic()
        if size:
            connection.received += self._buffer[:size]
            self._serve(connection, received_s)
        else:
            self.close(connection)

    def _serve(self, connection: Connection, received_s: float) -> None:
        while connection.stream is None and not connection.last:
            request = self._take(connection)
            if request is None:
                return
            self._handler.asked(connection, *request, received_s)
            if connection.last and connection.stream is None:
                self.settle(connection)

    def _take(self, connection: Connection) -> tuple[bytes, bytes] | None:
        """Cut a request off what was received: method and path, body; None if it isn't whole."""
        received = connection.received
        body_at = received.find(b"\r\n\r\n") + 4
        if body_at < 4:
            return None
        head = bytes(received[: body_at - 2])
        fields = head.lower()
        length = CONTENT_LENGTH.search(fields)
        end = body_at + (int(length[1]) if length else 0)
        if len(received) < end:
            if len(received) == body_at and b"\r\nexpect: 100-continue" in fields:
                self.write(connection, b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(received[body_at:end])
        del received[:end]
        connection.last = b"\r\nconnection: close" in fields or b" http/1.0\r\n" in fields
        return b" ".join(head.split(b" ", 2)[:2]).partition(b"?")[0], body

    def _flush(self, connection: Connection) -> None:
        unsent, connection.unsent = connection.unsent, b""
        if self.write(connection, unsent) and connection.socket.fileno() >= 0:
            self._epoll.modify(connection.socket, select.EPOLLIN)
            if connection.stream is None:
                self.settle(connection)
            else:
                self._handler.has_room(connection)


def response(
    status: int, body: bytes, kind: bytes = b"application/json", more: bytes = b""
) -> bytes:
    """Return a response with its length; ``more`` are header lines, each with its line's end."""
    head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
    return head % (status, REASONS[status], kind, len(body)) + more + b"\r\n" + body
