"""
What is wrong with a bundle's evidence, each with a name of its own.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal[
    "unreadable",
    "edited",
    "removed",
    "added",
    "reordered",
    "replayed",
    "cut",
    "rewritten",
    "swapped blob",
    "missing blob",
    "other device",
    "clock",
    "inconsistent",
    "other facts",
    "signature",
]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: its kind, where it stands, and in words."""

    kind: Kind
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.where}: {self.what}"


def at(seq: int | str) -> str:
    """Name an entry of the journal."""
    return f"entry {seq}"
