"""
Tables as nvidia-smi draws them, which most vendors' tools imitate.
"""

from __future__ import annotations

import re

from pytest_ernie.devices.tool import Unreadable

BUS = re.compile(r"\b(?:[0-9A-Fa-f]{2,8}:)?[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f]\b")
"""A card's address on the bus: what tells a card's row from every other row."""
NAME = re.compile(r"^\d+\s+(?P<name>.*?)(?:\s+(?:N/A|On|Off|Enabled?|Disabled?))?$")
MEMORY = re.compile(r"(?:/\s*)?\b(\d+)\s*MiB\b")


def cards_of(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """
    Return names and memories (MiB) of the cards of such a table.

    A card's first row has its number, its name and its address on the bus; the rows below it the
    memory, the last figure of the first cell that has any. Unreadable where a card has none.
    """
    names: list[str] = []
    memories: list[int] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        first = NAME.match(cells[0])
        if first and any(BUS.search(cell) for cell in cells):
            names.append(first["name"])
        elif len(memories) < len(names):
            figures = next((found for cell in cells if (found := MEMORY.findall(cell))), None)
            if figures:
                memories.append(int(figures[-1]))
    if len(memories) != len(names):
        raise Unreadable(f"{len(names)} cards have {len(memories)} memories")
    return tuple(names), tuple(memories)


def value_of(text: str, label: str) -> str | None:
    """Return the word behind ``label`` and a colon, None if there is none."""
    found = re.search(rf"{re.escape(label)}\s*:\s*([^\s|]+)", text)
    return found[1] if found else None


def required(text: str, label: str) -> str:
    """Return the word behind ``label`` and a colon; Unreadable if there is none."""
    value = value_of(text, label)
    if value is None:
        first = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
        raise Unreadable(f"it has no {label!r}; it begins {first[:80]!r}")
    return value
