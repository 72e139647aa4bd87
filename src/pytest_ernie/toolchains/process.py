"""
Long-lived children (a trainer, a server, an installer), each under a keeper of its own.

A child outlives neither this process nor its own stop: see ``keeper.py`` for how.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from pytest_ernie.errors import ToolchainError

KEEPER = Path(__file__).with_name("keeper.py")
GRACE_S = 10.0
KILLED_AFTER_S = 15.0
"""How long after SIGKILL an end is waited for; only a driver that hangs takes longer."""
FOLLOW_S = 0.2
TAIL_BYTES = 256 * 1024
KEPT_OPEN: set[int] = set()
"""Descriptors that each keeper has open as long as it lives: the locks of what its processes use."""


class Running:
    """
    A command that runs, or ran, under its keeper.

    Drop the last reference, leave the ``with`` block or die: the command and all that it started
    end too.
    """

    def __init__(self, keeper: subprocess.Popen[bytes], pid: int, log: Path) -> None:
        self._keeper = keeper
        self._exit_code: int | None = None
        self.pid = pid
        """Process id of the command itself."""
        self.log = log
        """Where its output goes, stdout and stderr together."""
        self.leftovers = 0
        """How many processes the command left behind when it ended by itself."""

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def poll(self) -> int | None:
        """
        Return the exit code once the command and all its descendants are gone, else None.

        Negative for the signal that killed the command, as in ``subprocess``. If the keeper itself
        was killed the code is the keeper's, since nobody knows the command's.
        """
        return self.wait(0)

    def wait(self, timeout_s: float | None) -> int | None:
        """Wait for the end, ``timeout_s`` at most (None: for ever); return as ``poll`` does."""
        if self._exit_code is None:
            try:
                keepers_code = self._keeper.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return None
            self._collect(keepers_code)
        return self._exit_code

    def descendants(self) -> list[psutil.Process]:
        """Return the command and all that it started, as far as they live."""
        try:
            found = psutil.Process(self._keeper.pid).children(recursive=True)
        except psutil.Error:
            return []
        return [process for process in found if _lives(process)]

    def stop(self, grace_s: float = GRACE_S) -> int | None:
        """
        End the command and all that it started: SIGTERM, after ``grace_s`` seconds SIGKILL.

        Returns the exit code, None only if a process survives SIGKILL (a hung driver does that).
        A second call, or Ctrl-C during the first, kills at once.
        """
        if self.poll() is None:
            self._ask(grace_s)
            try:
                self.wait(grace_s + KILLED_AFTER_S)
            except KeyboardInterrupt:
                self._ask(0)
                self.wait(KILLED_AFTER_S)
                raise
        return self._exit_code

    def output_tail(self, lines: int = 40) -> str:
        """Return the last ``lines`` lines of the log."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])

    def follow(self, on_output: Callable[[bytes], None]) -> int:
        """
        Hand the log's new bytes to ``on_output`` until the command ends; return its exit code.

        Whatever interrupts (Ctrl-C, an error of ``on_output``) stops the command and is re-raised.
        """
        with self, self.log.open("rb") as log:
            while True:
                code = self.wait(FOLLOW_S)
                while output := log.read(1 << 20):
                    on_output(output)
                if code is not None:
                    return code

    def _ask(self, grace_s: float) -> None:
        assert self._keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.write(f"stop {grace_s}\n".encode())
            self._keeper.stdin.flush()

    def _collect(self, keepers_code: int) -> None:
        assert self._keeper.stdout is not None
        assert self._keeper.stdin is not None
        report = self._keeper.stdout.read()
        facts = json.loads(report) if report.endswith(b"\n") else {}
        self.leftovers = facts.get("leftovers", 0)
        self._exit_code = facts.get("exit", keepers_code)
        self._keeper.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.close()


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    grace_s: float = GRACE_S,
) -> Running:
    """
    Start ``argv`` under a keeper with exactly that environment, its output going to ``log``.

    ``grace_s`` is what its processes get between SIGTERM and SIGKILL when this process dies or the
    command leaves some behind. ToolchainError if the command can't be started.
    """
    job = json.dumps(
        {
            "argv": list(argv),
            "env": dict(env),
            "cwd": str(cwd),
            "parent": os.getpid(),
            "grace_s": grace_s,
        }
    ).encode()
    log.write_bytes(b"")
    with log.open("ab") as output:  # appending, so that several writers don't overwrite each other
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(KEPT_OPEN),
        )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.write(str(len(job)).encode() + b" " + job)
        keeper.stdin.flush()
    answer = keeper.stdout.readline()
    facts: dict[str, Any] = (
        json.loads(answer) if answer else {"failed": f"its keeper left with {keeper.wait()}"}
    )
    if "failed" in facts:
        keeper.communicate()
        raise ToolchainError(
            f"can't start {argv[0]}",
            got=facts["failed"],
            fix=f"The log is {log}" if log.stat().st_size else None,
        )
    return Running(keeper, facts["started"], log)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
