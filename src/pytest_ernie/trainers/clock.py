"""
The seconds of each step, by the clock of the log's own lines where they have one.
"""

from __future__ import annotations

import statistics
from itertools import pairwise

from msgspec import Struct

from pytest_ernie.trainers.curve import Curve

CONTRADICTION = 1.05
"""The trainer's own count of a run's seconds may exceed the clock's by so much (rounding)."""


class StepTimes(Struct, frozen=True, kw_only=True):
    """
    ``step_s`` is empty where the log doesn't tell; ``problem`` says why it can't be believed, or "".
    """

    step_s: tuple[float, ...]
    problem: str = ""


def step_times(curve: Curve) -> StepTimes:
    """
    Return how long each step took, from one line to the next, whatever happened between them.

    The first step has no line before it: it took what the trainer says, or else the median of the others.
    Where lines bear no time, or the clock was set back, the trainer's own count stands in.
    """
    counted = [runtime for runtime in curve.runtime_s if runtime is not None]
    own = tuple(counted) if counted and len(counted) == len(curve.steps) else ()
    stamps = [stamp for stamp in curve.clock_s if stamp is not None]
    if len(stamps) < 2 or len(stamps) != len(curve.steps):
        return StepTimes(step_s=own)
    between = [after - before for before, after in pairwise(stamps)]
    if min(between) < 0:
        return StepTimes(step_s=own)
    by_clock = (own[0] if own else statistics.median(between), *between)
    if own and sum(own) > CONTRADICTION * sum(by_clock) + 1.0:
        return StepTimes(
            step_s=by_clock,
            problem=f"by its lines' clock the steps took {sum(by_clock):.1f} s, by the trainer's own "
            f"count {sum(own):.1f} s",
        )
    return StepTimes(step_s=by_clock)
