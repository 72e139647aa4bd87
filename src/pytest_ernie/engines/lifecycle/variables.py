"""
What every engine's server finds in its environment.
"""

from __future__ import annotations

import os

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""Variables of ours that a server gets: enough to run, few enough to record."""


def passed_on() -> dict[str, str]:
    """Return our own variables that a server gets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def cpu_threads(cores: int | None = None) -> int:
    """
    Return how many threads an engine on a CPU computes with: half of the cores, at most eight.

    Threads that spin for a core that something else holds are worse than none: on a busy machine
    of two cores, two threads were 15 times slower than one.
    """
    return max(1, min((cores or len(os.sched_getaffinity(0))) // 2, 8))
