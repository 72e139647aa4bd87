"""
A trainer's log, read into per-step numbers: every step that it shows, and everything odd about it.

The reader invents nothing and skips nothing silently: a step it can't read is named in
``problems``, and whoever judges the curve sees that the step is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import msgspec

from pytest_ernie.trainers.step_line import LONGEST_LINE, Step, UnreadableLineError, read_step

__all__ = ["Curve", "Step", "UnreadableLineError", "read_curve", "read_logs", "read_step"]

MOST_PROBLEMS = 20
SAVING = b"Saving model checkpoint to"
"""What a trainer says before it writes a checkpoint."""
STEP_MARKS = (b"global_step", b"loss_md5", b"learning_rate")
"""A step's line holds all of these or the first; so does a part of it that is worth a look."""
MARKS = (*STEP_MARKS, SAVING)
LINE_END = re.compile(rb"[\r\n]")
"""A carriage return too: it ends what a progress bar printed, and a line of its own follows."""
DATA_LOAD = re.compile(rb"\[DataLoad global_step: (\d{1,9})\] data_load_time: ([\d.]{1,20}) ms")
TOGETHER_S = 2.0
"""How far apart the clocks of several hosts may write of the same step."""


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of a run, ascending, each once; all tuples have the same length, or are empty."""

    steps: tuple[int, ...]
    loss: tuple[float | None, ...]
    """Loss as printed; None where it is NaN or infinite, which is named in ``problems``."""
    loss_md5: tuple[str | None, ...]
    """Digest of the loss's 32 bits; None where the trainer doesn't print it."""
    runtime_s: tuple[float | None, ...]
    """Seconds since the last step's line, by the trainer's own count."""
    tokens_per_s: tuple[float | None, ...]
    """The trainer's own figure per card, which counts padding."""
    problems: tuple[str, ...]
    """Whatever makes the curve doubtful, a sentence each; empty for a clean log."""
    notes: tuple[str, ...] = ()
    """What was seen and tolerated."""
    learning_rate: tuple[float | None, ...] = ()
    clock_s: tuple[float | None, ...] = ()
    """When each step's line was written, seconds since some day."""
    data_load_s: tuple[float | None, ...] = ()
    """How long each step waited for its samples, where the trainer says."""
    saved_after: tuple[int, ...] = ()
    """Steps after which a checkpoint was written."""
    memory_peak_gib: float | None = None
    """The most device memory that the runtime says it took on a card."""
    product_bits: int | None = None
    """The fewest bits of a number that a matrix product kept, where the trainer tries it."""

    def by_step(self) -> dict[int, float]:
        """Return step → loss, with NaN where the loss isn't finite."""
        return {
            step: math.nan if loss is None else loss
            for step, loss in zip(self.steps, self.loss, strict=True)
        }

    def rates(self) -> dict[int, float]:
        """Return step → learning rate, as far as the log shows it."""
        pairs = zip(self.steps, self.learning_rate, strict=False)
        return {step: rate for step, rate in pairs if rate is not None}

    @property
    def doubts(self) -> tuple[str, ...]:
        """The problems that make steps or their order doubtful; a loss that is no number isn't one."""
        return tuple(problem for problem in self.problems if NO_NUMBER not in problem)


NO_NUMBER = "is NaN or infinite"


