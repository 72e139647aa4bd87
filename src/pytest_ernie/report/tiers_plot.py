"""
A picture of how far each model is on the way to each tier.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pytest_ernie.report.svg import Canvas

LEFT = 176.0
_KINDS = ("pass", "fail", "open", "rest")
_SHAPES = ("", "cross", "diamond", "")


class TierBar(Struct, frozen=True, kw_only=True):
    """Criteria of a model at a tier: PASS, FAIL, INCONCLUSIVE, and whatever else."""

    model: str
    tier: int
    counts: tuple[int, int, int, int]


def tier_bars(bars: Sequence[TierBar]) -> str:
    """
    Draw a bar for each model and tier, of as many parts as it has criteria.

    Parts that fail carry a cross and open ones a diamond, so that nothing rests on colour alone.
    """
    canvas = Canvas(
        8 + 20 * len(bars) + 12 * len({bar.model for bar in bars}),
        title="Criteria that pass, by model and tier",
        description="; ".join(
            f"{bar.model} tier {'I' * bar.tier}: {bar.counts[0]} of {sum(bar.counts)} pass"
            for bar in bars
        )
        + ".",
    )
    most = max((sum(bar.counts) for bar in bars), default=1)
    part = (canvas.width - LEFT - 62) / max(1, most)
    y, before = 6.0, ""
    for bar in bars:
        if bar.model != before:
            y += 12 if before else 0
            canvas.text(4, y + 12, bar.model, "p-text")
            before = bar.model
        canvas.text(LEFT - 8, y + 12, "I" * bar.tier, "p-text", "end")
        x = LEFT
        for count, kind, shape in zip(bar.counts, _KINDS, _SHAPES, strict=True):
            for _ in range(count):
                canvas.rect(x + 0.5, y + 2, part - 1, 13, f"p-part-{kind}")
                if shape:
                    canvas.mark(x + part / 2, y + 8.5, shape, "p-part-mark", 2.4)
                x += part
        canvas.text(x + 6, y + 12, f"{bar.counts[0]}/{sum(bar.counts)}", "p-tick")
        y += 20
    return canvas.svg()
