"""
Whether the attempts at one run agree where they overlap: what was cut short must not hide anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pytest_ernie.verdicts.verdict import ROUNDING


def attempts_agree(
    whole: Mapping[int, float],
    earlier: Sequence[Mapping[int, float]],
    *,
    tolerance: float,
    max_outliers: int,
) -> str | None:
    """
    Say how an earlier attempt contradicts the run that was completed, or None.

    Recipe, data and device are the same, so the steps that both have must have the same losses, but for
    the hardware's own noise: the clause's tolerance, with as many outliers as it allows. Otherwise a run
    that went badly could be killed and begun anew until one goes well.
    """
    for place, attempt in enumerate(earlier, 1):
        bad = [step for step in sorted(attempt) if not math.isfinite(attempt[step])]
        if bad:
            return f"in attempt {place}, which was cut short, the loss is {attempt[bad[0]]} at step {bad[0]}"
        far = [
            step
            for step in sorted(attempt.keys() & whole.keys())
            if not abs(attempt[step] - whole[step]) <= tolerance + ROUNDING
        ]
        if len(far) > max_outliers:
            first = far[0]
            return (
                f"attempt {place}, which was cut short, had other losses at {len(far)} of the steps that "
                f"were trained again: {attempt[first]:.8g} at step {first}, where the completed one has "
                f"{whole[first]:.8g}"
            )
    return None
