"""
Pictures of training and accuracy: pure functions from numbers to inline SVG.

Candidate and reference differ in line style as well as in colour, and no line crosses a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_ernie.report.svg import (
    BAND,
    CANDIDATE,
    GRID,
    INK,
    LIMIT,
    OUTLIER,
    PAPER,
    QUIET,
    REFERENCE,
    WINDOW,
    draw,
)
from pytest_ernie.report.text import line
from pytest_ernie.standard.model import LossRule
from pytest_ernie.verdicts import agreement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Mapping[int, float]
"""Loss by step, steps counted from 1; steps may be missing, losses may be NaN or infinite."""

WIDTH_IN = 4.6


def without_holes(curve: Curve) -> tuple[list[int], list[float]]:
    """Return every step from first to last with its loss, NaN where there is none to draw."""
    if not curve:
        return [], []
    steps = list(range(min(curve), max(curve) + 1))
    losses = (curve.get(step, math.nan) for step in steps)
    return steps, [loss if math.isfinite(loss) else math.nan for loss in losses]


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

    def paint(figure: Figure) -> None:
        if gaps is None:
            top = figure.subplots()
            assert not isinstance(top, tuple)
            below = None
        else:
            top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _paint_losses(top, candidate, reference, rule)
        if below is not None and gaps is not None:
            _paint_noise(below, noise)
            _paint_differences(below, gaps, rule)
        (below or top).set_xlabel("step")
        (below or top).set_xlim(0, max([rule.last_step, *candidate, *(reference or ())]) + 1)

    return draw(
        paint,
        size_in=(WIDTH_IN, 2.3 if gaps is None else 3.5),
        title=f"Loss of {name}",
        description=_loss_in_words(candidate, gaps, rule) + _noise_in_words(noise, rule),
    )


def _paint_losses(axes: Axes, candidate: Curve, reference: Curve | None, rule: LossRule) -> None:
    axes.axvspan(rule.first_step, rule.last_step, color=WINDOW, linewidth=0, zorder=0)
    if reference:
        _line(axes, reference, "reference", color=REFERENCE, linewidth=2.6, linestyle=(0, (4, 1)))
    _line(axes, candidate, "candidate", color=CANDIDATE, linewidth=1.0)
    if broken := [step for step, loss in candidate.items() if not math.isfinite(loss)]:
        axes.plot(
            broken,
            [0.04] * len(broken),
            transform=axes.get_xaxis_transform(),
            linestyle="none",
            marker="x",
            markersize=5,
            color=OUTLIER,
            label="no finite loss",
        )
    axes.set_ylabel("loss")
    axes.legend(loc="upper right")


def _line(axes: Axes, curve: Curve, label: str, **looks: object) -> None:
    """Draw a curve; a step that stands alone between two gaps is a dot, as no line can show it."""
    steps, losses = without_holes(curve)
    axes.plot(steps, losses, label=label, **looks)  # type: ignore[arg-type]  # styles differ in type
    padded = [math.nan, *losses, math.nan]
    alone = [
        place
        for place, loss in enumerate(losses)
        if not math.isnan(loss) and math.isnan(padded[place]) and math.isnan(padded[place + 2])
    ]
    if alone:
        axes.plot(
            [steps[place] for place in alone],
            [losses[place] for place in alone],
            linestyle="none",
            marker=".",
            markersize=3,
            color=str(looks["color"]),
        )


def _paint_differences(axes: Axes, gaps: Curve, rule: LossRule) -> None:
    axes.axvspan(rule.first_step, rule.last_step, color=WINDOW, linewidth=0, zorder=0)
    _band(axes, rule.tolerance)
    _line(axes, gaps, "_difference", color=INK, linewidth=0.8)
    outliers = _outliers(gaps, rule)
    if outliers:
        axes.plot(
            outliers,
            [gaps[step] for step in outliers],
            linestyle="none",
            marker="v",
            markersize=4.5,
            color=OUTLIER,
            label="1 outlier" if len(outliers) == 1 else f"{len(outliers)} outliers",
        )
        axes.legend(loc="lower left")
    _scale(axes, gaps.values(), rule.tolerance)
    axes.set_ylabel("difference")


def _paint_noise(axes: Axes, noise: Curve) -> None:
    """Shade how far the reference's own runs lie apart at each step."""
    if noise:
        steps, spread = without_holes(noise)
        axes.fill_between(
            steps,
            [-gap for gap in spread],
            spread,
            color=REFERENCE,
            alpha=0.35,
            linewidth=0,
            zorder=0.8,
            label="the reference's own noise",
        )
        axes.legend(loc="lower left")


def _noise_in_words(noise: Curve, rule: LossRule) -> str:
    judged = [gap for step, gap in noise.items() if rule.first_step <= step <= rule.last_step]
    finite = [gap for gap in judged if math.isfinite(gap)]
    return f" The reference's own runs agree within {max(finite):.3g} there." if finite else ""


