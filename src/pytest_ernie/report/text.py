"""
Text that others wrote - model answers, log lines, file names - made harmless before it is shown.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

LONGEST = 2000
"""Characters of one foreign text that a report shows; the whole text stays in the evidence."""

METHODS = {"sft": "SFT", "sft_lora": "SFT-LoRA"}
"""Training methods as the standard writes them."""

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|[@-Z\\-~])",
    re.DOTALL,
)
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that steer instead of showing: controls, formats, surrogates, separators."""


def visible(text: str, longest: int = LONGEST) -> str:
    """
    Return the text with nothing left in it that acts: terminal sequences go, other controls,
    direction marks and lone surrogates become readable marks. Line ends stay.

    A text longer than ``longest`` characters is cut and says how much is missing.
    """
    head = _ESCAPE_SEQUENCE.sub("", text[: 4 * longest].replace("\r\n", "\n"))
    shown = "".join(_mark(letter) for letter in head[:longest])
    missing = len(text) - longest
    if missing <= 0 or (len(text) <= 4 * longest and len(head) <= longest):
        return shown
    return f"{shown} … ({missing} more characters are in the evidence)"


def _mark(letter: str) -> str:
    if letter == "\n" or unicodedata.category(letter) not in _ACTING:
        return letter
    if letter == "\t":
        return " "
    return f"‹U+{ord(letter):04X}›"


def line(text: str, longest: int = LONGEST) -> str:
    """Return the text as ``visible`` does, on one line."""
    return " ".join(visible(text, longest).split())


def html(text: str, longest: int = LONGEST) -> str:
    """Return the text harmless, escaped, and kept from turning its neighbours' direction."""
    return f"<bdi>{escape(visible(text, longest))}</bdi>"


def shown_cell(cell: float | int | str) -> str:
    """Return a cell of a verdict's listing as people read it: losses to their eighth decimal."""
    return f"{cell:.8f}".rstrip("0").rstrip(".") if isinstance(cell, float) else str(cell)