class _Sentences:
    """Keeps the first few and counts the rest: a hostile log has millions of oddities."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def append(self, sentence: str) -> None:
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(sentence)
        else:
            self._more += 1

    def told(self) -> tuple[str, ...]:
        return (*self._kept, f"and {self._more} more") if self._more else tuple(self._kept)


class _Reading:
    """What has been read of a run so far, from one log or several."""

    def __init__(self) -> None:
        self.found: dict[int, Step] = {}
        self.loading: dict[int, float] = {}
        self.saved: dict[int, None] = {}
        self.problems, self.notes = _Sentences(), _Sentences()
        self.last = 0

    def line(self, line: bytes, whole: bool, place: str) -> None:
        """Take one line that holds a mark."""
        if SAVING in line:
            self.saved.setdefault(self.last)
            return
        if waited := DATA_LOAD.search(line):
            self.loading.setdefault(int(waited[1]), _ms(waited[2]) / 1000)
            return
        try:
            step = read_step(line, whole=whole)
        except UnreadableLineError as reason:
            self.problems.append(f"{place}: {reason}")
            return
        if step is None:
            return
        if step.step in self.found:
            self._again(self.found[step.step], step, place)
            return
        if step.step < self.last:
            self.problems.append(f"{place}: step {step.step} comes after step {self.last}")
        if step.loss is None:
            self.problems.append(f"{place}: the loss of step {step.step} {NO_NUMBER}")
        self.found[step.step] = step
        self.last = max(self.last, step.step)

    def _again(self, first: Step, again: Step, place: str) -> None:
        """
        Several workers may tell of one step, each with its own runtime but the same loss, at one
        moment. Anything else is a step that was trained twice.
        """
        if again == first:
            self.notes.append(f"{place}: step {first.step} is repeated as it was")
        elif (again.loss, again.loss_md5) != (first.loss, first.loss_md5):
            self.problems.append(
                f"{place}: step {first.step} is repeated with another loss"
                f" ({_shown(first.loss)} and {_shown(again.loss)})"
            )
        elif (apart_s := _apart_s(first, again)) is not None and apart_s <= TOGETHER_S:
            self.notes.append(f"{place}: another worker tells of step {first.step}, too")
        else:
            self.problems.append(
                f"{place}: step {first.step} is repeated with another runtime"
                f" ({first.runtime_s} s and {again.runtime_s} s)"
            )

    def curve(self) -> Curve:
        """Return the whole, with its gaps named."""
        steps = [self.found[step] for step in sorted(self.found)]
        for gap in _gaps(sorted(self.found)):
            self.problems.append(gap)
        peaks = [step.memory_gib for step in steps if step.memory_gib is not None]
        kept = [step.product_bits for step in steps if step.product_bits is not None]
        return Curve(
            steps=tuple(step.step for step in steps),
            loss=tuple(step.loss for step in steps),
            loss_md5=tuple(step.loss_md5 for step in steps),
            runtime_s=tuple(step.runtime_s for step in steps),
            tokens_per_s=tuple(step.tokens_per_s for step in steps),
            problems=self.problems.told(),
            notes=self.notes.told(),
            learning_rate=tuple(step.learning_rate for step in steps),
            clock_s=tuple(step.clock_s for step in steps),
            data_load_s=tuple(self.loading.get(step.step) for step in steps),
            saved_after=tuple(self.saved),
            memory_peak_gib=max(peaks, default=None),
            product_bits=min(kept, default=None),
        )


def read_curve(text: str | bytes) -> Curve:
    """
    Read the log of ERNIEKit or PaddleFormers, as the console or ``workerlog.0`` has it.

    Colours and progress bars are taken off. Lines of evaluation and the summary at the end aren't
    steps. A step that is told again is noted if several workers may have told it, and a problem if
    not (the first stands). Steps that are missing in between, out of order, torn or not finite are
    problems.
    """
    log = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return read_logs([("log", log)])


def read_logs(logs: Iterable[tuple[str, bytes]]) -> Curve:
    """
    Read the logs of several workers of one run by their names, of which one or all tell of the steps.

    They are taken one after the other, so that no more than one need be in memory. The first one that
    tells of a step counts; a later one that says otherwise is a problem.
    """
    reading = _Reading()
    for place, (name, log) in enumerate(logs):
        told = dict.fromkeys(reading.found)
        reading.last = 0
        for number, line, whole in _marked_lines(log):
            reading.line(line, whole, f"{name}, line {number}" if place else f"line {number}")
        if told and (more := [step for step in reading.found if step not in told]):
            reading.problems.append(f"{name} alone tells of step {more[0]}")
    return reading.curve()


def _marked_lines(log: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """
    Yield (line number, bytes, whether its end is there) of lines that may tell of a step.

    Jumps from mark to mark, so that a log of any shape costs time in proportion to its size; each
    mark is searched for by itself, which is ten times as fast as for all at once.
    """
    position, number, counted = 0, 1, 0
    ahead = {mark: log.find(mark) for mark in MARKS}
    while (start_of_mark := _nearest(log, ahead, position)) is not None:
        found, mark = start_of_mark
        start = 1 + max(log.rfind(b"\n", position, found), log.rfind(b"\r", position, found))
        start = start or position
        ending = LINE_END.search(log, found + len(mark))
        end = ending.start() if ending else len(log)
        number += log.count(b"\n", counted, start)
        counted = start
        yield number, log[start : min(end, start + LONGEST_LINE + 1)], ending is not None
        position = end
    tail = log[1 + log.rfind(b"\n") :][:LONGEST_LINE]
    if b" loss:" in tail and not any(mark in tail for mark in STEP_MARKS):
        yield number + log.count(b"\n", counted), tail, False


def _nearest(log: bytes, ahead: dict[bytes, int], position: int) -> tuple[int, bytes] | None:
    """Return the next mark at or behind ``position``; ``ahead`` remembers how far each was sought."""
    nearest: tuple[int, bytes] | None = None
    for mark in MARKS:
        if 0 <= ahead[mark] < position:
            ahead[mark] = log.find(mark, position)
        if ahead[mark] >= 0 and (nearest is None or ahead[mark] < nearest[0]):
            nearest = (ahead[mark], mark)
    return nearest


def _ms(digits: bytes) -> float:
    try:
        return float(digits)
    except ValueError:
        return 0.0


def _apart_s(first: Step, again: Step) -> float | None:
    if first.clock_s is None or again.clock_s is None:
        return None
    return abs(first.clock_s - again.clock_s)


def _shown(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.8g}"


def _gaps(steps: list[int]) -> list[str]:
    if not steps:
        return ["the log shows no step"]
    gaps = [
        (before + 1, after - 1)
        for before, after in zip([0, *steps], steps, strict=False)
        if after > before + 1
    ]
    return [
        f"step {first} is missing" if first == last else f"steps {first}..{last} are missing"
        for first, last in gaps
    ]
