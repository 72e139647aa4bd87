"""
The most memory that a run's processes held on this host; on a CPU that is the device's memory.
"""

from __future__ import annotations

import contextlib
import time

import psutil

from pytest_ernie.trainers.step_line import Step

LOOKED_EVERY_S = 0.5


class HostMemory:
    """
    Watches a run: adds up what the processes hold that this process has started since.

    What ran before - a server that is still up, a helper of Python's own - isn't the run's. Looking costs
    milliseconds, so it is left out where seconds count (``samples`` False).
    """

    def __init__(self, *, samples: bool) -> None:
        self._samples = samples
        self._others = set(psutil.Process().children())
        self._next_s = 0.0
        self.peak_gib: float | None = None

    def __call__(self, step: Step) -> None:
        now_s = time.monotonic()
        if not self._samples or now_s < self._next_s:
            return
        self._next_s = now_s + LOOKED_EVERY_S
        held = 0
        for child in set(psutil.Process().children()) - self._others:
            with contextlib.suppress(psutil.Error):
                held += child.memory_info().rss
                held += sum(own.memory_info().rss for own in child.children(recursive=True))
        if held:
            self.peak_gib = max(self.peak_gib or 0.0, held / 2**30)
