"""
A trainer's log, read into per-step numbers: every step that it shows, and everything odd about it.

The reader invents nothing and skips nothing silently: a step it can't read is named in
``problems``, and whoever judges the curve sees that the step is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec

LONGEST_LINE = 16 * 1024
"""Bytes; a step's line has about 500. Longer ones are named and left unread."""
MOST_PROBLEMS = 20
MARKS = re.compile(rb"global_step|loss_md5|learning_rate")
"""A step's line holds all of these or the first; so does a part of it that is worth a look."""
LINE_END = re.compile(rb"[\r\n]")
"""A carriage return too: it ends what a progress bar printed, and a line of its own follows."""
ANSI = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
BAR = re.compile(r"\d{1,3}%\|[^|\r]{0,300}\|[^\[\r]{0,80}\[[^\]\r]{0,120}\]")
"""A progress bar that another writer put on the same line."""
NUMBER = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.I
)
MD5 = re.compile(r"[0-9a-f]{32}")

STEP = "global_step"
LOSS = "loss"
DIGEST = "loss_md5"
RUNTIME = "interval_runtime"
SPEED = ("interval_tokens_per_second_per_device", "tokens_per_sec_per_card")
"""Nominal tokens per second and card (padding counted): text models and VL models."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one line says about one step; None where it says nothing (or the loss isn't finite)."""

    step: int
    loss: float | None
    loss_md5: str | None
    runtime_s: float | None
    tokens_per_s: float | None


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of a run, ascending, each once; all tuples have the same length."""

    steps: tuple[int, ...]
    loss: tuple[float | None, ...]
    """Loss as printed; None where it is NaN or infinite, which is named in ``problems``."""
    loss_md5: tuple[str | None, ...]
    """Digest of the loss's 32 bits; None where the trainer doesn't print it."""
    runtime_s: tuple[float | None, ...]
    """Seconds the step took; None in logs of VL models."""
    tokens_per_s: tuple[float | None, ...]
    """The trainer's own figure per card, which counts padding."""
    problems: tuple[str, ...]
    """Whatever makes the curve doubtful, a sentence each; empty for a clean log."""
    notes: tuple[str, ...] = ()
    """What was seen and tolerated."""

    def by_step(self) -> dict[int, float]:
        """Return step → loss, with NaN where the loss isn't finite."""
        return {
            step: math.nan if loss is None else loss
            for step, loss in zip(self.steps, self.loss, strict=True)
        }


class UnreadableLineError(Exception):
    """A line that tells of a step but can't be trusted; the reason is its text."""


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


def read_curve(text: str | bytes) -> Curve:
    """
    Read the log of ERNIEKit or PaddleFormers, as the console or ``workerlog.0`` has it.

    Colours and progress bars are taken off. Lines of evaluation and the summary at the end aren't
    steps. A repeated step is noted if it says the same, and a problem if it doesn't (the first
    stands). Steps that are missing in between, out of order, torn or not finite are problems.
    """
    log = text.encode("utf-8", "replace") if isinstance(text, str) else text
    found: dict[int, Step] = {}
    problems, notes = _Sentences(), _Sentences()
    last = 0
    for number, line, whole in _marked_lines(log):
        try:
            step = read_step(line, whole=whole)
        except UnreadableLineError as reason:
            problems.append(f"line {number}: {reason}")
            continue
        if step is None:
            continue
        if step.step in found:
            _compare(found[step.step], step, number, problems, notes)
            continue
        if step.step < last:
            problems.append(f"line {number}: step {step.step} comes after step {last}")
        if step.loss is None:
            problems.append(f"line {number}: the loss of step {step.step} is NaN or infinite")
        found[step.step] = step
        last = max(last, step.step)
    for gap in _gaps(sorted(found)):
        problems.append(gap)
    return _curve(found, problems, notes)


