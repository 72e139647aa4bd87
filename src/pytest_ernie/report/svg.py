"""
Small charts as inline SVG: coloured by classes of the page's style sheet, so that light, dark and print
share one picture; texts in both languages; the same bytes for the same data.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

from pytest_ernie.report.text import line
from pytest_ernie.report.words import chinese

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

WIDTH = 460.0
"""Units of a picture; the page scales it to its place."""


class Canvas:
    """
    What is drawn, from the top left; ``key`` makes ids unique within a page.
    """

    def __init__(
        self, height: float, *, title: str, description: str, width: float = WIDTH
    ) -> None:
        self.width, self.height = width, height
        self._title, self._description = line(title), line(description)
        self._parts: list[str] = []

    def add(self, markup: str) -> None:
        """Add an element that is harmless already."""
        self._parts.append(markup)

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Fill a rectangle; ``kind`` is a class of the style sheet, as for all elements."""
        self.add(
            f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(0.0, width))}" '
            f'height="{_n(max(0.0, height))}"/>'
        )

    def path(self, points: Sequence[Point], kind: str) -> None:
        """Draw a line through the points; a point that is no number interrupts it."""
        if text := _path(points):
            self.add(f'<path class="p-line {kind}" d="{text}"/>')

    def mark(self, x: float, y: float, shape: str, kind: str, size: float = 3.0) -> None:
        """Draw a marker: dot, ring, cross, down, square, diamond, up."""
        if not (math.isfinite(x) and math.isfinite(y)):
            return
        if shape in ("dot", "ring"):
            self.add(f'<circle class="p-{shape} {kind}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}"/>')
            return
        around = _SHAPES[shape]
        text = " ".join(
            f"{'M' if first else 'L'}{_n(x + dx * size)} {_n(y + dy * size)}"
            for first, dx, dy in around
        )
        self.add(f'<path class="p-{"cross" if shape == "cross" else "dot"} {kind}" d="{text}"/>')

    def text(
        self, x: float, y: float, text: str, kind: str = "p-text", anchor: Anchor = "start"
    ) -> None:
        """Write a text, in Chinese as well where that is known."""
        place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"'
        shown = line(text, 120)
        other = chinese(shown)
        if other is None:
            self.add(f'<text class="{kind}" {place}>{escape(shown)}</text>')
            return
        self.add(f'<text class="{kind} t-en" {place}>{escape(shown)}</text>')
        self.add(f'<text class="{kind} t-zh" lang="zh" {place}>{escape(other)}</text>')

    def svg(self) -> str:
        """
        Return the element, with its title and description for those who can't see it.

        They are there in both languages; the page's script says which is read out.
        """
        body = "".join(self._parts)
        key = "p" + hashlib.sha256((self._title + body).encode()).hexdigest()[:10]
        title = chinese(self._title) or self._title
        description = chinese(self._description) or self._description
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'role="img" aria-labelledby="{key}-title {key}-desc" data-zh="{key}-title-zh {key}-desc-zh">'
            f'<title id="{key}-title">{escape(self._title)}</title>'
            f'<desc id="{key}-desc">{escape(self._description)}</desc>'
            f'<desc id="{key}-title-zh" lang="zh">{escape(title)}</desc>'
            f'<desc id="{key}-desc-zh" lang="zh">{escape(description)}</desc>{body}</svg>'
        )


_SHAPES: dict[str, tuple[tuple[bool, float, float], ...]] = {
    "cross": ((True, -1, -1), (False, 1, 1), (True, -1, 1), (False, 1, -1)),
    "down": ((True, -1, -1), (False, 1, -1), (False, 0, 1), (False, -1, -1)),
    "up": ((True, -1, 1), (False, 1, 1), (False, 0, -1), (False, -1, 1)),
    "square": ((True, -1, -1), (False, 1, -1), (False, 1, 1), (False, -1, 1), (False, -1, -1)),
    "diamond": ((True, 0, -1.3), (False, 1.3, 0), (False, 0, 1.3), (False, -1.3, 0)),
}
"""Whether a stroke starts there, and where, of markers that aren't round."""


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(points: Iterable[Point]) -> str:
    parts: list[str] = []
    pen_is_down = False
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            pen_is_down = False
            continue
        parts.append(f"{'L' if pen_is_down else 'M'}{_n(x)} {_n(y)}")
        pen_is_down = True
    return "".join(parts)


