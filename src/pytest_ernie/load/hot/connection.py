"""
One HTTP/1.1 connection: a request out, its answer in, every read with the moment that it arrived.

The moment is the kernel's: TCP stamps each segment when it comes in (SO_TIMESTAMPNS), long before a
busy process gets to read it, so a thousand streams that are read one after the other are each timed
right. Where the kernel gives no stamp the time of the read stands in for it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import ssl
import struct
import time
from typing import Any, Protocol

from msgspec import Struct

from .response import BadResponse, Response
from .tls import Tls

SO_TIMESTAMPNS = 35
"""Linux' number of the option, and of the message that carries the stamp; Python has no name."""
STAMP = struct.Struct("@ll")
"""Seconds and nanoseconds of the wall clock, as the kernel writes them."""
READ_BYTES = 1 << 14
"""Of one read; a larger buffer would cost more to make than the few reads that it saves."""
WHOLE_END = b"\r\n\r\n"
"""What a chunked response's last bytes are, its trailer included."""
ANCILLARY_BYTES = socket.CMSG_SPACE(STAMP.size)

READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


class Address(Struct, frozen=True, kw_only=True):
    """Where to connect, and how: resolved once, so that no name is looked up during a run."""

    family: int
    sockaddr: tuple[Any, ...]
    tls: ssl.SSLContext | None = None
    name: str = ""
    """Name that the server's certificate must have."""


class Exchange:
    """A request and what came back."""

    __slots__ = (
        "_understood",
        "broken",
        "due_ns",
        "ended_ns",
        "index",
        "parts",
        "reads_seen",
        "response",
        "sent_ns",
        "stamps",
        "was_idle",
    )

    def __init__(self, index: int, due_ns: int) -> None:
        self.index = index
        self.due_ns = due_ns
        """Monotonic clock, like ``sent_ns``."""
        self.sent_ns = 0
        self.ended_ns = 0
        self.parts: list[bytes] = []
        self.stamps: list[bytes] = []
        """Of each part, packed as ``STAMP``; wall clock."""
        self.response = Response()
        self.broken: str | None = None
        self.reads_seen = 0
        self._understood = 0
        self.was_idle = False
        """It went out on a connection that had carried nothing for a while."""

    def met_idle_close(self, within_ns: int) -> bool:
        """Whether the server closed an idle connection just as the request went out, unanswered."""
        broken = self.broken or "timeout: "
        if not self.was_idle or self.parts or broken.startswith("timeout: "):
            return False
        return not self.sent_ns or time.monotonic_ns() - self.sent_ns <= within_ns

    def renewed(self) -> Exchange:
        """Return the same request, not yet asked."""
        return Exchange(self.index, self.due_ns)

    def understood(self) -> bool:
        """Read what has come since the last time; return whether the response is complete."""
        news, self._understood = self.parts[self._understood :], len(self.parts)
        self.response.feed(news[0] if len(news) == 1 else b"".join(news))
        return self.response.complete


class Owner(Protocol):
    """Whom a connection tells."""

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """The answer is complete, or ``exchange.broken`` says why it never will be."""

    def connected(self, connection: Connection) -> None:
        """The connection can carry a request now."""

    def lost(self, connection: Connection, why: str) -> None:
        """The connection ended while it carried nothing."""


