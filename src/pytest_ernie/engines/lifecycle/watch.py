"""
Whether a server that starts still moves, and whether all of its workers still live.
"""

from __future__ import annotations

import re
import time
from typing import NamedTuple

import psutil

from pytest_ernie.toolchains.process import Running

from .logs import Logs

LOOK_S = 1.0
"""Reading every process of a large machine takes a few ms: often enough, not always."""
COMMAND_CHARACTERS = 120


Identity = tuple[int, float]
"""Pid and start time: together they name a process for ever."""


class Watch:
    """
    Looks at a starting server: call ``look`` as often as you like.

    A server moves if its logs grow or its processes read from or write to a disk. Computing is no
    sign: workers that wait for a dead one spin.
    """

    def __init__(self, process: Running, logs: Logs, *, worker: str | None = None) -> None:
        self._process = process
        self._logs = logs
        self._worker = re.compile(worker) if worker else None
        self._began = self._moved = time.monotonic()
        self._looked = float("-inf")
        self._traces: tuple[int, int] = (-1, -1)
        self._workers: dict[Identity, str] = {}
        self._candidates: set[Identity] = set()
        self._gone_at: float | None = None
        self.gone: str | None = None
        """Pid and command of the first worker that ended; None while all live."""

    @property
    def waited_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def quiet_s(self) -> float:
        """Seconds since something moved."""
        return time.monotonic() - self._moved

    @property
    def gone_s(self) -> float:
        """Seconds since a worker was missed."""
        return 0.0 if self._gone_at is None else time.monotonic() - self._gone_at

    def look(self) -> list[psutil.Process]:
        """Look at logs and processes, once a second at most; return those that were looked at."""
        if time.monotonic() - self._looked < LOOK_S:
            return []
        self._looked = time.monotonic()
        living = self._process.descendants()
        traces = (self._logs.size(), sum(map(_disk_bytes, living)))
        if traces[0] != self._traces[0] or traces[1] > self._traces[1]:
            self._moved = time.monotonic()
        self._traces = traces
        self._count(living)
        return living

    def owns_port(self, port: int) -> bool:
        """
        Return whether a process of the server listens on that port of this machine.

        True as well where the system doesn't tell (a container without rights).
        """
        hidden = False
        for process in self._process.descendants():
            try:
                connections = process.net_connections("tcp")
            except psutil.NoSuchProcess:
                continue
            except psutil.Error:
                hidden = True
                continue
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
                return True
        return hidden

    def _count(self, living: list[psutil.Process]) -> None:
        """
        Note who works and who no longer does.

        Only the topmost matching process counts, and only once it was seen twice: what a worker
        forks has its command line, too, until it runs something else.
        """
        if self._worker is None or self.gone is not None:
            return
        seen = [one for one in map(_seen, living) if one is not None]
        pids = {process.pid for process in living}
        if missing := [identity for identity in self._workers if identity[0] not in pids]:
            self._gone_at = time.monotonic()
            self.gone = f"process {missing[0][0]} ({self._workers[missing[0]]}) is gone"
        matching = [one for one in seen if self._worker.search(one.command)]
        workers = {one.identity[0] for one in matching}
        top = {
            one.identity: one.command[:COMMAND_CHARACTERS]
            for one in matching
            if one.parent not in workers
        }
        self._workers.update({who: top[who] for who in top if who in self._candidates})
        self._candidates = set(top)


class _Seen(NamedTuple):
    identity: Identity
    parent: int
    command: str


def _seen(process: psutil.Process) -> _Seen | None:
    try:
        command = " ".join(process.cmdline()) or process.name()
        identity = (process.pid, process.create_time())
        return _Seen(identity, process.ppid(), command)
    except psutil.Error:
        return None


def _disk_bytes(process: psutil.Process) -> int:
    try:
        counted = process.io_counters()
    except (psutil.Error, AttributeError):
        return 0
    return int(counted.read_bytes + counted.write_bytes)
