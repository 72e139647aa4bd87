"""
Which cards may work as one.
"""

from __future__ import annotations

import pytest

from pytest_ernie.devices import KINDS, shipped
from pytest_ernie.devices.topology import allowed_sets, disjoint_sets, refuse_impossible
from pytest_ernie.errors import DeviceError

EIGHT = tuple(map(str, range(8)))


def test_four_kunlunxin_cards_are_one_half_of_the_machine() -> None:
    """
    Cards 0-3 or 4-7, as the documents have it, and no other four.
    """
    assert list(shipped("xpu").card_sets(8, 4)) == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert list(shipped("xpu").card_sets(6, 4)) == [(0, 1, 2, 3)]
    assert list(shipped("xpu").card_sets(3, 4)) == []


@pytest.mark.parametrize(("wanted", "first"), [(1, (0,)), (2, (0, 1)), (8, tuple(range(8)))])
def test_other_sizes_are_free(wanted: int, first: tuple[int, ...]) -> None:
    """
    The documents speak of four cards only.
    """
    assert first == next(shipped("xpu").card_sets(8, wanted))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "xpu"])
def test_a_chip_without_a_rule_takes_the_first_free_cards(kind: str) -> None:
    """
    Every set is allowed, in the order of the numbers.
    """
    sets = list(shipped(kind).card_sets(8, 4))

    assert sets[0] == (0, 1, 2, 3)
    assert len(sets) == 70


def test_an_endpoint_has_no_cards() -> None:
    """
    Nothing is started there.
    """
    assert list(shipped("endpoint").card_sets(8, 1)) == []


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        (EIGHT, [("0", "1", "2", "3"), ("4", "5", "6", "7")]),
        (EIGHT[4:], [("4", "5", "6", "7")]),
        (EIGHT[::-1], [("0", "1", "2", "3"), ("4", "5", "6", "7")]),
        (EIGHT[2:6], []),
        (EIGHT[1:], [("4", "5", "6", "7")]),
        (("GPU-a", "GPU-b", "GPU-c", "GPU-d"), []),
    ],
)
def test_a_rule_holds_for_the_cards_that_a_site_names(
    cards: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    """
    By their numbers in the machine, not by their places in the list.
    """
    assert expected == list(allowed_sets(shipped("xpu"), cards, 4))


def test_without_a_rule_ids_may_be_anything() -> None:
    """
    NVIDIA's variable takes UUIDs, too; the site's order is kept.
    """
    sets = allowed_sets(shipped("gpu"), ("GPU-b", "GPU-a", "GPU-c"), 2)

    assert next(sets) == ("GPU-b", "GPU-a")


def test_sixty_four_cards_are_no_search() -> None:
    """
    The first set of a large machine comes at once.
    """
    cards = tuple(map(str, range(64, 128)))

    assert cards[:16] == next(allowed_sets(shipped("gpu"), cards, 16))


@pytest.mark.parametrize("cards", [EIGHT, EIGHT[4:]])
def test_possible_cards_are_not_refused(cards: tuple[str, ...]) -> None:
    """
    One allowed set is enough.
    """
    refuse_impossible(shipped("xpu"), cards, 4)


@pytest.mark.parametrize(
    ("kind", "cards", "words"),
    [
        (
            "xpu",
            EIGHT[2:6],
            "cards: Kunlunxin XPU can't serve with tensor parallel 4 on these cards, because of how "
            "its cards are linked; got 2, 3, 4, 5; wanted 0-1-2-3 or 4-5-6-7",
        ),
        (
            "gpu",
            EIGHT[:2],
            "cards: tensor parallel 4 needs 4 cards; got 0, 1. Name more cards, or set [engine] "
            "tensor_parallel",
        ),
        (
            "gpu",
            (),
            "cards: tensor parallel 4 needs 4 cards; got none. Name more cards, or set [engine] "
            "tensor_parallel",
        ),
    ],
)
def test_impossible_cards_are_refused_with_what_is_possible(
    kind: str, cards: tuple[str, ...], words: str
) -> None:
    """
    Before a server hangs in its first collective.
    """
    with pytest.raises(DeviceError) as caught:
        refuse_impossible(shipped(kind), cards, 4)

    assert words == str(caught.value)


@pytest.mark.parametrize(
    ("kind", "cards", "wanted", "expected"),
    [
        ("xpu", EIGHT, 4, [tuple("0123"), tuple("4567")]),
        ("xpu", EIGHT[1:], 4, [tuple("4567")]),
        ("xpu", EIGHT[:5], 2, [tuple("01"), tuple("23")]),
        ("gpu", ("GPU-a", "GPU-b", "GPU-c"), 1, [("GPU-a",), ("GPU-b",), ("GPU-c",)]),
    ],
)
def test_as_many_servers_as_the_cards_hold(
    kind: str, cards: tuple[str, ...], wanted: int, expected: list[tuple[str, ...]]
) -> None:
    """
    No card in two of them, and only sets that the links allow.
    """
    assert expected == disjoint_sets(shipped(kind), cards, wanted)
    assert expected[:1] == disjoint_sets(shipped(kind), cards, wanted, 1)


@pytest.mark.parametrize(("cards", "count"), [(EIGHT, 3), (EIGHT[1:5], None)])
def test_more_servers_than_the_cards_hold_are_refused(
    cards: tuple[str, ...], count: int | None
) -> None:
    """
    Also a single one, where no set is allowed.
    """
    with pytest.raises(DeviceError):
        disjoint_sets(shipped("xpu"), cards, 4, count)
