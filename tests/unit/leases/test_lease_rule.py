"""
Who gets what: the rule alone, on made-up holders.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.leases.rule import Held, Obstacle, Wish, grant

CARDS = tuple("01234567")


def cards(count: int, **more: Any) -> Wish:
    """A wish for cards of an xpu."""
    return Wish(title="a server", device="xpu", cards=count, **more)


def held(wish: Wish, ticket: int = 1, **more: Any) -> Held:
    """A lease that was granted."""
    return Held(wish=wish, ticket=ticket, pid=4711, granted=True, **more)


def waits(wish: Wish, ticket: int = 1) -> Held:
    """A wish that waits."""
    return Held(wish=wish, ticket=ticket, pid=4711)


def asked(wish: Wish, *others: Held, ticket: int = 9, gib: float = 100.0) -> Any:
    """What the rule says."""
    return grant(wish, others, ticket=ticket, cards=CARDS, capacity_gib=gib)


def test_cards_go_to_one_holder() -> None:
    """
    What somebody else holds isn't handed out, and what is left goes in its order.
    """
    assert asked(cards(2), held(cards(2), cards=("0", "2"))) == ("1", "3")


def test_cards_of_another_kind_are_others() -> None:
    """
    Card 0 of the gpus isn't card 0 of the xpus.
    """
    gpu = Wish(title="x", device="gpu", cards=1)

    assert asked(cards(1), held(gpu, cards=("0",))) == ("0",)


def test_too_few_free_cards_name_the_holder() -> None:
    """
    Whoever waits reads for whom.
    """
    found = asked(cards(4), held(cards(5), cards=tuple("01234")))

    assert found == Obstacle(
        words="4 of the cards 0, 1, 2, 3, 4, 5, 6, 7 are wanted, free are 5, 6, 7; "
        "a server (process 4711) holds 0"
    )


@pytest.mark.parametrize(
    ("taken", "wanted", "granted"), [(60.0, 39.9, True), (60.0, 40.0, True), (60.0, 40.1, False)]
)
def test_memory_is_shared_up_to_the_machines(taken: float, wanted: float, granted: bool) -> None:
    """
    Under, at and over what the machine has.
    """
    found = asked(cards(1, memory_gib=wanted), held(Wish(title="a", memory_gib=taken)))

    assert granted == (found == ("0",))


def test_a_wish_alone_gets_what_it_wants() -> None:
    """
    An estimate that is too high may keep runs apart, but never one from starting.
    """
    assert asked(cards(1, memory_gib=500.0), held(Wish(title="a", machine="shared"))) == ("0",)


@pytest.mark.parametrize(
    ("other", "wanted", "granted"),
    [
        ("shared", "shared", True),
        ("shared", "alone", False),
        ("alone", "shared", False),
        ("alone", "alone", False),
    ],
)
def test_seconds_are_counted_on_a_quiet_machine(other: Any, wanted: Any, granted: bool) -> None:
    """
    Whoever measures times has the machine alone; the others share it.
    """
    found = asked(Wish(title="b", machine=wanted), held(Wish(title="a", machine=other)))

    assert granted == (found == ())


def test_who_waits_to_be_alone_isn_t_overtaken() -> None:
    """
    Else measurements that share the machine would keep it out for ever.
    """
    alone = Wish(title="the load", machine="alone")

    assert asked(Wish(title="b", machine="shared"), waits(alone, ticket=8)) == Obstacle(
        words="the load (process 4711) waits to measure"
    )
    assert asked(Wish(title="b", machine="shared"), waits(alone, ticket=10)) == ()


def test_who_waits_for_all_cards_isn_t_overtaken() -> None:
    """
    Else servers of one card would keep a training run out for ever.
    """
    holder = held(cards(4), ticket=1, cards=tuple("0123"))
    training = waits(Wish(title="training", device="xpu", cards=8), ticket=2)

    assert asked(cards(1), holder, training) == Obstacle(words="training (process 4711) was first")
    assert asked(cards(1), holder, waits(cards(8), ticket=10)) == ("4",)


def test_equipment_and_machine_don_t_wait_for_each_other() -> None:
    """
    A server is started while somebody else waits for quiet, and the other way round.
    """
    assert asked(cards(1), waits(Wish(title="load", machine="alone"))) == ("0",)
    assert asked(Wish(title="load", machine="alone"), waits(cards(8))) == ()