class Connection:
    """A non-blocking connection that lives in somebody's epoll."""

    __slots__ = (
        "_address",
        "_blocked",
        "_epoll",
        "_out",
        "_owner",
        "_recvmsg",
        "_socket",
        "_tls",
        "exchange",
        "number",
        "open",
        "place",
        "since_ns",
    )

    def __init__(self, address: Address, epoll: select.epoll, owner: Owner, place: int = 0) -> None:
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # a kernel without stamps: see now_stamp
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._recvmsg = self._socket.recvmsg
        self._tls = Tls(address.tls, address.name) if address.tls else None
        self._address = address
        self._epoll = epoll
        self._owner = owner
        self._out = memoryview(b"")
        self._blocked = False
        self.number = self._socket.fileno()
        """The socket's file descriptor, or what it was."""
        self.place = place
        """Which of several equal servers it leads to."""
        self.open = False
        """A request can be sent."""
        self.exchange: Exchange | None = None
        self.since_ns = time.monotonic_ns()
        self._socket.connect_ex(address.sockaddr)
        epoll.register(self.number, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP)

    def ask(self, exchange: Exchange, request: bytes) -> None:
        """Send a request; what doesn't fit into the socket at once follows by itself."""
        self.exchange = exchange
        self._put(self._tls.encrypted(request) if self._tls else request)

    def ready(self, mask: int) -> None:
        """Do what epoll says can be done."""
        if mask & select.EPOLLOUT:
            if self.open or self._out:
                self._send()
            else:
                self._connect()
        if mask & READABLE and self._socket.fileno() >= 0:
            self.read()

    def close(self) -> None:
        """Close; what was under way is nobody's any more."""
        if self._socket.fileno() >= 0:
            self._epoll.unregister(self._socket)
            self._socket.close()
        self.open = False

    def fail(self, why: str) -> None:
        """Close, and tell the owner."""
        exchange, self.exchange = self.exchange, None
        self.close()
        if exchange is None:
            self._owner.lost(self, why)
        else:
            exchange.broken = exchange.broken or why
            self._owner.finished(self, exchange)

    def _connect(self) -> None:
        """Ask how far connecting is: epoll may speak of an earlier socket of the same number."""
        number = self._socket.connect_ex(self._address.sockaddr)
        if number in (errno.EINPROGRESS, errno.EALREADY):
            return
        if number not in (0, errno.EISCONN):
            self.fail(os.strerror(number))
            return
        self._watch(select.EPOLLIN)
        if self._tls is None:
            self._opened()
        else:
            self._put(self._tls.handshake())

    def _opened(self) -> None:
        self.open = True
        self._owner.connected(self)

    def _watch(self, mask: int) -> None:
        self._epoll.modify(self._socket, mask | select.EPOLLRDHUP)

    def _put(self, data: bytes) -> None:
        self._out = memoryview(bytes(self._out) + data if self._out else data)
        self._send()

    def _send(self) -> None:
        """Send what the socket takes; the request is sent when its last byte is with the kernel."""
        try:
            while self._out:
                self._out = self._out[self._socket.send(self._out) :]
        except BlockingIOError:
            self._blocked = True
            self._watch(select.EPOLLIN | select.EPOLLOUT)
            return
        except OSError as problem:
            self.fail(_words(problem))
            return
        if self._blocked:
            self._blocked = False
            self._watch(select.EPOLLIN)
        exchange = self.exchange
        if exchange is not None and not exchange.sent_ns:
            exchange.sent_ns = time.monotonic_ns()

    def read(self) -> None:
        """
        Take what has arrived. This is the hot path: whatever can wait until the answer's end, does.
        """
        try:
            data, ancillary, _, _ = self._recvmsg(READ_BYTES, ANCILLARY_BYTES)
            if self._tls is not None and data:
                data = self._decrypted(self._tls, data)
                if not data and not self._tls.ended:
                    return
        except BlockingIOError:
            return
        except OSError as problem:  # ssl's errors are OSErrors, too
            self.fail(_words(problem))
            return
        self._took(data, ancillary)
        if self._tls is not None and self._tls.ended and self._socket.fileno() >= 0:
            self._unexpected(b"", self.exchange)  # the peer says no more, whenever it closes

    def _took(self, data: bytes, ancillary: list[Any]) -> None:
        exchange = self.exchange
        if not data or exchange is None:
            self._unexpected(data, exchange)
            return
        exchange.parts.append(data)
        exchange.stamps.append(ancillary[0][2] if ancillary else now_stamp())
        if exchange.response.chunked and len(data) >= 4 and data[-4:] != WHOLE_END:
            return  # it can't be the end, so it needn't be understood yet
        try:
            whole = exchange.understood()
        except BadResponse as problem:
            self.fail(f"no HTTP: {problem}")
            return
        if whole:
            self._whole(exchange)

    def _unexpected(self, data: bytes, exchange: Exchange | None) -> None:
        if data:
            self.fail("the server sent something unasked")
        elif exchange is not None and exchange.response.close():
            self.close()
            self._whole(exchange)
        else:
            self.fail("the server closed the connection")

    def _decrypted(self, tls: Tls, data: bytes) -> bytes:
        if tls.ready:
            return tls.decrypted(data)
        self._put(tls.handshake(data))
        if tls.ready and self._socket.fileno() >= 0:
            self._opened()
            return tls.decrypted()
        return b""

    def _whole(self, exchange: Exchange) -> None:
        self.exchange = None
        if not exchange.response.keeps_alive:
            self.close()
        self._owner.finished(self, exchange)


def _words(problem: OSError) -> str:
    return f"{type(problem).__name__} {problem}"


def now_stamp() -> bytes:
    """Return the present moment as the kernel would stamp it."""
    return STAMP.pack(*divmod(time.time_ns(), 1_000_000_000))
