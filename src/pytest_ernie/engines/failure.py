"""
Why a server failed, read from its log: the first known cause, else the last line of a traceback.
"""

from __future__ import annotations

import re

CAUSES: tuple[tuple[str, str], ...] = (
    (r"address already in use|Errno 98", "its port is already in use"),
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
)
"""Signs in a log and what they mean; an earlier entry wins."""

PREFIX = re.compile(r"^\(\w+ pid=\d+\)\s*")
STAMP = re.compile(r"^(ERROR|WARNING|INFO|CRITICAL) [\d-]+ [\d:]+ \[[^\]]+\]\s*")
RAISED = re.compile(r"^[\w.]*(Error|Exception|Interrupt|Exit)\b(: .*)?$")
EMPTY = re.compile(r"See root cause above|Engine core initialization failed|cancelled")
LINE_CHARACTERS = 300
SIGNALS = {-9: "it was killed (SIGKILL), most often because the machine ran out of memory"}


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
