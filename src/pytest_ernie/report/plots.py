"""
Pictures of training: pure functions from numbers to inline SVG.

Candidate and reference differ in line style as well as in colour, and no line crosses a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from pytest_ernie.report.svg import Axes, Canvas, Scale, legend, nice_ticks
from pytest_ernie.standard.model import LossRule
from pytest_ernie.verdicts import agreement

Curve = Mapping[int, float]
"""Loss by step, steps counted from 1; steps may be missing, losses may be NaN or infinite."""

LEFT = 58.0
CANDIDATE = ("line", "p-candidate", "candidate")
REFERENCE = ("line", "p-reference", "reference")


def without_holes(curve: Curve) -> list[tuple[float, float]]:
    """Return every step from first to last with its loss, NaN where there is none to draw."""
    if not curve:
        return []
    steps = range(min(curve), max(curve) + 1)
    losses = ((step, curve.get(step, math.nan)) for step in steps)
    return [(step, loss if math.isfinite(loss) else math.nan) for step, loss in losses]


def differences(candidate: Curve, reference: Curve) -> dict[int, float]:
    """Return candidate - reference at each step that both have, NaN where either isn't finite."""
    common = sorted(candidate.keys() & reference.keys())
    pairs = {step: candidate[step] - reference[step] for step in common}
    return {step: gap if math.isfinite(gap) else math.nan for step, gap in pairs.items()}


def loss_curves(
    candidate: Curve,
    reference: Curve | None,
    rule: LossRule,
    *,
    name: str,
    repeats: Sequence[Curve] = (),
) -> str:
    """
    Draw both losses with the judged window shaded; below, their difference in the allowed band with
    the window's outliers marked. Without a reference only the candidate's loss is drawn.

    ``repeats`` are further recordings of the reference: how far they agree with it is a band of its own.
    """
    noise = {} if reference is None or not repeats else agreement((reference, *repeats))
    gaps = None if reference is None else differences(candidate, reference)
    canvas = Canvas(
        180 if gaps is None else 318,
        title=f"Loss of {name}",
        description=_loss_in_words(candidate, gaps, rule) + _noise_in_words(noise, rule),
    )
    last = max([rule.last_step, *candidate, *(reference or ())])
    x = Scale((0, last), (LEFT, canvas.width - 10))
    ticks = nice_ticks(0, last, 5)
    _paint_losses(canvas, x, candidate, reference, rule, ticks if gaps is None else [])
    if gaps is not None:
        _paint_differences(canvas, x, gaps, rule, ticks, noise)
    return canvas.svg()


