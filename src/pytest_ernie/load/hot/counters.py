"""
What the hot loop knows of itself: what it has done, what it used, and how well it kept up.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from msgspec import Struct


class Mark(NamedTuple):
    """A moment, and what the process had used until then; nanoseconds."""

    now_ns: int
    cpu_ns: int
    waited_ns: int | None

    @classmethod
    def here(cls) -> Mark:
        """Return this moment's."""
        return cls(time.monotonic_ns(), time.process_time_ns(), run_delay_ns())


class Counters(Struct, kw_only=True):
    """What the loop knows while it runs, and how well it keeps up."""

    sent: int = 0
    done: int = 0
    failed: int = 0
    reads: int = 0
    """Of answers that have ended."""
    reads_so_far: int = 0
    """Of all, as of the last housekeeping."""
    reconnects: int = 0
    turns: int = 0
    lag_ns: int = 0
    """Sum over the turns with reads: from the last read's arrival in the kernel to its handling."""
    lag_turns: int = 0
    lag_max_ns: int = 0
    cpu_ns: int = 0
    waited_ns: int | None = 0
    """Ready to run, and not running: the kernel's word. None if it doesn't say."""
    filled: Mark | None = None
    """When the load was there: every slot filled, or an open loop's beginning."""
    last_sent: Mark | None = None
    """When the last request left; what came after is the drain."""
    ended_ns: int = 0


def waited_between_ns(start: Mark, end: Mark) -> int | None:
    """Return how long the process waited for a processor in between, None if nobody counted."""
    if start.waited_ns is None or end.waited_ns is None:
        return None
    return end.waited_ns - start.waited_ns


def run_delay_ns() -> int | None:
    """Return how long this thread has waited for a processor since it began; None if nobody counts."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