class Scale:
    """
    From values to places: ``linear``, ``log`` (base 2), or ``symlog``: linear up to ``linear_to``.
    """

    def __init__(
        self,
        values: tuple[float, float],
        places: tuple[float, float],
        kind: Literal["linear", "log", "symlog"] = "linear",
        linear_to: float = 1.0,
    ) -> None:
        self._kind, self._linear_to = kind, linear_to
        self.values, self._places = values, places
        low, high = (self._bent(value) for value in values)
        self._low, self._span = low, (high - low) or 1.0

    def __call__(self, value: float) -> float:
        """Return the place of a value, NaN for one that has none."""
        if not math.isfinite(value) or (self._kind == "log" and value <= 0):
            return math.nan
        share = (self._bent(value) - self._low) / self._span
        start, end = self._places
        return start + min(1.2, max(-0.2, share)) * (end - start)

    def _bent(self, value: float) -> float:
        if self._kind == "log":
            return math.log2(value)
        if self._kind == "symlog":
            size = abs(value) / self._linear_to
            return math.copysign(size if size <= 1 else 1 + math.log10(size), value)
        return value


class Axes:
    """A rectangle of a canvas with a scale each way."""

    def __init__(
        self, canvas: Canvas, top: float, height: float, x: Scale, y: Scale, left: float = 58.0
    ) -> None:
        self.canvas, self.x, self.y = canvas, x, y
        self.left, self.top, self.height = left, top, height
        self.right, self.bottom = canvas.width - RIGHT, top + height

    def line(self, points: Iterable[Point], kind: str) -> None:
        """Draw a line; a point that stands alone between two gaps is a dot, as no line shows it."""
        placed = [(self.x(x), self.y(y)) for x, y in points]
        self.canvas.path(placed, kind)
        known = [math.isfinite(x) and math.isfinite(y) for x, y in placed]
        for place, (x, y) in enumerate(placed):
            beside = known[max(0, place - 1) : place] + known[place + 1 : place + 2]
            if known[place] and not any(beside):
                self.canvas.mark(x, y, "dot", kind, 1.5)

    def mark(self, x: float, y: float, shape: str, kind: str, size: float = 3.0) -> None:
        """Draw a marker at a value."""
        self.canvas.mark(self.x(x), self.y(y), shape, kind, size)

    def band_y(self, low: float, high: float, kind: str) -> None:
        """Fill between two values of y."""
        top, bottom = self.y(high), self.y(low)
        self.canvas.rect(self.left, top, self.right - self.left, bottom - top, kind)

    def band_x(self, low: float, high: float, kind: str) -> None:
        """Fill between two values of x."""
        self.canvas.rect(self.x(low), self.top, self.x(high) - self.x(low), self.height, kind)

    def level(self, y: float, kind: str = "p-limit", label: str = "") -> None:
        """Draw a horizontal line at a value, with its label at the right end."""
        place = self.y(y)
        self.canvas.path([(self.left, place), (self.right, place)], kind)
        if label:
            self.canvas.text(self.right - 2, place - 3, label, "p-note p-limit-text", "end")

    def frame(
        self,
        label: str,
        y_ticks: Sequence[tuple[float, str]],
        x_ticks: Sequence[tuple[float, str]] = (),
        x_label: str = "",
    ) -> None:
        """Draw axes, ticks with faint lines behind them, and what they mean."""
        canvas = self.canvas
        for value, text in y_ticks:
            place = self.y(value)
            canvas.path([(self.left, place), (self.right, place)], "p-grid")
            canvas.text(self.left - 5, place + 3, text, "p-tick", "end")
        canvas.path(
            [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)], "p-axis"
        )
        for value, text in x_ticks:
            place = self.x(value)
            canvas.path([(place, self.bottom), (place, self.bottom + 3)], "p-axis")
            canvas.text(place, self.bottom + 13, text, "p-tick", "middle")
        if label:
            canvas.text(2, self.top - 5, label, "p-label")
        if x_label:
            canvas.text(self.right, self.bottom + 26, x_label, "p-label", "end")


RIGHT = 8.0
"""What is left free beside the axes."""


def legend(canvas: Canvas, y: float, entries: Sequence[tuple[str, str, str]]) -> None:
    """Write a line of (shape or "line", class, text) from the right end, longest text last."""
    x = canvas.width - RIGHT
    for shape, kind, text in reversed(entries):
        x -= 5.6 * len(text) + 2
        canvas.text(x, y, text, "p-note")
        if shape == "line":
            canvas.path([(x - 22, y - 3), (x - 4, y - 3)], kind)
        else:
            canvas.mark(x - 10, y - 3, shape, kind, 3)
        x -= 34


def nice_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Return round values from low to high with their texts."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [(low, f"{low:g}")] if math.isfinite(low) else []
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(n * step, _figure(n * step)) for n in range(first, last + 1)]


def _figure(value: float) -> str:
    return f"{value:,.10g}".replace("-", "−")


def powers_of_two(low: int, high: int) -> list[tuple[float, str]]:
    """Return powers of two from below low to above high: a search tests too many loads to name all."""
    exponents = range(max(0, low.bit_length() - 1), high.bit_length() + 1)
    return [(2**n, str(2**n)) for n in exponents]
