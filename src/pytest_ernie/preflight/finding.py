"""
What a check of the host found.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """What a check found: got and wanted, and the mend where it doesn't hold."""

    name: str
    holds: bool
    got: str
    wanted: str
    mend: str = ""
    advice: bool = False
    """It doesn't hold and that is no obstacle: reported, and the check passes all the same."""

    @property
    def word(self) -> str:
        """Return what stands before it in a list."""
        if self.holds:
            return "ok"
        return "note" if self.advice else "MISSING"

    @property
    def passes(self) -> bool:
        """Return whether one can go on."""
        return self.holds or self.advice

    def __str__(self) -> str:
        text = f"{self.name}: {self.got}; wanted {self.wanted}"
        return text if self.holds else f"{text}. {self.mend}"


class Check(Struct, frozen=True, kw_only=True):
    """A named question to the host; asking may take a second."""

    name: str
    run: Callable[[], Finding]


def at_least(got: str, wanted: str) -> bool:
    """
    Return whether a version is that or a newer one, by its figures in their order.

    Of several, joined by " + ", the oldest counts. A version without figures is never enough.
    """
    versions = [tuple(map(int, re.findall(r"\d+", part))) for part in got.split(" + ")]
    return min(versions) >= tuple(map(int, re.findall(r"\d+", wanted)))
