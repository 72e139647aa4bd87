"""
A training run's log against its result: times, durations, and the loss against its own digest.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pytest_ernie.trainers.curve import Curve

PRINTED = 5e-9
"""The loss is printed with eight decimals: the true one is at most so far from what is printed."""
MOST_CANDIDATES = 64
"""Single-precision numbers so near to a printed loss; smaller losses have more, and aren't checked."""
STAMP = re.compile(rb"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3}\]")
TAIL = 2**18
"""Bytes at a log's end in which its last time is looked for."""
CLOCK_SLACK_S = 2.0
ZONE_STEP_S = 900
FARTHEST_ZONE_S = 14 * 3600
NOMINAL_TOLERANCE = 0.02
"""Of the tokens of a step, which are the same in every step: the trainer prints rounded seconds."""


def training_findings(
    data: Mapping[str, Any], curve: Curve, log: bytes, span: tuple[float, float]
) -> Iterator[str]:
    """Yield each disagreement; ``span`` is from the spec's to the result's time."""
    started_s, ended_s = data["started_unix_s"], data["ended_unix_s"]
    if not span[0] <= started_s <= ended_s <= span[1]:
        yield "the trainer's start and end don't lie between those of its record"
    stepped_s = sum(second for second in curve.runtime_s if second is not None)
    if not stepped_s <= ended_s - started_s + 1:
        yield f"its steps took {stepped_s:.1f} s by the log, and the run {ended_s - started_s:.1f} s"
    if any(second is not None and not second > 0 for second in curve.runtime_s):
        yield "a step of its log took no time"
    if data["exit_code"] == 0 and not curve.steps:
        yield "it ended well, and its log has no step"
    yield from _clock(log, started_s, ended_s)
    yield from _tokens(curve, data)
    yield from _digests(curve)


def _clock(log: bytes, started_s: float, ended_s: float) -> Iterator[str]:
    """
    The log's lines have the local time: some time zone must put all of them into the run.

    Zones differ by quarters of an hour, and a log spans nearly its whole run: another run's log
    hardly ever fits.
    """
    first, late = STAMP.search(log), list(STAMP.finditer(log, max(0, len(log) - TAIL)))
    if first is None or not late:
        return
    try:
        begins_s, ends_s = _seconds(first), _seconds(late[-1])
    except ValueError:
        yield "its log has a time that no clock shows"
        return
    least, most = ends_s - ended_s - CLOCK_SLACK_S, begins_s - started_s + CLOCK_SLACK_S
    zone = math.ceil(least / ZONE_STEP_S) * ZONE_STEP_S
    if not (zone <= most and abs(zone) <= FARTHEST_ZONE_S):
        yield "the times of its log's lines lie outside the run, in whatever time zone"


def _seconds(stamp: re.Match[bytes]) -> float:
    text = stamp[1].decode()
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def _tokens(curve: Curve, data: Mapping[str, Any]) -> Iterator[str]:
    """Nominal tokens of a step are batch times length: the same in every step."""
    if not 0 < data["sample_tokens_min"] * data["samples"] <= data["tokens"]:
        yield "its counted tokens are fewer than its samples' least"
    steps = [
        speed * second
        for speed, second in zip(curve.tokens_per_s, curve.runtime_s, strict=True)
        if speed is not None and second is not None and second >= 0.01
    ]
    if len(steps) < 2:
        return
    middle = sorted(steps)[len(steps) // 2]
    odd = [
        tokens for tokens in steps if not math.isclose(tokens, middle, rel_tol=NOMINAL_TOLERANCE)
    ]
    if len(odd) > len(steps) // 100:
        yield (
            f"speed times seconds gives {odd[0]:.0f} tokens in one step and {middle:.0f} in others; "
            "every step has the same"
        )


def _digests(curve: Curve) -> Iterator[str]:
    """The trainer prints a loss and the MD5 of its four bytes."""
    wrong = [
        step
        for step, loss, digest in zip(curve.steps, curve.loss, curve.loss_md5, strict=True)
        if loss is not None and digest is not None and not _digest_fits(loss, digest)
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        yield f"the loss of step {wrong[0]}{more} isn't the one whose digest the log has"


def _digest_fits(loss: float, digest: str) -> bool:
    candidate = _single(loss - PRINTED)
    for _ in range(MOST_CANDIDATES):
        if hashlib.md5(struct.pack("<f", candidate), usedforsecurity=False).hexdigest() == digest:
            return True
        candidate = _next(candidate)
        if candidate > loss + 2 * PRINTED and candidate > _single(loss):
            return False
    return True


def _single(value: float) -> float:
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return single


def _next(single: float) -> float:
    """Return the next larger number of single precision."""
    bits = struct.unpack("<i", struct.pack("<f", single))[0]
    above: float = struct.unpack("<f", struct.pack("<i", bits + 1 if bits >= 0 else bits - 1))[0]
    return above
