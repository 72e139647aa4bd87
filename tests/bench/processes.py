"""
Which core a process runs on, and how much processor time a tree of processes takes when.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil

from pytest_ernie.load.known.schedule import Schedule
from pytest_ernie.load.known.server import KnownServer, known_server

LOOK_S = 0.2
LOOKS_A_SEARCH = 5
"""New processes are searched for once in so many looks: it reads all of /proc."""


class Failed(Exception):
    """A client couldn't be installed or made to run; says why."""


def cores() -> tuple[set[int], set[int]]:
    """Return the client's core and the server's; both may be anywhere if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return ({allowed[0]}, {allowed[1]}) if len(allowed) > 1 else (set(allowed), set(allowed))


@contextlib.contextmanager
def server_on(core: set[int], schedule: Schedule) -> Iterator[KnownServer]:
    """Run a known server on a core of its own."""
    with known_server(schedule) as server:
        os.sched_setaffinity(server.pid, core)
        yield server


class CpuWatch:
    """Processor time of a process and all that descend from it, over time."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seen: dict[psutil.Process, float] = {self._root: 0.0}
        self._moments: list[float] = []
        self._cpu_s: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> CpuWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for process in self._seen:  # whatever it has left behind
            with contextlib.suppress(psutil.Error):
                process.kill()

    def until(self, moment_s: float) -> float:
        """Return the processor time taken until then, on the monotonic clock."""
        return float(np.interp(moment_s, self._moments, self._cpu_s))

    def _run(self) -> None:
        looks = 0
        while not self._over.wait(LOOK_S):
            if looks % LOOKS_A_SEARCH == 0:
                self._search()
            looks += 1
            for process in self._seen:
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    self._seen[process] = times.user + times.system
            self._moments.append(time.monotonic())
            self._cpu_s.append(sum(self._seen.values()))

    def _search(self) -> None:
        with contextlib.suppress(psutil.Error):
            for process in self._root.children(recursive=True):
                self._seen.setdefault(process, 0.0)


def run(command: Sequence[str], env: dict[str, str], folder: Path, timeout_s: float) -> CpuWatch:
    """Run a command in a folder to its end and return its watch; Failed with its last words."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with CpuWatch(process.pid) as watch:
            try:
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise Failed(f"not done within {timeout_s:g} s") from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code:
        raise Failed(f"exit code {code}: {last_words(log.read_text(errors='replace'))}")
    return watch


def last_words(output: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in output.splitlines() if any(map(str.isalpha, line))]
    return lines[-1][-200:] if lines else "no output"
