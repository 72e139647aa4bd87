"""
The hot loop: requests leave when they are due, answers are read as they arrive, nothing else happens.

One process, one thread, one epoll. A read costs a system call, the kernel's stamp and a few list
operations; JSON waits until the run is over. What the loop owes others (progress, a stop) it does a
few times a second.
"""

from __future__ import annotations

import gc
import select
import time
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from .connection import STAMP, Address, Connection, Exchange
from .counters import Counters, Mark, waited_between_ns

EVENTS_A_TURN = 1024
HOUSEKEEPING_NS = 200_000_000
LAG_EVERY = 16
"""Turns from one measurement of the lag to the next."""
NAP_S = 0.001
BUSY_READS = 2000
"""
So many reads between two housekeepings, and the loop naps between turns: it finds several answers to
read then, for one waking. The kernel's stamps make that harmless; only the next request of a
slot leaves a nap later. Where most streams have something to read anyway it doesn't nap.
"""
CONNECTING_AT_ONCE = 64
"""Half of the shortest queue that servers listen with."""
IDLE_NS = 500_000_000
"""
A connection that was idle for so long may be closed by the server just as a request goes out; that
request goes out once more on a new one. Sooner, a closed connection is a refusal like any other.
"""
RACE_NS = 250_000_000
"""So long after the request such a close may still be on its way; later the server has read it."""
LONGEST_SILENCES = 6
"""No answer takes longer than so many silences: comments without end keep a stream awake for ever."""


class Orders(Struct, frozen=True, kw_only=True):
    """
    What one process is to send. Times are nanoseconds of the monotonic clock.

    A request starts when the next of ``due_ns`` (ascending, from the start) comes; in a closed loop
    (``refill``) also when another has ended, so that there ``due_ns`` only fills the slots.
    """

    addresses: Sequence[Address]
    """Equal servers: a connection goes to the one with the fewest, and stays there."""
    requests: Sequence[bytes]
    due_ns: Sequence[int]
    refill: bool
    connections: int
    """Opened before the start; more follow if they are needed."""
    silence_timeout_ns: int
    connect_timeout_ns: int
    patience: int
    """After so many failures to connect in a row the rest isn't sent."""


