"""
Pictures of what a model answers: scores beside the reference's, needles in long prompts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from pytest_ernie.report.svg import Axes, Canvas, Scale, nice_ticks
from pytest_ernie.report.text import line

LEFT = 176.0


class ScorePoint(Struct, frozen=True, kw_only=True):
    """
    A data set's scores on the 0..100 scale; ``low`` and ``high`` bound the difference's interval.

    ``lost`` and ``won`` are the questions that only one side answered right, None where unknown.
    """

    dataset: str
    score: float
    reference: float
    low: float = math.nan
    high: float = math.nan
    lost: int | None = None
    won: int | None = None

    @property
    def flips(self) -> str:
        """How many answers went which way, in words; empty where that isn't known."""
        if self.lost is None:
            return ""
        return f"{self.lost} lost" + ("" if self.won is None else f", {self.won} won")


def accuracy_points(scores: Sequence[ScorePoint], points_max: float, *, name: str) -> str:
    """
    Draw each data set's score as its distance from the reference's, with interval, limit and flips.
    """
    canvas = Canvas(
        52 + 36 * len(scores),
        title=f"Accuracy of {name}",
        description="; ".join(map(_in_words, scores))
        + f". A difference of {points_max:g} is allowed.",
    )
    reach = max([1.5 * points_max, *(1.1 * _farthest(score) for score in scores)])
    x = Scale((-reach, reach), (LEFT, canvas.width - 10))
    height = 36.0 * len(scores)
    axes = Axes(canvas, 10, height, x, Scale((len(scores), 0), (10 + height, 10)), LEFT)
    axes.band_x(-points_max, points_max, "p-band")
    for edge, kind in ((-points_max, "p-limit"), (points_max, "p-limit"), (0, "p-reference")):
        canvas.path([(x(edge), 10), (x(edge), axes.bottom)], kind)
    ticks = nice_ticks(-reach, reach, 6)
    axes.frame("", (), ticks, "points above (+) or below (−) the reference")
    for place, score in enumerate(scores):
        _paint_score(axes, place + 0.5, score, points_max)
    return canvas.svg()


def _in_words(score: ScorePoint) -> str:
    text = f"{score.dataset}: {score.score:.2f} points, the reference has {score.reference:.2f}"
    return f"{text}; {score.flips}" if score.flips else text


def _paint_score(axes: Axes, place: float, score: ScorePoint, points_max: float) -> None:
    canvas, y = axes.canvas, axes.y(place)
    canvas.text(LEFT - 8, y - 3, line(score.dataset, 24), "p-text", "end")
    figures = f"{score.score:.2f}, reference {score.reference:.2f}"
    canvas.text(LEFT - 8, y + 10, figures, "p-tick", "end")
    distance = score.score - score.reference
    if math.isfinite(score.low) and math.isfinite(score.high):
        axes.line([(score.low, place), (score.high, place)], "p-interval")
        for end in (score.low, score.high):
            canvas.path([(axes.x(end), y - 4), (axes.x(end), y + 4)], "p-interval")
    holds = abs(distance) <= points_max + 1e-9
    axes.mark(
        distance, place, "dot" if holds else "cross", "p-candidate" if holds else "p-outlier", 4
    )
    if score.flips:
        canvas.text(canvas.width - 10, y + 14, score.flips, "p-tick", "end")


def _farthest(score: ScorePoint) -> float:
    places = (score.score - score.reference, score.low, score.high)
    return max((abs(place) for place in places if math.isfinite(place)), default=0.0)


class Needles(Struct, frozen=True, kw_only=True):
    """What was found in one long prompt: by depth, 0 to 1; empty if it wasn't answered."""

    label: str
    found: tuple[tuple[float, bool], ...] = ()
    remark: str = ""


def needle_map(rows: Sequence[Needles], *, name: str) -> str:
    """
    Draw a cell for each needle: by depth in the prompt, a line for each length and side.

    Found is a dot on a light ground, lost a cross on a dark one: nothing rests on colour alone.
    """
    depths = sorted({depth for row in rows for depth, _ in row.found})
    canvas = Canvas(
        44 + 26 * len(rows),
        title=f"Needles in long prompts, {name}",
        description=". ".join(map(_row_in_words, rows)) + ".",
    )
    width = (canvas.width - LEFT - 10) / max(1, len(depths))
    for place, row in enumerate(rows):
        top = 8 + 26.0 * place
        canvas.text(LEFT - 8, top + 15, row.label, "p-text", "end")
        if not row.found:
            canvas.text(LEFT + 4, top + 15, row.remark or "not answered", "p-note")
        for depth, found in row.found:
            left = LEFT + width * depths.index(depth)
            canvas.rect(left + 1, top, width - 2, 22, "p-found" if found else "p-lost")
            middle = (left + width / 2, top + 11)
            canvas.mark(
                *middle, "dot" if found else "cross", "p-found-mark" if found else "p-lost-mark"
            )
    bottom = 8 + 26.0 * len(rows)
    for place, depth in enumerate(depths):
        canvas.text(LEFT + width * (place + 0.5), bottom + 12, f"{depth:.0%}", "p-tick", "middle")
    canvas.text(canvas.width - 10, bottom + 28, "depth in the prompt", "p-label", "end")
    return canvas.svg()


def _row_in_words(row: Needles) -> str:
    if not row.found:
        return f"{row.label}: {row.remark or 'not answered'}"
    lost = [f"{depth:.0%}" for depth, found in row.found if not found]
    text = f"{row.label}: {len(row.found) - len(lost)} of {len(row.found)} needles found"
    return f"{text}, lost at {', '.join(lost)}" if lost else text