def _paint_losses(
    canvas: Canvas,
    x: Scale,
    candidate: Curve,
    reference: Curve | None,
    rule: LossRule,
    ticks: Sequence[tuple[float, str]],
) -> None:
    known = [v for v in (*candidate.values(), *(reference or {}).values()) if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.06 * (high - low or 1.0)
    top, height = 24.0, 118.0
    y = Scale((low - room, high + room), (top + height, top))
    axes = Axes(canvas, top, height, x, y)
    axes.band_x(rule.first_step, rule.last_step, "p-window")
    axes.frame("loss", nice_ticks(low, high, 4), ticks, "step" if ticks else "")
    if reference:
        axes.line(without_holes(reference), "p-reference p-wide")
    axes.line(without_holes(candidate), "p-candidate")
    entries = [CANDIDATE, *([REFERENCE] if reference else [])]
    if broken := [step for step, loss in candidate.items() if not math.isfinite(loss)]:
        for step in broken[:200]:
            canvas.mark(x(step), axes.bottom - 5, "cross", "p-outlier")
        entries.append(("cross", "p-outlier", "no finite loss"))
    legend(canvas, 12, entries)


def _paint_differences(
    canvas: Canvas,
    x: Scale,
    gaps: Curve,
    rule: LossRule,
    ticks: Sequence[tuple[float, str]],
    noise: Curve,
) -> None:
    top = 174.0
    y, y_ticks = _difference_scale(gaps.values(), rule.tolerance, (top + 104, top))
    axes = Axes(canvas, top, 104, x, y)
    axes.band_x(rule.first_step, rule.last_step, "p-window")
    _band(axes, rule.tolerance)
    axes.frame("difference", y_ticks, ticks, "step")
    entries = []
    if noise:
        _paint_noise(axes, noise)
        entries.append(("line", "p-reference", "noise of the reference's own runs"))
    axes.line(without_holes(gaps), "p-ink")
    if outliers := _outliers(gaps, rule):
        for step in outliers:
            axes.mark(step, gaps[step], "down", "p-outlier", 3.4)
        label = "1 outlier" if len(outliers) == 1 else f"{len(outliers)} outliers"
        entries.append(("down", "p-outlier", label))
    if entries:
        legend(canvas, top - 6, entries)


def _paint_noise(axes: Axes, noise: Curve) -> None:
    """Draw how far the reference's own runs lie apart at each step, to either side."""
    spread = without_holes(noise)
    axes.line(spread, "p-reference")
    axes.line([(step, -gap) for step, gap in spread], "p-reference")


def _noise_in_words(noise: Curve, rule: LossRule) -> str:
    judged = [gap for step, gap in noise.items() if rule.first_step <= step <= rule.last_step]
    finite = [gap for gap in judged if math.isfinite(gap)]
    return f" The reference's own runs agree within {max(finite):.3g} there." if finite else ""


def _band(axes: Axes, tolerance: float) -> None:
    axes.band_y(-tolerance, tolerance, "p-band")
    for edge in (-tolerance, tolerance):
        axes.level(edge)


def _difference_scale(
    values: Iterable[float], tolerance: float, places: tuple[float, float]
) -> tuple[Scale, list[tuple[float, str]]]:
    """Keep the band readable: linear inside it, logarithmic outside when something lies far out."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest <= 4 * tolerance:
        reach = max(1.5 * tolerance, 1.15 * largest)
        return Scale((-reach, reach), places), _ticks([-tolerance, 0, tolerance])
    decades = range(1 + math.ceil(math.log10(largest / tolerance)))
    tens = [tolerance * 10**power for power in decades]
    reach = 1.5 * largest
    inside = [ten for ten in tens if ten <= reach]
    scale = Scale((-reach, reach), places, "symlog", linear_to=tolerance)
    return scale, _ticks([*(-ten for ten in reversed(inside)), 0.0, *inside])


def _ticks(values: Sequence[float]) -> list[tuple[float, str]]:
    return [(value, f"{value:+g}".replace("-", "−") if value else "0") for value in values]


def _outliers(gaps: Curve, rule: LossRule) -> list[int]:
    return [
        step
        for step, gap in gaps.items()
        if rule.first_step <= step <= rule.last_step and abs(gap) > rule.tolerance
    ]


def _loss_in_words(candidate: Curve, gaps: Curve | None, rule: LossRule) -> str:
    finite = [(step, loss) for step, loss in sorted(candidate.items()) if math.isfinite(loss)]
    if not finite:
        return "The candidate's log holds no finite loss."
    (first, start), (last, end) = finite[0], finite[-1]
    text = (
        f"The candidate's loss goes from {start:.4g} at step {first} to {end:.4g} at step {last}."
    )
    if missing := last - first + 1 - len(finite):
        text += f" {missing} steps between them have no finite loss."
    if gaps is None:
        return f"{text} There is no reference to compare it with."
    judged = {s: abs(g) for s, g in gaps.items() if rule.first_step <= s <= rule.last_step}
    judged = {step: gap for step, gap in judged.items() if math.isfinite(gap)}
    window = f"steps {rule.first_step} to {rule.last_step}"
    if not judged:
        return f"{text} {window} can't be compared."
    worst = max(judged, key=lambda step: judged[step])
    return (
        f"{text} In {window} the largest difference from the reference is {judged[worst]:.3g}, "
        f"at step {worst}; {len(_outliers(gaps, rule))} steps differ by more than "
        f"{rule.tolerance:g}."
    )


_LOOKS = (
    ("dot", "p-candidate"),
    ("square", "p-reference"),
    ("up", "p-limit-mark"),
    ("diamond", "p-outlier"),
)


def context_differences(by_length: Mapping[int, Curve], tolerance: float, *, name: str) -> str:
    """
    Draw candidate - reference by step for each context length in tokens, in the allowed band.
    """
    canvas = Canvas(
        186,
        title=f"Training at the context lengths, {name}",
        description=_lengths_in_words(by_length, tolerance),
    )
    steps = [step for gaps in by_length.values() for step in gaps] or [1]
    values = [gap for gaps in by_length.values() for gap in gaps.values()]
    x = Scale((min(steps) - 0.5, max(steps) + 0.5), (LEFT, canvas.width - 10))
    y, y_ticks = _difference_scale(values, tolerance, (142, 24))
    axes = Axes(canvas, 24, 118, x, y)
    _band(axes, tolerance)
    axes.frame("difference", y_ticks, nice_ticks(min(steps), max(steps), 6), "step")
    entries = []
    for (length, gaps), (shape, kind) in zip(sorted(by_length.items()), _LOOKS, strict=False):
        axes.line(without_holes(gaps), kind)
        for step, gap in gaps.items():
            axes.mark(step, gap, shape, kind, 2.2)
        entries.append((shape, kind, f"{length} tokens"))
    legend(canvas, 12, entries)
    return canvas.svg()


def _lengths_in_words(by_length: Mapping[int, Curve], tolerance: float) -> str:
    parts = []
    for length, gaps in sorted(by_length.items()):
        finite = [abs(gap) for gap in gaps.values() if math.isfinite(gap)]
        parts.append(
            f"{length} tokens: largest difference {max(finite):.3g}"
            if finite
            else f"{length} tokens: nothing to compare"
        )
    return f"{'; '.join(parts)}. {tolerance:g} is allowed."
