"""
What runs now: two live lines on a terminal that somebody watches, a plain line a minute in a log.

Measuring only leaves its state here, and a thread of its own draws it: a terminal that is slow, stopped or
gone never holds a measurement up and never ends one. Pytest captures what a test writes to file descriptor
1, so this writes to a copy of it that was made before.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from pytest_ernie.clauses import criterion_of
from pytest_ernie.progress import Progress, silent
from pytest_ernie.report.text import line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

REDRAW_S = 0.5
TOLD_EVERY_S = 60.0
"""How often a log gets a line; also how long the first one waits, so that short work stays silent."""


class Work(NamedTuple):
    """The last that a stage told, and when it began; seconds are of the monotonic clock."""

    stage: str
    began_s: float
    done: float
    total: float | None
    detail: str

    def left_s(self, now_s: float) -> float | None:
        """Return how long the stage goes on at its speed so far, None where nothing tells that."""
        if not self.total or not 0 < self.done <= self.total:
            return None
        return (now_s - self.began_s) * (self.total - self.done) / self.done

    def words(self, now_s: float) -> list[str]:
        """Return how far it is, how long it will take, and its last numbers."""
        parts = []
        if self.total:
            parts.append(f"{self.done:g}/{self.total:g}")
        left_s = self.left_s(now_s)
        parts.append(
            f"{clock(now_s - self.began_s)}" if left_s is None else f"{clock(left_s)} left"
        )
        return [*parts, line(self.detail, 200)] if self.detail else parts


def clock(seconds: float) -> str:
    """Return a duration as ``h:mm:ss``, without hours where there are none."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Watched:
    """
    The progress of the criterion that runs now; silent between tests, whoever still calls it.

    ``device`` says what the lines call the device.
    """

    def __init__(
        self, terminal: pytest.TerminalReporter, device: Callable[[], str], *, lively: bool
    ) -> None:
        self._terminal = terminal
        self._device = device
        self._lively = lively
        self._out = _Copy(terminal._tw._file)
        self._criterion: str | None = None
        self._of = ""
        self.heading = ""
        """What is judged, which of how many, and on which device."""
        self._work: Work | None = None
        self._shown: _Live | _Told | None = None
        self._lock = threading.Lock()

    def __call__(
        self, stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        now_s, last = time.monotonic(), self._work
        began_s = last.began_s if last is not None and last.stage == stage else now_s
        self._work = Work(stage, began_s, done, total, detail)
        if self._shown is None:
            self._show()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Show what a criterion's test tells, and have the terminal clean again when it ends."""
        criterion = criterion_of(item)
        if criterion is None:
            return (yield)
        chosen = [other for other in item.session.items if criterion_of(other) is not None]
        with self._lock:
            self._criterion, self._work = criterion.name, None
            self._of = f"{chosen.index(item) + 1} of {len(chosen)}"
        try:
            return (yield)
        finally:
            with self._lock:
                self._criterion = None
                if self._shown is not None:
                    self._shown.close()
                    self._shown = None

    def pytest_unconfigure(self) -> None:
        """Give the copy of the terminal back."""
        self._out.close()

    @property
    def work(self) -> Work:
        """What was told last; there is something once anything is shown."""
        assert self._work is not None
        return self._work

    def _show(self) -> None:
        with self._lock:
            if self._criterion is not None and self._shown is None:
                self.heading = f"{self._criterion}  {self._of}, {line(self._device(), 80)}"
                kind = _Live if self._lively else _Told
                self._shown = kind(self, self._terminal, self._out)


class _Live:
    """
    Two lines below pytest's own, redrawn in place and gone without a trace.
    """

    def __init__(self, watched: Watched, terminal: pytest.TerminalReporter, out: _Copy) -> None:
        from rich.console import Console
        from rich.live import Live

        class Screen(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """Leave it: a run that is killed would leave a terminal without one."""
                return False

        self._watched, self._out = watched, out
        self._column = terminal._tw.width_of_current_line
        self._below = False
        self._console = Screen(file=cast("IO[str]", out), force_terminal=True, width=out.columns)
        self._live = Live(
            console=self._console,
            get_renderable=self._lines,
            refresh_per_second=1 / REDRAW_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _lines(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        if self._column and not self._below:
            self._out.write("\n")
        self._below = True
        self._console.width = self._out.columns
        work, now_s = self._watched.work, time.monotonic()
        lines = Table.grid(padding=0)
        lines.add_row(_one_line(self._watched.heading, style="bold"))
        below = Table.grid(padding=(0, 1))
        cells: list[RenderableType] = [_one_line(line(work.stage, 80))]
        if work.total:
            cells.append(ProgressBar(total=work.total, completed=work.done, width=20))
        cells.append(_one_line("  ".join(work.words(now_s))))
        below.add_row(*cells)
        lines.add_row(below)
        return lines

    def close(self) -> None:
        """Erase the lines, and go back to where pytest stopped writing."""
        # A fault in drawing must not cost a measurement.
        with suppress(Exception):
            self._live.stop()
        if self._below and self._column:
            self._out.write(f"\x1b[1A\r\x1b[{self._column % self._out.columns}C")


def _one_line(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


class _Told:
    """
    A line each minute, for logs: which criterion, how far, how long, the last numbers.
    """

    def __init__(self, watched: Watched, terminal: pytest.TerminalReporter, out: _Copy) -> None:
        self._watched, self._terminal, self._out = watched, terminal, out
        self._told = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def _tell(self) -> None:
        while not self._ended.wait(TOLD_EVERY_S):
            work, watched = self._watched.work, self._watched
            words = ", ".join([line(work.stage, 80), *work.words(time.monotonic())])
            start = "" if self._told or not self._terminal._tw.width_of_current_line else "\n"
            now = datetime.now().astimezone()
            self._out.write(f"{start}[{now:%H:%M:%S}] {watched.heading}: {words}\n")
            self._told = True

    def close(self) -> None:
        """End; pytest begins its next line anew if anything was written below the last."""
        self._ended.set()
        self._thread.join(timeout=1)
        if self._told:
            self._terminal.currentfspath = None


class _Copy:
    """
    A copy of the terminal's own file descriptor; whatever goes wrong with that is nobody's concern.
    """

    def __init__(self, file: IO[str]) -> None:
        self.encoding = getattr(file, "encoding", None) or "ascii"
        try:
            self._fd = os.dup(file.fileno())
        except (OSError, ValueError):  # no descriptor, or a stream that is no file
            self._fd = -1

    @property
    def columns(self) -> int:
        """How wide the terminal is now."""
        try:
            return os.get_terminal_size(self._fd).columns or 100
        except OSError:
            return 100

    def write(self, text: str) -> int:
        """Write all of it, or as much as the terminal takes."""
        rest = text.encode(self.encoding, "replace")
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            pass
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """Tell whether somebody may be watching."""
        return os.isatty(self._fd)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def progress_for(config: pytest.Config, device: Callable[[], str]) -> Progress:
    """
    Return the progress of this run, which is silent under -q, in workers, and without a terminal plugin.

    Call it while nothing is captured: before the first test. Lines are redrawn only where nobody else writes
    between them (a test's own output, under -s) and the terminal moves its cursor when it is told to.
    """
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or config.get_verbosity() < 0 or hasattr(config, "workerinput"):
        return silent
    if getattr(config.option, "numprocesses", None):  # the tests run in workers
        return silent
    steers = os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    captured = config.getoption("capture") != "no" and not config.getoption("log_cli_level")
    lively = terminal.isatty and steers and captured and not os.environ.get("CI")
    return Watched(terminal, device, lively=lively)
