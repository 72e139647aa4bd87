"""
Which free cards go together: as the device's topology says, replica by replica.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_ernie.leases.rule import Choose, first_free

CardSets = Callable[[int, int], Iterable[tuple[int, ...]]]
"""Cards of the machine, cards wanted -> the numbers that can be combined, best first."""


def chooser(all_cards: tuple[str, ...], share: int, card_sets: CardSets | None) -> Choose:
    """
    Return what picks cards for replicas of ``share`` cards each, out of the site's ``all_cards``.

    A device without a rule of its own takes the first free ones. Its numbers are those of the
    machine's cards where the site names cards by number, else places in the site's list.
    """
    numbered = all(card.isdigit() for card in all_cards)
    number_of = {card: int(card) if numbered else place for place, card in enumerate(all_cards)}
    count = 1 + max(number_of.values(), default=-1)

    def one(free: tuple[str, ...]) -> tuple[str, ...] | None:
        if card_sets is None:
            return first_free(free, share)
        card_of = {number_of[card]: card for card in free}
        for numbers in card_sets(count, share):
            if all(number in card_of for number in numbers):
                return tuple(card_of[number] for number in numbers)
        return None

    def choose(free: tuple[str, ...], wanted: int) -> tuple[str, ...] | None:
        chosen: tuple[str, ...] = ()
        while len(chosen) < wanted:
            replica = one(tuple(card for card in free if card not in chosen))
            if not replica:
                return None
            chosen += replica
        return chosen

    return choose
