"""
Why a trainer failed, in one line, from its exit code and the end of its log.
"""

from __future__ import annotations

import re
import signal

DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded", re.I)
OUT_OF_MEMORY = re.compile(
    r"out of memory|ResourceExhaustedError|std::bad_alloc|\bMemoryError\b|Can(?:no|')t allocate memory"
    r"|unable to allocate",
    re.I,
)
DEVICE_MEMORY = re.compile(
    r"out of memory|ResourceExhaustedError|Cannot allocate .{1,40} memory on", re.I
)
"""Of what is said of a lack of memory, what concerns the accelerator's."""
TRACEBACK = "Traceback (most recent call last):"
EXCEPTION = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|$)")
WORKER_KILLED = re.compile(r"exit code -(\d{1,2})\b", re.I)
"""What the launcher says of a worker that a signal ended."""
ANSI = re.compile(r"\x1b\[[0-9;?]{0,40}[A-Za-z]")
LONGEST = 300
MEMORY_RAN_OUT = "out of memory: "
"""How a cause begins that a lack of memory is."""


def cause_of(exit_code: int, log_tail: str) -> str | None:
    """
    Return the cause in one line, or None if the exit code is 0.

    A full disk or memory is named before anything else, because the traceback that they lead to
    rarely says so; then the last exception, then the signal, and last the log's last line.
    """
    if exit_code == 0:
        return None
    lines = [ANSI.sub("", line).rstrip() for line in log_tail.splitlines()]
    for kind, words in (("the disk is full: ", DISK_FULL), (MEMORY_RAN_OUT, OUT_OF_MEMORY)):
        if found := [line for line in lines if words.search(line)]:
            return f"{kind}{_shortened(found[-1])}"
    if exception := _last_exception(lines):
        return _shortened(exception)
    killed = [int(number) for line in lines for number in WORKER_KILLED.findall(line)]
    if number := -exit_code if exit_code < 0 else (killed or [0])[-1]:
        return _by_signal(number)
    shown = next((line for line in reversed(lines) if line.strip()), "no output")
    return f"exit code {exit_code}: {_shortened(shown)}"


def _last_exception(lines: list[str]) -> str | None:
    """Return the line that names the exception of the last traceback."""
    starts = [i for i, line in enumerate(lines) if line.strip() == TRACEBACK]
    if not starts:
        return None
    indent = len(lines[starts[-1]]) - len(lines[starts[-1]].lstrip())
    for line in lines[starts[-1] + 1 :]:
        text = line[indent:]
        if text[:1].strip() and EXCEPTION.match(text):
            return text
    return None


def _by_signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"killed by signal {number}"
    hint = "; the system does that when memory runs out" if number == signal.SIGKILL else ""
    return f"killed by signal {number} ({name}){hint}"


def _shortened(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def device_memory_ran_out(cause: str | None) -> bool:
    """Tell whether a cause says that the accelerator's memory was too small, and not the host's."""
    return bool(cause and DEVICE_MEMORY.search(cause.removeprefix(MEMORY_RAN_OUT)))
