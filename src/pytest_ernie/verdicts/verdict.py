"""
What can be said of a criterion, and nothing about how it was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Literal

from msgspec import Struct


class Word(str, Enum):
    """
    The words of R15. Only PASS and UNSPECIFIED certify.
    """

    PASS = "PASS"
    FAIL = "FAIL"
    RECORDED = "RECORDED"
    """A reference is being made; nothing was compared."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Evidence is missing or invalid."""
    NOT_RUN = "NOT RUN"
    UNSPECIFIED = "UNSPECIFIED"
    """The standard itself leaves it open."""

    @property
    def certifies(self) -> bool:
        """True for the words with which a certificate may be given."""
        return self in (Word.PASS, Word.UNSPECIFIED)


MOST_LISTED = 100
"""Rows of a listing; a window of the standard has so many steps."""


class Listing(Struct, frozen=True, kw_only=True):
    """
    A small table that a verdict rests on, such as every outlier with both values.

    ``omitted`` counts the rows beyond ``MOST_LISTED``, which aren't kept.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[float | int | str, ...], ...]
    omitted: int = 0


def listing(
    title: str, columns: tuple[str, ...], rows: Sequence[tuple[float | int | str, ...]]
) -> Listing | None:
    """Return the rows as a bounded listing, None if there are none."""
    if not rows:
        return None
    return Listing(
        title=title,
        columns=columns,
        rows=tuple(rows[:MOST_LISTED]),
        omitted=max(0, len(rows) - MOST_LISTED),
    )


class Flip(Struct, frozen=True, kw_only=True):
    """
    A question that came out otherwise than on the reference: what an engineer looks at first.

    The texts are parts of answers, around where they begin to differ; whole answers are in the evidence.
    """

    question: str
    lost: bool
    """Reference right and candidate wrong; else the reverse."""
    reference: str
    candidate: str


NO_FIGURE = "–"
"""Stands where a verdict has no figure to show."""


class Verdict(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A word with the sum behind it.

    ``message`` is one sentence that names what was measured and what was asked; ``measured`` and
    ``required`` are the same two, short enough for a table cell; ``notes`` is what a reader should
    know beside it; ``numbers`` holds the figures for machines (units end their names); ``listing`` what
    the figures were counted from, where that is a short table; ``flips`` are some of the questions that
    came out otherwise.
    """

    word: Word
    message: str
    measured: str = NO_FIGURE
    required: str = NO_FIGURE
    notes: tuple[str, ...] = ()
    numbers: dict[str, float | int | str | None] = {}
    listing: Listing | None = None
    flips: tuple[Flip, ...] = ()


def inconclusive(message: str, **details: object) -> Verdict:
    """Return an INCONCLUSIVE verdict: evidence is missing or invalid, and the message says which."""
    return Verdict(word=Word.INCONCLUSIVE, message=message, **details)  # type: ignore[arg-type]  # the fields of Verdict


def passed(holds: bool) -> Word:
    """Return PASS or FAIL."""
    return Word.PASS if holds else Word.FAIL


ROUNDING = 1e-12
"""Slack of a comparison between differences: 1.01 - 1.00 is 0.010000000000000009 to a computer."""


def shown(value: float, limit: float, digits: int, kind: Literal["f", "g"] = "f") -> str:
    """
    Return the value with as many digits as it takes to show on which side of its limit it lies.

    ``digits`` is where to begin: decimals (``f``) or significant digits (``g``).
    """
    if abs(value - limit) <= ROUNDING:
        value = limit
    for more in range(digits, 17):
        text = f"{value:.{more}{kind}}"
        if (float(text) > limit, float(text) < limit) == (value > limit, value < limit):
            return text
    return repr(value)
