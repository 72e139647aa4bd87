"""
Who gets what: a pure function of what is wished for, what is held, and who waits already.

    cards     each belongs to one holder
    memory    of the host: what is held together stays within the machine's; a wish that is alone gets
              what it wants, since what it wants is only an estimate
    quiet     a measurement in which seconds count has the machine alone; the others share it
    ports     a block of neighbours; nobody ever waits for them

First come, first served: whoever waits for equipment (cards, memory) or for the machine goes before
whoever came later for the same, so that a wish for much is not starved by wishes for little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

Machine = Literal["shared", "alone"]

Choose = Callable[[tuple[str, ...], int], tuple[str, ...] | None]
"""Free cards, and how many are wanted -> those to take, or None if these can't be combined."""


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to have: all of it, or nothing yet."""

    title: str
    """What it is for, as others read it who wait."""
    device: str = ""
    """Kind of the cards."""
    cards: int = 0
    memory_gib: float = 0.0
    """Memory of the host, estimated."""
    machine: Machine | None = None

    @property
    def equipment(self) -> bool:
        """Return whether it is for cards or memory."""
        return self.cards > 0 or self.memory_gib > 0


class Held(Struct, frozen=True, kw_only=True):
    """A lease file's content: a wish that waits, or what it got."""

    wish: Wish
    ticket: int
    """Rises with every wish on the machine."""
    pid: int
    granted: bool = False
    cards: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """Who it is, for whoever waits for it."""
        return f"{self.wish.title} (process {self.pid})"


class Obstacle(Struct, frozen=True, kw_only=True):
    """Why a wish can't be granted yet."""

    words: str


def first_free(free: tuple[str, ...], count: int) -> tuple[str, ...] | None:
    """Return the first cards: the rule of a device on which any can be combined."""
    return free[:count] if len(free) >= count else None


def grant(
    wish: Wish,
    others: Sequence[Held],
    *,
    ticket: int,
    cards: tuple[str, ...] = (),
    choose: Choose = first_free,
    capacity_gib: float,
) -> tuple[str, ...] | Obstacle:
    """
    Return the cards that the wish gets now (none if it wants none), or what is in its way.

    ``others`` are all living wishes and leases of the machine, ``cards`` the ids that may be used.
    """
    granted = [other for other in others if other.granted]
    before = [other for other in others if not other.granted and other.ticket < ticket]
    return (
        _obstacle_at_machine(wish, granted, before)
        or _obstacle_of_memory(wish, granted, before, capacity_gib)
        or _cards(wish, granted, cards, choose)
    )


def _obstacle_at_machine(
    wish: Wish, granted: Sequence[Held], before: Sequence[Held]
) -> Obstacle | None:
    if wish.machine is None:
        return None
    for other in (*granted, *before):
        if other.wish.machine == "alone" or (other.wish.machine and wish.machine == "alone"):
            wants = "waits to measure" if not other.granted else "measures"
            return Obstacle(words=f"{other.words} {wants}")
    return None


def _obstacle_of_memory(
    wish: Wish, granted: Sequence[Held], before: Sequence[Held], capacity_gib: float
) -> Obstacle | None:
    if not wish.equipment:
        return None
    for other in before:
        if other.wish.equipment:
            return Obstacle(words=f"{other.words} was first")
    holding = [other for other in granted if other.wish.memory_gib > 0]
    used = sum(other.wish.memory_gib for other in holding)
    if wish.memory_gib and holding and used + wish.memory_gib > capacity_gib:
        return Obstacle(
            words=f"{used:.0f} of {capacity_gib:.0f} GiB of memory are taken and "
            f"{wish.memory_gib:.0f} are wanted; {holding[0].words} holds some"
        )
    return None


def _cards(
    wish: Wish, granted: Sequence[Held], cards: tuple[str, ...], choose: Choose
) -> tuple[str, ...] | Obstacle:
    if not wish.cards:
        return ()
    holders = {
        card: other for other in granted if other.wish.device == wish.device for card in other.cards
    }
    free = tuple(card for card in cards if card not in holders)
    chosen = choose(free, wish.cards)
    if chosen is not None:
        return chosen
    taken = [card for card in cards if card in holders]
    who = f"; {holders[taken[0]].words} holds {taken[0]}" if taken else ""
    return Obstacle(
        words=f"{wish.cards} of the cards {', '.join(cards)} are wanted, free are "
        f"{', '.join(free) or 'none'}{who}"
    )
