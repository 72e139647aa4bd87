"""
What a loss curve that went wrong looks like: a hint for whoever looks for the cause, never a verdict.

Two curves tell little of what happened inside, so each name is given only where its signs are clear:

- *data order*: from some step on the two losses go up and down independently of each other, as
  much as before (each batch has a level of its own), or agree again when one is shifted;
- *learning rate*: the logs show different ones; or the losses begin equal and drift apart to one side;
- *numeric noise*: they go up and down together, and the difference has no side;
- *scale*, *start*, *constant*: the losses differ by one factor, from the first step on, or don't move.

Anything else is *unclear*.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from numpy import ndarray
    from numpy.typing import NDArray

Curve = Mapping[int, float]

Kind = Literal[
    "data order",
    "learning rate",
    "updates",
    "numeric noise",
    "scale",
    "start",
    "constant",
    "unclear",
]

LOOKED_AHEAD = 50
"""Steps after the first wrong one, of which a tenth must be wrong, too: a lone outlier is no beginning."""
SHORTEST = 30
"""Steps from the beginning of the trouble; of fewer nothing is said."""
FARTHEST_SHIFT = 20
APART = 0.5
"""Correlation of the changes from step to step below which two curves saw different batches."""
TOGETHER = 0.9
"""The same, above which they saw the same."""
SIDED = 0.8
"""|sum of differences| / sum of |differences| above which they lie on one side."""
SIDELESS = 0.4
SIDES = 20
"""Parts of a run, each of which noise leaves without a side."""
RATE_SHOWN = 0.004
"""Relative difference of logged learning rates that rounding (three or four digits) doesn't explain."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """``from_step`` is where it begins, None where that can't be told."""

    kind: Kind
    from_step: int | None
    text: str


def diagnose(
    candidate: Curve,
    reference: Curve,
    tolerance: float,
    *,
    rates: tuple[Curve, Curve] | None = None,
) -> Diagnosis:
    """
    Say what the candidate's difference from the reference looks like, and from which step on.

    Both curves have the same steps, all losses finite. ``rates`` are the learning rates that the logs
    show, candidate's first.
    """
    import numpy as np  # only judging needs it; every pytest run loads this file

    steps = sorted(candidate.keys() & reference.keys())
    own = np.array([candidate[step] for step in steps], dtype=float)
    other = np.array([reference[step] for step in steps], dtype=float)
    start = _beginning(own - other, tolerance)
    from_step = None if start is None else steps[start]
    if rates is not None and (told := _other_rate(*rates)) is not None:
        kind: Kind = "learning rate"
        from_step, text = from_step or told[0], told[1]
    else:
        kind, text = _kind(own, other, start or 0, tolerance)
    looks = "what it looks like is" if kind == "unclear" else "it looks like"
    return Diagnosis(kind=kind, from_step=from_step, text=f"{looks} {text}")


def _beginning(gaps: NDArray, tolerance: float) -> int | None:  # type: ignore[type-arg]  # of floats
    import numpy as np

    wrong = np.abs(gaps) > tolerance
    for place in np.flatnonzero(wrong):
        ahead = wrong[place : place + LOOKED_AHEAD]
        if ahead.mean() >= 0.1 and ahead.sum() > 1:
            return int(place)
    return None


def _other_rate(own: Curve, other: Curve) -> tuple[int, str] | None:
    """Return the first step whose logged learning rates differ, and the sentence."""
    common = sorted(own.keys() & other.keys())
    for step in common:
        larger = max(abs(own[step]), abs(other[step]))
        if abs(own[step] - other[step]) > RATE_SHOWN * larger:
            return step, (
                f"another learning rate: the candidate's log shows {own[step]:.4g} at step {step}, the "
                f"reference's {other[step]:.4g}"
            )
    return None


def _kind(own: ndarray, other: ndarray, start: int, tolerance: float) -> tuple[Kind, str]:
    import numpy as np

    gaps = own - other
    if np.ptp(own) == 0:
        return (
            "constant",
            f"a loss that doesn't change at all: it is {own[0]:g} at every step",
        )
    if len(own) - start < SHORTEST:
        return "unclear", "unclear: too few steps are wrong"
    if factor := _factor(own, other):
        return (
            "scale",
            f"a loss that is scaled: it is {factor:.4g} times the reference's throughout",
        )
    together = _correlation(own[start:], other[start:])
    if math.isnan(together):
        return (
            "unclear",
            "unclear: the reference's loss hardly varies from step to step",
        )
    if together < APART:
        return _order(own[start:], other[start:])
    if together >= TOGETHER and abs(gaps[0]) > tolerance:
        return "start", (
            f"another start: the loss of the first step, before any update, differs by "
            f"{abs(gaps[0]):.3g}, and the batches are the same (other weights, or another loss)"
        )
    side = abs(gaps[start:].sum()) / max(np.abs(gaps[start:]).sum(), 1e-300)
    if together >= TOGETHER and side >= SIDED and _grows_from_nothing(gaps, tolerance):
        return _updates(gaps[start:])
    if together >= TOGETHER and side <= SIDELESS and _is_noise(gaps, tolerance):
        return "numeric noise", (
            "numeric noise: the batches are the same, and the difference has no side (precision, the "
            "order of sums, a kernel)"
        )
    return "unclear", ("unclear: neither another data order, nor another learning rate, nor noise")


def _factor(own: NDArray, other: NDArray) -> float | None:  # type: ignore[type-arg]  # of floats
    import numpy as np

    factor = float(own @ other / (other @ other)) if other.any() else math.nan
    left, gaps = own - factor * other, own - other
    if abs(factor - 1) < 1e-4 or not np.abs(left).mean() < 0.02 * np.abs(gaps).mean():
        return None
    return factor


def _correlation(own: NDArray, other: NDArray) -> float:  # type: ignore[type-arg]  # of floats
    """Of the changes from step to step, which have no trend."""
    import numpy as np

    changes = np.diff(own), np.diff(other)
    if min(change.std() for change in changes) < 1e-9:
        return math.nan
    return float(np.corrcoef(*changes)[0, 1])


def _order(own: NDArray, other: NDArray) -> tuple[Kind, str]:  # type: ignore[type-arg]  # of floats
    import numpy as np

    shifts = [k for k in range(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1) if k]
    agreement = {k: _correlation(*_shifted(own, other, k)) for k in shifts}
    best = max(shifts, key=lambda k: agreement[k])
    if agreement[best] >= TOGETHER:
        side = "later" if best > 0 else "earlier"
        return "data order", (
            f"a shifted data order: its losses are those of the reference {abs(best)} steps {side}"
        )
    spread = np.diff(own).std() / np.diff(other).std()
    if 0.6 <= spread <= 1 / 0.6:
        return "data order", (
            "another data order or other samples: the losses go up and down independently of the "
            "reference's, and as much"
        )
    return "unclear", (
        f"unclear: the losses go up and down independently of the reference's, {spread:.2g} times as "
        "much (another batch size, other data or another model)"
    )


def _shifted(own: NDArray, other: NDArray, by: int) -> tuple[NDArray, NDArray]:  # type: ignore[type-arg]  # of floats
    return (own[:-by], other[by:]) if by > 0 else (own[-by:], other[:by])


def _grows_from_nothing(gaps: NDArray, tolerance: float) -> bool:  # type: ignore[type-arg]  # of floats
    """
    Tell whether the first steps agree, the next ones do less and less, and the later ones not at all.

    Other updates show from the first one on; what begins later, or goes away again, is something else.
    """
    import numpy as np

    size, steps = np.abs(gaps), len(gaps)
    late = np.median(size[steps // 2 :])
    first, next_ones = size[:3].mean(), size[steps // 25 : steps // 5].mean()
    return bool(first < min(tolerance, late) / 10 and next_ones > late / 100)


def _is_noise(gaps: NDArray, tolerance: float) -> bool:  # type: ignore[type-arg]  # of floats
    """
    Tell whether differences are small, and there before any update or without a side for long.

    Other updates leave the first step equal to the last digit, and push to one side for a while.
    """
    import numpy as np

    usual = np.abs(gaps).mean()
    parts = [part for part in np.array_split(gaps, SIDES) if part.any()]
    sides = np.mean([abs(part.sum()) / np.abs(part).sum() for part in parts]) if parts else 0.0
    return bool(usual < 5 * tolerance and (abs(gaps[0]) > usual / 50 or sides < SIDELESS))


def _updates(gaps: NDArray) -> tuple[Kind, str]:  # type: ignore[type-arg]  # of floats
    direction = "lower" if gaps.sum() < 0 else "higher"
    rate = "higher" if gaps.sum() < 0 else "lower"
    return "updates", (
        f"another learning rate ({rate}), or other updates (optimizer, clipping, weight decay, a part "
        f"that isn't trained): the losses begin equal and drift apart, the candidate's to the "
        f"{direction} side"
    )
