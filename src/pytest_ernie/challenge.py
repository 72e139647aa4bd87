"""
A challenge (R16): a nonce of the certifying body that decides what nobody could know before.

It seeds the codes that are hidden in long prompts and the order in which prompts and questions are sent, and
stands in the journal's first entry. What is trained isn't touched: the recipe fixes the order of its data.
The workload stays the same on both sides (R9, R14): other prompts would be other work.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from typing import TypeVar

from pytest_ernie.errors import UsageProblem

SHAPE = re.compile(r"[A-Za-z0-9._-]{8,128}")

One = TypeVar("One")


def checked_challenge(text: str, *, where: str = "--challenge") -> str:
    """Return a challenge; UsageProblem for what is too short to be unforeseeable, or can't be typed."""
    if not SHAPE.fullmatch(text):
        raise UsageProblem(
            "this is no challenge",
            where=where,
            got=ascii(text[:140]),
            wanted="8 to 128 letters, digits, dots, lines (- or _), as the certifying body issued it",
        )
    return text


def seed_of(challenge: str | None, of: str) -> str:
    """Return a seed for what ``of`` names; without a challenge the one that always was: ``0``."""
    if challenge is None:
        return "0"
    return hashlib.sha256(f"pytest-ernie challenge\0{challenge}\0{of}".encode()).hexdigest()


def in_challenged_order(things: Sequence[One], challenge: str | None, of: str) -> tuple[One, ...]:
    """Return the same things in the order of a challenge; as they are without one."""
    if challenge is None:
        return tuple(things)
    order = list(range(len(things)))
    random.Random(seed_of(challenge, of)).shuffle(order)
    return tuple(things[place] for place in order)