def _band(axes: Axes, tolerance: float) -> None:
    axes.axhspan(-tolerance, tolerance, color=BAND, linewidth=0, zorder=0.5)
    for edge in (-tolerance, tolerance):
        axes.axhline(edge, color=LIMIT, linewidth=0.8, linestyle=(0, (5, 2)))


def _scale(axes: Axes, values: Iterable[float], tolerance: float) -> None:
    """Keep the band readable: linear inside it, logarithmic outside when something lies far out."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest <= 4 * tolerance:
        reach = max(1.5 * tolerance, 1.15 * largest)
        axes.set_ylim(-reach, reach)
        axes.set_yticks([-tolerance, 0, tolerance], labels=_ticks([-tolerance, 0, tolerance]))
        return
    axes.set_yscale("symlog", linthresh=tolerance, linscale=1.0)
    tens = [
        tolerance * 10**power for power in range(1 + math.ceil(math.log10(largest / tolerance)))
    ]
    places = [*(-ten for ten in reversed(tens)), 0.0, *tens]
    axes.set_yticks(places, labels=_ticks(places))
    axes.set_yticks([], minor=True)
    axes.set_ylim(-1.5 * largest, 1.5 * largest)


def _ticks(values: Sequence[float]) -> list[str]:
    return [f"{value:+g}".replace("-", "−") if value else "0" for value in values]


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


_LOOKS = (("o", (0, ())), ("s", (0, (4, 1.5))), ("^", (0, (1, 1))), ("D", (0, (5, 1, 1, 1))))
_SERIES = (CANDIDATE, REFERENCE, LIMIT, OUTLIER)


def context_differences(by_length: Mapping[int, Curve], tolerance: float, *, name: str) -> str:
    """
    Draw candidate - reference by step for each context length in tokens, in the allowed band.
    """

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        _band(axes, tolerance)
        for (length, gaps), (marker, dashes), colour in zip(
            sorted(by_length.items()), _LOOKS, _SERIES, strict=False
        ):
            steps, values = without_holes(gaps)
            axes.plot(
                steps, values, color=colour, marker=marker, markersize=3, linestyle=dashes,
                label=f"{length} tokens",
            )  # fmt: skip
        _scale(axes, [gap for gaps in by_length.values() for gap in gaps.values()], tolerance)
        axes.set_xlabel("step")
        axes.set_ylabel("difference")
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=3)

    return draw(
        paint,
        size_in=(WIDTH_IN, 2.3),
        title=f"Training at the context lengths, {name}",
        description=_lengths_in_words(by_length, tolerance),
    )


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


class ScorePoint(Struct, frozen=True, kw_only=True):
    """
    A data set's scores on the 0..100 scale; ``low`` and ``high`` bound the difference's interval.
    """

    dataset: str
    score: float
    reference: float
    low: float = math.nan
    high: float = math.nan


def accuracy_points(scores: Sequence[ScorePoint], points_max: float, *, name: str) -> str:
    """
    Draw each data set's score as its distance from the reference's, with interval and limit.
    """

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvspan(-points_max, points_max, color=BAND, linewidth=0, zorder=0)
        for edge in (-points_max, points_max):
            axes.axvline(edge, color=LIMIT, linewidth=0.8, linestyle=(0, (5, 2)))
        axes.axvline(0, color=REFERENCE, linewidth=1.6, linestyle=(0, (4, 1)))
        for place, score in enumerate(reversed(scores)):
            _paint_score(axes, place, score, points_max)
        axes.set_yticks(
            range(len(scores)),
            labels=[
                f"{line(score.dataset, 24)}\n{score.score:.2f}, reference {score.reference:.2f}"
                for score in reversed(scores)
            ],
        )
        reach = max([1.5 * points_max, *(1.1 * _farthest(score) for score in scores)])
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-0.5, len(scores) - 0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=GRID, linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel("points above (+) or below (−) the reference")

    return draw(
        paint,
        size_in=(WIDTH_IN, 0.8 + 0.36 * len(scores)),
        title=f"Accuracy of {name}",
        description="; ".join(
            f"{score.dataset}: {score.score:.2f} points, the reference has {score.reference:.2f}"
            for score in scores
        )
        + f". A difference of {points_max:g} is allowed.",
    )


def _paint_score(axes: Axes, place: int, score: ScorePoint, points_max: float) -> None:
    distance = score.score - score.reference
    if math.isfinite(score.low) and math.isfinite(score.high):
        axes.plot([score.low, score.high], [place, place], color=QUIET, linewidth=1.4)
    holds = abs(distance) <= points_max
    axes.plot(
        [distance], [place], linestyle="none", marker="o" if holds else "X",
        markersize=5 if holds else 6.5, color=CANDIDATE if holds else OUTLIER,
        markeredgecolor=PAPER, markeredgewidth=0.5,
    )  # fmt: skip


def _farthest(score: ScorePoint) -> float:
    places = (score.score - score.reference, score.low, score.high)
    return max(abs(place) for place in places if math.isfinite(place))