class Driver:
    """Carries out orders; ``on_exchange`` gets each request that has ended, well or not."""

    def __init__(
        self,
        orders: Orders,
        on_exchange: Callable[[Exchange], None],
        housekeeping: Callable[[Counters, int], bool] = lambda counters, in_flight: True,
    ) -> None:
        self.orders = orders
        self.counters = Counters()
        self.clock: list[tuple[int, int]] = []
        """(monotonic, wall minus monotonic), ns: turns the kernel's stamps into monotonic times."""
        self._on_exchange = on_exchange
        self._housekeeping = housekeeping
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._with: list[int] = [0] * len(orders.addresses)
        """Connections with each server."""
        self._idle: list[Connection] = []
        self._waiting: deque[Exchange] = deque()
        """Requests that are due and have no connection yet."""
        self._freed: deque[int] = deque()
        """When slots of a closed loop became free; each wants another request."""
        self._opening = 0
        self._busy = False
        self._reads_before = 0
        self._asked_again: set[int] = set()
        self._next = 0
        self._next_due = 0
        self._unanswered = 0
        self._in_flight = 0

    # --- before and after ------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the connections that the start needs; what fails is left to whoever is asked."""
        deadline_ns = time.monotonic_ns() + self.orders.connect_timeout_ns
        missing = self.orders.connections
        while (missing or self._opening) and time.monotonic_ns() < deadline_ns:
            while missing and self._opening < CONNECTING_AT_ONCE:
                self._open()
                missing -= 1
            self._turn(0.1)

    def run(self, start_ns: int) -> None:
        """Send everything from ``start_ns`` on; return when the last request has ended."""
        counters = self.counters
        gc.collect()
        gc.disable()
        began = Mark.here()
        if not self.orders.refill:
            counters.filled = began
        try:
            self._run(start_ns)
        finally:
            ended = Mark.here()
            counters.ended_ns = ended.now_ns
            counters.cpu_ns = ended.cpu_ns - began.cpu_ns
            counters.waited_ns = waited_between_ns(began, ended)
            self._note_clock()
            gc.enable()
            self.close()

    def close(self) -> None:
        """Close whatever is open."""
        for connection in list(self._connections.values()):
            connection.exchange = None
            connection.close()
        self._connections.clear()
        self._epoll.close()

    # --- the loop --------------------------------------------------------------------------------

    def _run(self, start_ns: int) -> None:
        next_house_ns = 0
        while True:
            now_ns = time.monotonic_ns()
            next_due_ns = self._start_what_is_due(start_ns, now_ns)
            if now_ns >= next_house_ns:
                next_house_ns = now_ns + HOUSEKEEPING_NS
                self._keep_house(now_ns)
            if next_due_ns is None and not self._in_flight and not self._freed:
                return
            wait_s = 0.0 if self._freed else max(0, next_house_ns - now_ns) / 1e9
            if next_due_ns is not None:
                due_in_s = max(0, next_due_ns - now_ns) / 1e9
                if due_in_s < wait_s:
                    self._wait_exactly(due_in_s)
                    wait_s = 0.0
            handled = self._turn(wait_s)
            if self._busy and handled < self._in_flight // 2:
                time.sleep(NAP_S)

    def _start_what_is_due(self, start_ns: int, now_ns: int) -> int | None:
        """Start the requests whose time has come; return when the next one's comes, if any is left."""
        due_ns, total = self.orders.due_ns, len(self.orders.requests)
        while self._freed:
            self._start(self._freed.popleft())
        while self._next_due < len(due_ns) and self._next < total:
            due = start_ns + due_ns[self._next_due]
            if due > now_ns:
                return due
            self._next_due += 1
            self._start(due)
        if self.counters.filled is None:
            self.counters.filled = Mark.here()
        return None

    def _wait_exactly(self, seconds: float) -> None:
        """Wait for something to read; epoll itself would round the time up to milliseconds."""
        select.select([self._epoll], [], [], seconds)

    def _turn(self, wait_s: float) -> int:
        """Handle what can be handled, after waiting for it at most ``wait_s``; return how much."""
        connections, freed = self._connections, self._freed
        last: Connection | None = None
        ready = self._epoll.poll(wait_s, EVENTS_A_TURN)
        for number, mask in ready:
            connection = connections.get(number)
            if connection is not None:
                if mask == select.EPOLLIN and connection.open:
                    connection.read()
                else:
                    connection.ready(mask)
                last = connection
                while freed:  # at once: what is still to be read has its stamps already
                    self._start(freed.popleft())
        self.counters.turns += 1
        if last is not None and not self.counters.turns % LAG_EVERY and last.exchange is not None:
            stamps = last.exchange.stamps
            if stamps:
                self._note_lag(stamps[-1])
        return len(ready)

    def _note_lag(self, stamp: bytes) -> None:
        seconds, nanoseconds = STAMP.unpack(stamp)
        lag_ns = time.time_ns() - seconds * 1_000_000_000 - nanoseconds
        counters = self.counters
        counters.lag_turns += 1
        counters.lag_ns += lag_ns
        counters.lag_max_ns = max(counters.lag_max_ns, lag_ns)

    def _note_clock(self) -> None:
        now_ns = time.monotonic_ns()
        self.clock.append((now_ns, time.time_ns() - now_ns))

    def _keep_house(self, now_ns: int) -> None:
        self._note_clock()
        reads = self.counters.reads
        for connection in list(self._connections.values()):
            reads += self._check_silence(connection, now_ns)
        self._busy = reads - self._reads_before > BUSY_READS
        self._reads_before = reads
        self.counters.reads_so_far = reads
        if not self._housekeeping(self.counters, self._in_flight):
            self._stop()

    def _check_silence(self, connection: Connection, now_ns: int) -> int:
        """Fail what has been silent for too long; return how many reads there were in this answer."""
        exchange = connection.exchange
        if not connection.open:
            if now_ns - connection.since_ns > self.orders.connect_timeout_ns:
                connection.fail("timeout: no connection within the time allowed")
            return 0
        if exchange is None:
            return 0
        if len(exchange.parts) != exchange.reads_seen:
            exchange.reads_seen = len(exchange.parts)
            connection.since_ns = now_ns
        elif now_ns - connection.since_ns > self.orders.silence_timeout_ns:
            seconds = self.orders.silence_timeout_ns / 1e9
            connection.fail(f"timeout: nothing came for {seconds:g} s")
        longest_ns = LONGEST_SILENCES * self.orders.silence_timeout_ns
        if exchange.sent_ns and now_ns - exchange.sent_ns > longest_ns and not exchange.broken:
            connection.fail(f"timeout: no end after {longest_ns / 1e9:g} s")
        return len(exchange.parts)

    def _stop(self) -> None:
        """Send no more and give up what is in flight: it is decided."""
        self._next = len(self.orders.requests)
        self.counters.last_sent = self.counters.last_sent or Mark.here()
        self._waiting.clear()
        self._freed.clear()
        self._in_flight = 0
        for connection in list(self._connections.values()):
            connection.exchange = None
            connection.close()
        self._connections.clear()

    # --- requests --------------------------------------------------------------------------------

    def _start(self, due_ns: int) -> None:
        if self._next >= len(self.orders.requests):
            return
        exchange = Exchange(self._next, due_ns)
        self._next += 1
        if self._next == len(self.orders.requests):
            self.counters.last_sent = Mark.here()
        self._in_flight += 1
        if self._unanswered > self.orders.patience:
            exchange.broken = "not sent"
            self._end(exchange)
            self._refill(due_ns)
        else:
            self._give(exchange)

    def _give(self, exchange: Exchange) -> None:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                now_ns = time.monotonic_ns()
                exchange.was_idle = now_ns - connection.since_ns >= IDLE_NS
                self._ask(connection, exchange, now_ns)
                return
        self._waiting.append(exchange)
        self._open()

    def _ask(self, connection: Connection, exchange: Exchange, now_ns: int) -> None:
        self.counters.sent += exchange.index not in self._asked_again
        connection.since_ns = now_ns
        connection.ask(exchange, self.orders.requests[exchange.index])

    def _keep(self, connection: Connection) -> None:
        connection.since_ns = time.monotonic_ns()
        self._idle.append(connection)

    def _open(self) -> None:
        place = self._with.index(min(self._with))
        try:
            connection = Connection(self.orders.addresses[place], self._epoll, self, place)
        except OSError as problem:  # no more files: that is this host's doing
            self._fail_waiting(f"no socket: {problem.strerror}")
            return
        self._with[place] += 1
        self._connections[connection.number] = connection
        self._opening += 1

    def _end(self, exchange: Exchange) -> None:
        exchange.ended_ns = time.monotonic_ns()
        self._in_flight -= 1
        self.counters.done += 1
        self.counters.reads += len(exchange.parts)
        self.counters.failed += bool(exchange.broken) or exchange.response.status != 200
        self._on_exchange(exchange)

    # --- what connections tell ---------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """Hand it the request that has waited longest, if any."""
        self._opening -= 1
        if self._waiting:
            self._ask(connection, self._waiting.popleft(), time.monotonic_ns())
        else:
            self._keep(connection)

    def lost(self, connection: Connection, why: str) -> None:
        """An idle connection is simply gone; one that was never made fails a waiting request."""
        self._forget(connection)
        if connection in self._idle:
            self._idle.remove(connection)
            return
        self._opening -= 1
        self._fail_waiting(why)

    def _fail_waiting(self, why: str) -> None:
        if self._waiting:
            exchange = self._waiting.popleft()
            exchange.broken = why
            self._unanswered += 1
            self._end(exchange)
            self._refill(exchange.ended_ns)

    def finished(self, connection: Connection, exchange: Exchange) -> None:
        """Keep the connection for the next request, which a closed loop sends at once."""
        if connection.open:
            self._keep(connection)
        else:
            self._forget(connection)
        if exchange.met_idle_close(RACE_NS) and self._again(exchange):
            return
        self._unanswered = 0 if exchange.parts else self._unanswered + 1
        due_ns = self._arrived_ns(exchange)
        self._end(exchange)
        self._refill(due_ns)

    def _again(self, exchange: Exchange) -> bool:
        """Ask again what met a connection that the server had just closed for idleness, once."""
        if exchange.index in self._asked_again:
            return False
        self._asked_again.add(exchange.index)
        self.counters.reconnects += 1
        self._waiting.append(exchange.renewed())
        self._open()
        return True

    def _refill(self, due_ns: int) -> None:
        if self.orders.refill:
            self._freed.append(due_ns)

    def _arrived_ns(self, exchange: Exchange) -> int:
        """When the end of an answer reached this host: the moment at which the next one is due."""
        now_ns = time.monotonic_ns()
        if not exchange.stamps or exchange.broken:
            return now_ns
        seconds, nanoseconds = STAMP.unpack(exchange.stamps[-1])
        wall_ns: int = seconds * 1_000_000_000 + nanoseconds
        return min(now_ns, wall_ns - (time.time_ns() - now_ns))

    def _forget(self, connection: Connection) -> None:
        if (gone := self._connections.pop(connection.number, None)) is not None:
            self._with[gone.place] -= 1
