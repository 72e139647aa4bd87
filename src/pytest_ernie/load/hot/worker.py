"""
A client process: ``python -m pytest_ernie.load.hot.worker``, told what to do through its pipes.

It ends with its parent: the end of its standard input ends it. It imports little, because a search
starts many of them.
"""

from __future__ import annotations

import hashlib
import os
import resource
import select
import signal
import socket
import ssl
import sys
from typing import IO, Any

import msgspec

from pytest_ernie.load.protocol import ClientFacts, Loaded, RequestRecord

from . import messages
from .answers import Clock, read_kept
from .connection import Address, Exchange
from .counters import Counters, waited_between_ns
from .driver import Driver, Orders
from .messages import Finished, Go, Ready, Refused, ServerAddress, Stop, Tally, ToClient, Work
from .spool import Kept, Spool

PROBE_TIMEOUT_S = 5.0
LOADED_MIN_NS = 200_000_000
SOCKETS_MAX = 1 << 20
"""Where the host has no limit of its own."""


class Worker:
    """Does one piece of work."""

    def __init__(self, work: Work, inbox: IO[bytes], outbox: IO[bytes]) -> None:
        self._work = work
        self._inbox, self._outbox = inbox, outbox
        self._spool = Spool()
        self._fresh: list[RequestRecord] = []
        self._read: list[RequestRecord] = []
        self._start_ns = 0
        requests = [
            work.head + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in work.bodies
        ]
        self._digests = [hashlib.sha256(body).hexdigest()[:32] for body in work.bodies]
        work.bodies.clear()  # they may be many megabytes, and are in the requests
        self._orders = Orders(
            addresses=[address_of(server) for server in work.servers],
            requests=requests,
            due_ns=work.due_ns,
            refill=work.refill,
            connections=work.connections,
            silence_timeout_ns=int(work.silence_timeout_s * 1e9),
            connect_timeout_ns=int(work.connect_timeout_s * 1e9),
            patience=work.patience,
        )
        self._driver = Driver(
            self._orders, self._live if work.live else self._spool.add, self._housekeeping
        )

    def run(self) -> None:
        """Connect, wait for the word, send, read what came, report."""
        self._driver.connect()
        messages.write(self._outbox, Ready())
        go = messages.read(self._inbox, ToClient)
        if not isinstance(go, Go):
            return
        self._start_ns = go.start_ns
        self._driver.run(go.start_ns)
        clock = Clock(self._driver.clock, self._start_ns)
        records = self._read or [self._record(kept, clock) for kept in self._spool]
        counters = self._driver.counters
        facts = ClientFacts(
            cpu_s=counters.cpu_ns / 1e9,
            reads=counters.reads,
            reconnects=counters.reconnects,
            waited_s=None if counters.waited_ns is None else counters.waited_ns / 1e9,
            lag_mean_s=counters.lag_ns / 1e9 / max(1, counters.lag_turns),
            lag_max_s=counters.lag_max_ns / 1e9,
            loaded=loaded(counters),
        )
        finished = Finished(
            records=records, facts=facts, sent=counters.sent, ended_ns=counters.ended_ns
        )
        messages.write(self._outbox, finished)

    def _live(self, exchange: Exchange) -> None:
        record = self._record(Kept.of(exchange), Clock(self._driver.clock, self._start_ns))
        self._fresh.append(record)
        self._read.append(record)

    def _housekeeping(self, counters: Counters, in_flight: int) -> bool:
        """Report; return False if the parent has said stop, or is gone."""
        tally = Tally(
            sent=counters.sent,
            done=counters.done,
            failed=counters.failed,
            reads=counters.reads_so_far,
            in_flight=in_flight,
            records=self._fresh,
        )
        messages.write(self._outbox, tally)
        self._fresh = []
        if not select.select([self._inbox], [], [], 0)[0]:
            return True
        if not isinstance(messages.read(self._inbox, ToClient), Stop):
            sys.exit(1)
        return False

    def _record(self, kept: Kept, clock: Clock) -> RequestRecord:
        record = read_kept(
            kept,
            wanted_tokens=self._work.wanted_tokens[kept.index],
            request_digest=self._digests[kept.index],
            dialect=self._work.dialect,
            clock=clock,
            text_times=self._work.text_times,
        )
        return msgspec.structs.replace(record, index=self._work.indices[kept.index])


def address_of(server: ServerAddress) -> Address:
    """Resolve the server's name once; OSError if nobody knows it."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise OSError(f"{server.host} is no host that is known here ({problem.strerror})") from None
    addresses = [(family, sockaddr) for family, _, _, _, sockaddr in found]
    if len(addresses) > 1:
        addresses = [*filter(_answers, addresses), addresses[0]]
    family, sockaddr = addresses[0]
    context = ssl.create_default_context() if server.tls else None
    return Address(family=family, sockaddr=sockaddr, tls=context, name=server.host)


def _answers(address: tuple[Any, Any]) -> bool:
    """Tell whether somebody listens: of ``localhost``'s two addresses often only one is served."""
    family, sockaddr = address
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        return probe.connect_ex(sockaddr) == 0


def loaded(counters: Counters) -> Loaded | None:
    """Return what was used while the load was there, None if that was too short to tell."""
    start, end = counters.filled, counters.last_sent
    if start is None or end is None or end.now_ns - start.now_ns < LOADED_MIN_NS:
        return None
    waited_ns = waited_between_ns(start, end)
    return Loaded(
        length_s=(end.now_ns - start.now_ns) / 1e9,
        cpu_s=(end.cpu_ns - start.cpu_ns) / 1e9,
        waited_s=None if waited_ns is None else waited_ns / 1e9,
    )


def allow_sockets(wanted: int) -> None:
    """
    Raise the limit of open files as far as the host allows; OSError if that isn't what is wanted.

    How many an open loop needs, nobody knows beforehand.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 64
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise OSError(
            f"{wanted} connections need {needed} open files and this host allows {hard}; "
            "raise it (ulimit -Hn), or take more processes"
        )
    most = max(needed, SOCKETS_MAX) if hard == resource.RLIM_INFINITY else hard
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def main() -> int:
    """Read work from standard input, do it, answer on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and says so by the pipe
    inbox = os.fdopen(os.dup(0), "rb", buffering=0)
    outbox = os.fdopen(os.dup(1), "wb")
    work = messages.read(inbox, ToClient)
    if not isinstance(work, Work):
        return 1
    try:
        allow_sockets(max(work.connections, len(work.due_ns) if work.refill else 0))
        worker = Worker(work, inbox, outbox)
    except OSError as problem:
        messages.write(outbox, Refused(message=str(problem)))
        return 1
    try:
        worker.run()
    except BrokenPipeError:
        return 1
    except Exception as problem:  # a full disk, say: who waits for the figures is told why
        messages.write(outbox, Refused(message=f"{type(problem).__name__}: {problem}"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
