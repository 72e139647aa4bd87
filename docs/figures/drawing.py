"""
What the figures of these pages share: colours, a paper, and how far loss curves lie apart.

Maintainers draw them anew with matplotlib installed: ``python docs/figures/cross_chip.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "fixtures"
INK, QUIET, WINDOW = "#1b1f24", "#59636e", "#eef1f5"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e01", "#00785a", "#b3005e"
STYLE = {
    "svg.hashsalt": "pytest-ernie",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.2,
}
SMALLEST = 1e-8
"""The last digit that a log shows: where nothing differs a line lies here."""
OVER = 10
"""Steps of which a point shows the largest difference."""
Losses = dict[int, float]


def draw(paint: Callable[[Figure], None], name: str, *, size_in: tuple[float, float]) -> None:
    """Write NAME.svg beside this file: the same bytes for the same data and matplotlib."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = Figure(figsize=size_in, layout="constrained")
        paint(figure)
        figure.savefig(HERE / f"{name}.svg", facecolor="white", metadata={"Date": None})


def largest(one: Losses, other: Losses) -> tuple[list[int], list[float]]:
    """Return the largest difference of every OVER steps."""
    starts = range(1, 501, OVER)
    found = [max(abs(one[s] - other[s]) for s in range(first, first + OVER)) for first in starts]
    return [first + OVER // 2 for first in starts], [max(value, SMALLEST) for value in found]


def differences(axes: Axes, *, label: str) -> None:
    """Give axes a logarithmic scale of differences, the clause's limit and its window."""
    axes.axvspan(401, 500, color=WINDOW, lw=0)
    axes.axhline(1e-2, color=GREEN, lw=0.9, ls="--")
    axes.text(404, 1.5e-3, "the clause's limit", color=GREEN, fontsize=7)
    axes.set_yscale("log")
    axes.set_ylim(SMALLEST / 2, 10)
    places = [10.0**power for power in range(-8, 1, 2)]
    axes.set_yticks(places, [f"{place:.0e}" for place in places])
    axes.minorticks_off()
    axes.set_xlim(1, 500)
    axes.set_xlabel("step (the window of the clause is shaded)")
    axes.set_ylabel(label)
