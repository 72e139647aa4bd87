"""
One line of a trainer's log: what it says about a step, or why it can't be trusted.
"""

from __future__ import annotations

import calendar
import math
import re

import msgspec

LONGEST_LINE = 16 * 1024
"""Bytes; a step's line has about 500. Longer ones are named and left unread."""
ANSI = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]")
BAR = re.compile(r"\d{1,3}%\|[^|\r]{0,300}\|[^\[\r]{0,80}\[[^\]\r]{0,120}\]")
"""A progress bar that another writer put on the same line."""
NUMBER = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.I
)
MD5 = re.compile(r"[0-9a-f]{32}")
CLOCK = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?")
"""The time at the head of a line, as loggers write it."""

STEP = "global_step"
LOSS = "loss"
DIGEST = "loss_md5"
RATE = "learning_rate"
RUNTIME = ("interval_runtime", "global_runtime")
"""Seconds since the last step's line: text models and VL models."""
SPEED = ("interval_tokens_per_second_per_device", "tokens_per_sec_per_card")
"""Nominal tokens per second and card (padding counted): text models and VL models."""
STAMP = "timestamp"
"""Milliseconds since 1970, in lines of VL models."""
MEMORY = (
    "max_memory_reserved",
    "max_memory_allocated",
    "max_mem_reserved_gb",
    "max_mem_allocated_gb",
)
"""The runtime's own peak since the start, GiB: what was taken from the device, and what was in use."""
PRODUCT_BITS = "matrix_product_bits"
"""How many bits of a number a matrix product kept, as our own trainer tries it at each step."""
EARLY = 1e11
"""Milliseconds; an older stamp (1973) is no time of day."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one line says about one step; None where it says nothing (or the loss isn't finite)."""

    step: int
    loss: float | None
    loss_md5: str | None
    runtime_s: float | None
    tokens_per_s: float | None
    learning_rate: float | None = None
    clock_s: float | None = None
    """When the line was written; only differences mean something, the time zone isn't known."""
    memory_gib: float | None = None
    product_bits: int | None = None


class UnreadableLineError(Exception):
    """A line that tells of a step but can't be trusted; the reason is its text."""


def read_step(line: bytes, *, whole: bool = True) -> Step | None:
    """
    Return what a line says about a step, None if it is about something else.

    ``whole`` False: the line's end is missing, so its last number may be cut. Raises an exception
    whose text is the reason if the line is part of a step's and can't be trusted.
    """
    if len(line) > LONGEST_LINE:
        raise UnreadableLineError(f"longer than {LONGEST_LINE} bytes and left unread")
    text = line.decode("utf-8", "replace")
    values, order = _values(text)
    if STEP not in values:
        if LOSS in values and (DIGEST in values or RATE in values or not whole):
            raise UnreadableLineError("torn: it has a loss and no global_step")
        return None
    if LOSS not in values:
        # Evaluation prints the step it belongs to, and a loss under a name of its own.
        if any(name.startswith(("eval_", "test_", "train_")) for name in values):
            return None
        raise UnreadableLineError(f"torn: global_step {values[STEP]} has no loss")
    if not whole and order[-1] in (STEP, LOSS, DIGEST, *RUNTIME, *SPEED):
        raise UnreadableLineError(f"the log ends inside the line of global_step {values[STEP]}")
    if not values[STEP].isascii() or not values[STEP].isdigit() or int(values[STEP]) < 1:
        raise UnreadableLineError(f"global_step is {values[STEP]!r}, no step")
    digest = values.get(DIGEST)
    if digest is not None and not MD5.fullmatch(digest):
        raise UnreadableLineError(f"torn: loss_md5 of step {values[STEP]} is {digest!r}")
    loss = _number(values, LOSS)
    assert loss is not None
    return Step(
        step=int(values[STEP]),
        loss=loss if math.isfinite(loss) else None,
        loss_md5=digest,
        runtime_s=_number(values, _first(values, RUNTIME)),
        tokens_per_s=_number(values, _first(values, SPEED)),
        learning_rate=_lenient(values, RATE),
        clock_s=_clock_s(values, text),
        memory_gib=_lenient(values, _first(values, MEMORY)),
        product_bits=_bits(values),
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


def _first(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in values), names[0])


def _number(values: dict[str, str], name: str) -> float | None:
    text = values.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        raise UnreadableLineError(f"torn: {name} of step {values[STEP]} is {text!r}")
    return float(text)


def _bits(values: dict[str, str]) -> int | None:
    bits = _number(values, PRODUCT_BITS)
    return None if bits is None or not math.isfinite(bits) else int(bits)


def _lenient(values: dict[str, str], name: str) -> float | None:
    """Return what no verdict rests on: None where it isn't a finite number."""
    text = values.get(name, "")
    if not NUMBER.fullmatch(text):
        return None
    return number if math.isfinite(number := float(text)) else None


def _clock_s(values: dict[str, str], text: str) -> float | None:
    stamp_ms = _lenient(values, STAMP)
    if stamp_ms is not None and stamp_ms > EARLY:
        return stamp_ms / 1000
    found = CLOCK.search(text[:200])
    if found is None:
        return None
    *date, fraction = found.groups(default="0")
    whole = calendar.timegm((*map(int, date), 0, 0, 0))
    return whole + float(f"0.{fraction}")
