"""
The noise band: how far several recordings of one reference agree with each other, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def agreement(runs: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """
    Return for each step that all runs have the largest difference between any two of them.

    The runs share recipe, seed and order of data, so what differs is the hardware's own
    nondeterminism. NaN where a loss isn't finite; empty for fewer than two runs, of which nothing can
    be told.
    """
    if len(runs) < 2:
        return {}
    common = set(runs[0]).intersection(*runs[1:])
    return {step: _spread([run[step] for run in runs]) for step in sorted(common)}


def _spread(losses: Sequence[float]) -> float:
    return max(losses) - min(losses) if all(map(math.isfinite, losses)) else math.nan
