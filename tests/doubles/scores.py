"""
Scores of a thousand questions, by what should come of them.
"""

from __future__ import annotations

import numpy as np


def scored(right: int, of: int = 1000, unasked: int = 0) -> dict[str, float | None]:
    """The first ``right`` questions are right, the last ``unasked`` have no score."""
    scores: dict[str, float | None] = {f"q{i:04d}": float(i < right) for i in range(of)}
    return scores | {f"q{i:04d}": None for i in range(of - unasked, of)}


def flipped(flips: int, of: int = 1000, seed: int = 1) -> dict[str, float | None]:
    """The scores of ``scored(500)`` with as many lost as won, at random."""
    rng = np.random.default_rng(seed)
    scores = scored(500, of)
    for id in [*rng.choice(500, flips, replace=False), *(500 + rng.choice(of - 500, flips, False))]:
        scores[f"q{id:04d}"] = 1.0 - float(scores[f"q{id:04d}"] or 0.0)
    return scores
