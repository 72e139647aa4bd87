"""
Keeps one command and everything it starts: a stand-alone script, run by ``process.start``.

Only the standard library, so that any interpreter runs it with ``-I -S``. It lives in a session of
its own as the *subreaper* of what it starts (Linux): a process that detaches itself (``setsid``, a
double fork) becomes a child of the keeper instead of init's, so nothing can be lost. When the
parent dies, however it dies, its end of the control pipe closes and the keeper ends every
descendant: SIGTERM, a grace, SIGKILL, until none is left. Nothing else is ever signalled: a
process is found by its parents, held by a pidfd and recognised by its start time. Without the
subreaper (not Linux) the command's process group is all that can be ended.

    stdin    {"argv": [...], "env": {...}, "cwd": "...", "parent": PID, "grace_s": 10}
             then "stop SECONDS" lines; end of file means that the parent is gone
    stdout   {"started": PID} or {"failed": "why"}
             then {"exit": CODE, "leftovers": N}: the command's own exit code, negative for the
             signal that killed it (as subprocess has it), sent when no descendant is left
    stderr   the log: what the command prints goes there too
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SET_PARENT_DEATH_SIGNAL = 1
SET_CHILD_SUBREAPER = 36
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
PARENT_CHECK_S = 1.0
"""How often the parent's pid is looked at, in case a fork of the parent holds the pipe open."""
ENDING_CHECK_S = 0.05

MARK = "PYTEST_ERNIE_KEEPER"
"""Variable by which a process that outlived its keeper is recognised: the keeper's pid:start time."""

Process = tuple[int, int]
"""Pid and start time (clock ticks after boot): together they name one process for ever."""


def prctl(option: int, value: int) -> bool:
    """Set a property of this process; False where the system has no prctl."""
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)
    except (AttributeError, OSError):
        return False


def processes() -> dict[int, Process]:
    """Return parent pid and start time of every process; empty where there is no /proc."""
    table: dict[int, Process] = {}
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdigit() and (facts := _parent_and_start(int(name))):
                table[int(name)] = facts
    return table


def descendants(root: int) -> set[Process]:
    """Return the processes below ``root``, zombies included."""
    table = processes()
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found: set[Process] = set()
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            found.add((pid, table[pid][1]))
            waiting.append(pid)
    return found


def signal_process(process: Process, number: int) -> None:
    """Signal exactly that process, or nobody if it is gone and its pid belongs to another."""
    pid, start = process
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            handle = os.pidfd_open(pid)
        except (AttributeError, OSError) as problem:
            if isinstance(problem, ProcessLookupError) or _start(pid) != start:
                return
            os.kill(pid, number)
            return
        try:
            if _start(pid) == start:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _parent_and_start(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    return int(fields[1]), int(fields[19])


def _start(pid: int) -> int | None:
    facts = _parent_and_start(pid)
    return None if facts is None else facts[1]


class Keeper:
    """The command, the control pipe, and whether the end has been asked for."""

    def __init__(self, parent: int, grace_s: float) -> None:
        self.parent = parent
        self.grace_s = grace_s
        self.subreaper = prctl(SET_CHILD_SUBREAPER, 1)
        self.child = 0
        self.exit_code: int | None = None
        self.deadline: float | None = None
        """When SIGKILL follows (monotonic clock); None while nobody asked for the end."""
        self.control_open = True
        self.unread = b""
        self.warned: set[Process] = set()
        self.leftovers = 0
        self.wakeup, waker = socket.socketpair()
        self.wakeup.setblocking(False)
        waker.setblocking(False)
        self.waker = waker
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in ENDING_SIGNALS:
            signal.signal(number, lambda *_: self.end(self.grace_s))

    def start(self, argv: list[str], env: dict[str, str], cwd: str) -> None:
        """Start the command in a session of its own; OSError if it can't be."""
        command = subprocess.Popen(
            argv,
            env={**env, MARK: f"{os.getpid()}:{_start(os.getpid())}"},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            stderr=sys.stderr.fileno(),
            start_new_session=True,
            preexec_fn=_die_with_keeper,  # noqa: PLW1509 - the keeper has one thread
        )
        self.child = command.pid
        command.returncode = 0  # reaped here, together with the orphans

    def end(self, grace_s: float) -> None:
        """Ask for the end; a second asking can only bring it nearer."""
        deadline = time.monotonic() + grace_s
        self.deadline = deadline if self.deadline is None else min(self.deadline, deadline)

    def run(self) -> None:
        """Return when neither the command nor any descendant is left."""
        while self.reap():
            if self.exit_code is not None and self.deadline is None:
                self.leftovers = len(descendants(os.getpid())) if self.subreaper else 0
                self.end(self.grace_s)
            if self.deadline is not None:
                self.signal_all()
            self.wait(PARENT_CHECK_S if self.deadline is None else ENDING_CHECK_S)
            if os.getppid() != self.parent and self.deadline is None:
                self.end(self.grace_s)

    def reap(self) -> bool:
        """Collect every dead child and adopted orphan; return whether any process is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return not self.subreaper and self._group_lives()
            if pid == 0:
                return True
            if pid == self.child:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def signal_all(self) -> None:
        """Send SIGTERM once to each process, and SIGKILL again and again after the grace."""
        late = self.deadline is not None and time.monotonic() >= self.deadline
        if not self.subreaper:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child, signal.SIGKILL if late else signal.SIGTERM)
            return
        for process in descendants(os.getpid()):
            if late:
                signal_process(process, signal.SIGKILL)
            elif process not in self.warned:
                self.warned.add(process)
                signal_process(process, signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Sleep until a signal, a word from the parent, or ``seconds`` later."""
        watched = [self.wakeup, sys.stdin] if self.control_open else [self.wakeup]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self.wakeup in ready:
            with contextlib.suppress(BlockingIOError):
                self.wakeup.recv(4096)
        if sys.stdin in ready:
            self._listen()

    def _listen(self) -> None:
        received = os.read(sys.stdin.fileno(), 4096)
        if not received:
            self.control_open = False
            self.end(self.grace_s)
        *lines, self.unread = (self.unread + received).split(b"\n")
        for line in lines:
            word, _, seconds = line.decode().partition(" ")
            if word == "stop":
                self.end(float(seconds))

    def _group_lives(self) -> bool:
        try:
            os.killpg(self.child, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def _die_with_keeper() -> None:
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _read_job() -> dict[str, object]:
    # Byte by byte would be slow and buffering would swallow what follows: the job comes as its
    # length, a space, and the text.
    digits = b""
    while (byte := os.read(sys.stdin.fileno(), 1)) not in (b" ", b""):
        digits += byte
    missing = int(digits)
    text = b""
    while missing:
        piece = os.read(sys.stdin.fileno(), missing)
        if not piece:
            raise EOFError("the parent left before it said what to start")
        text += piece
        missing -= len(piece)
    job: dict[str, object] = json.loads(text)
    return job


def _report(**facts: object) -> None:
    # A parent that died can't be told; the work of ending what it left is done all the same.
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), json.dumps(facts).encode() + b"\n")


def main() -> None:
    """Keep the command that the parent names until nothing of it is left."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    job = _read_job()
    keeper = Keeper(parent=int(str(job["parent"])), grace_s=float(str(job["grace_s"])))
    try:
        keeper.start(job["argv"], job["env"], job["cwd"])  # type: ignore[arg-type]  # from our own JSON
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        _report(failed=str(problem))
        return
    _report(started=keeper.child)
    keeper.run()
    _report(exit=keeper.exit_code, leftovers=keeper.leftovers)


if __name__ == "__main__":
    main()