def _marked_lines(log: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """
    Yield (line number, bytes, whether its end is there) of lines that may tell of a step.

    Jumps from mark to mark, so that a log of any shape costs time in proportion to its size.
    """
    position, number, counted = 0, 1, 0
    while mark := MARKS.search(log, position):
        start = 1 + max(
            log.rfind(b"\n", position, mark.start()), log.rfind(b"\r", position, mark.start())
        )
        start = start or position
        ending = LINE_END.search(log, mark.end())
        end = ending.start() if ending else len(log)
        number += log.count(b"\n", counted, start)
        counted = start
        yield number, log[start : min(end, start + LONGEST_LINE + 1)], ending is not None
        position = end
    tail = log[1 + log.rfind(b"\n") :][:LONGEST_LINE]
    if b" loss:" in tail and not MARKS.search(tail):
        yield number + log.count(b"\n", counted), tail, False


def read_step(line: bytes, *, whole: bool = True) -> Step | None:
    """
    Return what a line says about a step, None if it is about something else.

    ``whole`` False: the line's end is missing, so its last number may be cut. Raises an exception
    whose text is the reason if the line is part of a step's and can't be trusted.
    """
    if len(line) > LONGEST_LINE:
        raise UnreadableLineError(f"longer than {LONGEST_LINE} bytes and left unread")
    values, order = _values(line.decode("utf-8", "replace"))
    if STEP not in values:
        if LOSS in values and (DIGEST in values or "learning_rate" in values or not whole):
            raise UnreadableLineError("torn: it has a loss and no global_step")
        return None
    if LOSS not in values:
        # Evaluation prints the step it belongs to, and a loss under a name of its own.
        if any(name.startswith(("eval_", "test_", "train_")) for name in values):
            return None
        raise UnreadableLineError(f"torn: global_step {values[STEP]} has no loss")
    if not whole and order[-1] in (STEP, LOSS, DIGEST, RUNTIME, *SPEED):
        raise UnreadableLineError(f"the log ends inside the line of global_step {values[STEP]}")
    if not values[STEP].isascii() or not values[STEP].isdigit() or int(values[STEP]) < 1:
        raise UnreadableLineError(f"global_step is {values[STEP]!r}, no step")
    digest = values.get(DIGEST)
    if digest is not None and not MD5.fullmatch(digest):
        raise UnreadableLineError(f"torn: loss_md5 of step {values[STEP]} is {digest!r}")
    loss = _number(values, LOSS)
    assert loss is not None
    speed = next((name for name in SPEED if name in values), SPEED[0])
    return Step(
        step=int(values[STEP]),
        loss=loss if math.isfinite(loss) else None,
        loss_md5=digest,
        runtime_s=_number(values, RUNTIME),
        tokens_per_s=_number(values, speed),
    )


def _values(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the ``name: value`` pairs of a line, and their names in order."""
    if "\x1b" in text:
        text = ANSI.sub("", text)
    if "%|" in text:
        text = BAR.sub(" ", text)
    values: dict[str, str] = {}
    order: list[str] = []
    for piece in text.split(","):
        left, colon, right = piece.rpartition(":")
        # The first piece carries the line's head: time, level, a dash.
        name = (left.split() or [""])[-1].strip("'\"{}[]")
        if not colon or not name:
            continue
        if name in values and name in (STEP, LOSS, DIGEST):
            raise UnreadableLineError(f"two lines ran into each other: {name} appears twice")
        values[name] = (right.split() or [""])[0].strip("'\"{}[]")
        order.append(name)
    return values, order


def _number(values: dict[str, str], name: str) -> float | None:
    text = values.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        raise UnreadableLineError(f"torn: {name} of step {values[STEP]} is {text!r}")
    return float(text)


def _compare(
    first: Step, again: Step, number: int, problems: _Sentences, notes: _Sentences
) -> None:
    if again == first:
        notes.append(f"line {number}: step {first.step} is repeated as it was")
    elif (again.loss, again.loss_md5) == (first.loss, first.loss_md5):
        problems.append(
            f"line {number}: step {first.step} is repeated with another runtime"
            f" ({first.runtime_s} s and {again.runtime_s} s)"
        )
    else:
        problems.append(
            f"line {number}: step {first.step} is repeated with another loss"
            f" ({_shown(first.loss)} and {_shown(again.loss)})"
        )


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


def _curve(found: dict[int, Step], problems: _Sentences, notes: _Sentences) -> Curve:
    steps = [found[step] for step in sorted(found)]
    return Curve(
        steps=tuple(step.step for step in steps),
        loss=tuple(step.loss for step in steps),
        loss_md5=tuple(step.loss_md5 for step in steps),
        runtime_s=tuple(step.runtime_s for step in steps),
        tokens_per_s=tuple(step.tokens_per_s for step in steps),
        problems=problems.told(),
        notes=notes.told(),
    )
