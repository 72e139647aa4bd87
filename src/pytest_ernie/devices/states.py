"""
The state of cards while they are measured: clocks, power, heat, and what holds them back.

A state is no fact: it changes from second to second, so it is never part of a measurement's key. It is
kept beside the result, and a result that was made on cards that were slowed down says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from threading import Event, Thread
from typing import Any

from msgspec import Struct

from pytest_ernie.errors import DeviceError

EVERY_S = 2.0
"""A tool's call costs a fraction of a second of one core; a shorter interval would be felt."""
MOST_KEPT = 5000
"""States, the latest; about three hours of one card."""
SLOWED = ("hardware slowdown", "thermal slowdown", "power brake")
"""What no healthy card in a fitting machine shows. A card at its power limit is only busy."""


class CardState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One card at one moment; None where its tool doesn't say."""

    time_unix_s: float
    card: str
    sm_mhz: float | None = None
    sm_mhz_max: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    temperature_c: float | None = None
    held_back_by: tuple[str, ...] = ()
    """Why the clock isn't at its highest, in words; idling isn't counted."""
    uncorrected_ecc_errors: int | None = None


class Watch:
    """
    Reads the cards' states every ``EVERY_S`` until it is left; a tool that fails ends it, and says so.
    """

    def __init__(self, read: Callable[[], Sequence[CardState]], every_s: float = EVERY_S) -> None:
        self._read = read
        self._every_s = every_s
        self._over = Event()
        self._thread = Thread(target=self._run, name="card states", daemon=True)
        self.states: list[CardState] = []
        self.problem: str | None = None

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Read no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.states += self._read()
            except DeviceError as problem:
                self.problem = str(problem)
                return
            del self.states[:-MOST_KEPT]
            self._over.wait(self._every_s)

    def of(self, cards: Sequence[str]) -> list[CardState]:
        """Return the states of some cards; of all where none is named."""
        return [state for state in self.states if not cards or state.card in cards]


def summary(states: Sequence[CardState]) -> dict[str, Any]:
    """
    Return how the cards did: ranges of clock, power and heat, and how often what held them back.

    ``held_back`` is a share of the states by reason; ``slowed`` names the reasons no healthy card has.
    """
    reasons = sorted({reason for state in states for reason in state.held_back_by})
    shares = {
        reason: sum(reason in state.held_back_by for state in states) / len(states)
        for reason in reasons
    }
    errors = [
        state.uncorrected_ecc_errors for state in states if state.uncorrected_ecc_errors is not None
    ]
    return {
        "count": len(states),
        "sm_mhz": _range([state.sm_mhz for state in states]),
        "power_w": _range([state.power_w for state in states]),
        "temperature_c": _range([state.temperature_c for state in states]),
        "held_back": shares,
        "slowed": [reason for reason in reasons if reason in SLOWED],
        "new_uncorrected_ecc_errors": max(errors) - min(errors) if errors else None,
    }


def _range(values: Sequence[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"least": min(known), "median": median(known), "most": max(known)}


def trouble(told: dict[str, Any] | None) -> str | None:
    """Say in a clause what is wrong with cards whose states were kept, None if nothing is or is known."""
    if not told:
        return None
    if told.get("slowed"):
        shares = ", ".join(
            f"{reason} in {told['held_back'][reason]:.0%} of the readings"
            for reason in told["slowed"]
        )
        return f"the cards were slowed down while they were measured: {shares}"
    if told.get("new_uncorrected_ecc_errors"):
        count = told["new_uncorrected_ecc_errors"]
        return f"{count} uncorrected memory errors of a card appeared while it was measured"
    return None
