"""
One live line for long work, on a terminal that somebody watches.
"""

from __future__ import annotations

import os
import time
from typing import TextIO

import pytest

from pytest_ernie.progress import Progress, silent

REDRAW_S = 0.2


def progress_for(config: pytest.Config) -> Progress:
    """
    Return live progress for an interactive terminal; silence under -q, in CI logs, in workers.
    """
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or not terminal.isatty or config.get_verbosity() < 0:
        return silent
    if os.environ.get("CI") or hasattr(config, "workerinput"):
        return silent
    return LiveLine(terminal._tw._file)


class LiveLine:
    """Redraws one line in place, at most five times a second."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._stage = ""
        self._started = 0.0
        self._drawn = 0.0

    def __call__(
        self, stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._drawn = stage, now, 0.0
        finished = total is not None and done >= total
        if now - self._drawn < REDRAW_S and not finished:
            return
        self._drawn = now
        text = self._text(stage, done, total, detail, now - self._started)
        self._out.write("\r\x1b[2K" + ("" if finished else text))
        self._out.flush()

    @staticmethod
    def _text(stage: str, done: float, total: float | None, detail: str, spent_s: float) -> str:
        parts = [stage]
        if total:
            parts.append(f"{done:g}/{total:g}")
            if done > 0:
                parts.append(f"{spent_s * (total - done) / done:.0f} s left")
        else:
            parts.append(f"{spent_s:.0f} s")
        if detail:
            parts.append(detail)
        line = "  ".join(parts)
        width = _columns() - 1
        return line[:width]


def _columns() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 100
