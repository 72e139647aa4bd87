"""
Why a server failed, read from its log: the first known cause, else the last line of a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

CAUSES: tuple[tuple[str, str], ...] = (
    (
        r"address already in use|Errno 98|parameter `\w+`:\d+ is already in use",
        "its port is already in use",
    ),
    (
        r"out of memory|OutOfMemoryError|MemoryError|Cannot allocate memory|bad_alloc"
        r"|larger than the available KV cache memory|No available memory for the cache blocks"
        r"|is less than requested memory for kv",
        "it ran out of memory",
    ),
    (
        r"max_model_len .{0,80}greater than the derived max_model_len",
        "the window is longer than the checkpoint allows",
    ),
    (
        r"Unknown quantization method|invalid choice: .{0,60}\(choose from.{0,200}awq"
        r"|Failed to find class .{0,60} in any of the allowed modules"
        r"|Cannot find the config file for|quantization method .{0,60} is not supported",
        "it doesn't know the quantization",
    ),
    (
        r"No .{0,40}backend supports the deployment configuration|Failed to find a kernel that can",
        "it has no kernel for this quantization on this device",
    ),
    (
        r"Model architectures .{0,80}not supported|does not recognize this architecture",
        "it doesn't know the model's architecture",
    ),
    (r"No space left on device|Disk quota exceeded", "the disk or the shared memory is full"),
    (
        r"gaierror|Name or service not known|Temporary failure in name resolution",
        "this machine's name isn't resolvable",
    ),
    (r"No module named '[\w.]+'|cannot open shared object file", "a package or library is missing"),
    (
        r"unrecognized arguments?:|expected (one|at least one) argument",
        "it refuses its command line",
    ),
    (
        r"Invalid repository ID or local directory|No such file or directory: '.*config\.json'"
        r"|Repo id must be|Cannot find any model weights",
        "the checkpoint isn't there or isn't complete",
    ),
    (
        r"\bexit code -9\b",
        "a worker was killed (SIGKILL), most often because the machine ran out of memory",
    ),
    (r"\bexit code -(11|7)\b", "a worker crashed"),
)
"""Signs in a log and what they mean; an earlier entry wins."""

MENDS: tuple[tuple[str, str], ...] = (
    (r"libgomp\.so", "Install libgomp (Debian and Ubuntu: apt-get install libgomp1)"),
    (
        r"gaierror|Name or service not known|Temporary failure in name resolution",
        "Add this machine's name to /etc/hosts, after 127.0.0.1",
    ),
    (
        r"No space left on device",
        "Make room: df -h, /dev/shm included",
    ),
)
"""Signs of a cause that has one well-known mend."""

PREFIX = re.compile(r"^\(\w+ pid=\d+\)\s*")
STAMP = re.compile(r"^(ERROR|WARNING|INFO|CRITICAL) [\d-]+ [\d:]+ \[[^\]]+\]\s*")
RAISED = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b(: .*)?$")
EMPTY = re.compile(r"See root cause above|Engine core initialization failed|cancelled")
LINE_CHARACTERS = 300
SIGNALS = {-9: "it was killed (SIGKILL), most often because the machine ran out of memory"}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Why a server failed, as far as its logs tell."""

    words: str
    """One clause."""
    log: Path | None = None
    """The log that shows it, None if none does."""
    mend: str | None = None


def cause_in(logs: Mapping[Path, str], exit_code: int | None) -> Found:
    """
    Say why the server failed, from all of its logs (the main one first) and its exit code.

    The first known cause in any log; else the last exception of the worker whose log fell silent
    first, since the others mostly fail because of it; else what the main log says.
    """
    order = sorted(logs, key=lambda path: (path == next(iter(logs)), _silent_since(path)))
    for sign, meaning in CAUSES:
        for path in order:
            if match := re.search(sign, logs[path], re.IGNORECASE):
                line = _line_of(logs[path], match.start())
                return Found(words=f"{meaning} ({line})", log=path, mend=_mend(line))
    for path in order:
        if raised := last_raised(logs[path]):
            return Found(words=raised, log=path, mend=_mend(raised))
    main = next(iter(logs), None)
    return Found(words=cause(logs[main] if main else "", exit_code), log=main)


def _mend(line: str) -> str | None:
    return next((mend for sign, mend in MENDS if re.search(sign, line)), None)


def _silent_since(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return float("inf")


def last_raised(log: str) -> str | None:
    """
    Return the last line of the log that names an exception, without the logger's prefixes.

    One that only points at another (``Engine core initialization failed. See root cause above``)
    counts only if there is no other.
    """
    raised = [line for line in map(_bare, log.splitlines()) if RAISED.match(line)]
    telling = [line for line in raised if not EMPTY.search(line)]
    found = telling or raised
    return found[-1] if found else None


def cause(log: str, exit_code: int | None) -> str:
    """
    Say in one clause why the server failed, from its log and its exit code (None: it still runs).
    """
    for sign, meaning in CAUSES:
        if match := re.search(sign, log, re.IGNORECASE):
            return f"{meaning} ({_line_of(log, match.start())})"
    if raised := last_raised(log):
        return raised
    if exit_code in SIGNALS:
        return SIGNALS[exit_code]
    if exit_code is None:
        return "its log names no cause"
    last = next((line for line in reversed(log.splitlines()) if line.strip()), None)
    return f"it left with exit code {exit_code}" + (f" after {_bare(last)!r}" if last else "")


def port_taken(log: str) -> bool:
    """Return whether the log says that the port was taken by somebody else."""
    return re.search(CAUSES[0][0], log, re.IGNORECASE) is not None


def _line_of(log: str, position: int) -> str:
    start = log.rfind("\n", 0, position) + 1
    line = log[start : (log + "\n").index("\n", position)]
    return _bare(line)[:LINE_CHARACTERS]


def _bare(line: str) -> str:
    return STAMP.sub("", PREFIX.sub("", line.strip())).strip().removesuffix(".")
