"""
Which cards may work as one: rules of a chip's links between cards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.protocol import Device
from pytest_ernie.errors import DeviceError


def allowed_sets(device: Device, cards: Sequence[str], wanted: int) -> Iterator[tuple[str, ...]]:
    """
    Yield the sets of ``wanted`` of these cards that the chip allows, in the order to take them.

    ``cards`` are ids as the site file has them. Ids that are no numbers (UUIDs) say nothing of the
    place in the machine, so they pass only where the chip has no rule.
    """
    if isinstance(device, Accelerator) and wanted not in device.together:
        yield from combinations(cards, wanted)
        return
    names = {int(card): card for card in cards if card.isdecimal()}
    for numbers in device.card_sets(max(names, default=-1) + 1, wanted):
        if names.keys() >= set(numbers):
            yield tuple(names[number] for number in numbers)


def refuse_impossible(device: Device, cards: Sequence[str], wanted: int) -> None:
    """
    Raise DeviceError if no set of these cards may serve with that tensor parallel size.
    """
    if next(allowed_sets(device, cards, wanted), None) is not None:
        return
    if len(cards) < wanted:
        raise DeviceError(
            f"tensor parallel {wanted} needs {wanted} cards",
            where="cards",
            got=", ".join(cards) or "none",
            fix="Name more cards, or set [engine] tensor_parallel",
        )
    possible = tuple(device.card_sets(8, wanted))
    raise DeviceError(
        f"{device.title} can't serve with tensor parallel {wanted} on these cards, because of how "
        "its cards are linked",
        where="cards",
        got=", ".join(cards),
        wanted=" or ".join("-".join(map(str, numbers)) for numbers in possible) or "other cards",
    )


def disjoint_sets(
    device: Device, cards: Sequence[str], wanted: int, count: int | None = None
) -> list[tuple[str, ...]]:
    """
    Return ``count`` sets of ``wanted`` cards each (None: as many as there are), no card in two.

    DeviceError if the chip's links don't allow so many, or a single one, on these cards.
    """
    left = list(cards)
    found: list[tuple[str, ...]] = []
    while count is None or len(found) < count:
        if count is None and found and next(allowed_sets(device, left, wanted), None) is None:
            break
        refuse_impossible(device, left, wanted)
        found.append(next(allowed_sets(device, left, wanted)))
        left = [card for card in left if card not in found[-1]]
    return found
