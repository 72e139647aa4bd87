"""
Which worker gets which item: the scheduler alone, with workers that behave as xdist's do.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ernie.scheduling import GroupScheduling

ITEMS = ["a1", "a2", "a3", "b1", "c1", "c2", "d1"]
"""Items of the groups a, b, c and d."""


class StubNode:
    """A worker: it runs an item once it knows the next one, or that there is none."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.shutting_down = False
        self.ran: list[str] = []

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        assert not self.shutting_down
        self.told.extend(indices)

    def shutdown(self) -> None:
        self.shutting_down = True

    def can_run(self) -> bool:
        return len(self.told) >= 2 or (self.shutting_down and bool(self.told))

    def run_one(self, scheduler: GroupScheduling) -> None:
        index = self.told.pop(0)
        self.ran.append(ITEMS[index])
        scheduler.mark_test_complete(self, index)


def scheduler_of(*nodes: StubNode) -> GroupScheduling:
    """A scheduler whose workers have all collected."""
    scheduler = GroupScheduling(len(nodes), lambda item: item[0])
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        assert not scheduler.collection_is_completed
        scheduler.add_node_collection(node, ITEMS)
    scheduler.schedule()
    return scheduler


def run(scheduler: GroupScheduling, *nodes: StubNode) -> None:
    """Let the workers run in turn until none can."""
    while any(node.can_run() for node in nodes):
        for node in nodes:
            if node.can_run():
                node.run_one(scheduler)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_a_group_goes_to_one_worker_in_its_order(count: int) -> None:
    """
    With any number of workers every item runs once, and a group's items follow each other.
    """
    nodes = [StubNode() for _ in range(count)]
    scheduler = scheduler_of(*nodes)
    run(scheduler, *nodes)

    assert sorted(ITEMS) == sorted(item for node in nodes for item in node.ran)
    for node in nodes:
        groups = [item[0] for item in node.ran]
        assert len(set(groups)) == sum(
            a != b for a, b in zip(groups, [None, *groups], strict=False)
        )
        assert node.ran == sorted(node.ran)
        assert node.shutting_down
    assert scheduler.tests_finished
    assert not scheduler.has_pending


def test_every_worker_gets_a_group_before_any_gets_a_second() -> None:
    """
    Three workers begin with a, b and c; b has one item only, and b's worker must know of the next.
    """
    nodes = [StubNode() for _ in range(3)]
    scheduler_of(*nodes)

    assert [[ITEMS[index] for index in node.told] for node in nodes] == [
        ["a1", "a2"],
        ["b1", "d1"],
        ["c1", "c2"],
    ]


def test_workers_that_nothing_is_left_for_end_at_once() -> None:
    """
    Idle ones only take memory.
    """
    nodes = [StubNode() for _ in range(5)]
    scheduler_of(*nodes)

    assert [bool(node.told) for node in nodes] == [True, True, True, True, False]
    assert nodes[4].shutting_down


def test_a_worker_has_two_items_and_no_more() -> None:
    """
    What it was told it can't be told to leave out, -x or not.
    """
    node = StubNode()
    scheduler = scheduler_of(node)

    assert [ITEMS[index] for index in node.told] == ["a1", "a2"]
    node.run_one(scheduler)
    assert [ITEMS[index] for index in node.told] == ["a2", "a3"]
    assert not scheduler.tests_finished


def test_a_dead_worker_loses_one_item_and_its_group_stays_together() -> None:
    """
    What killed it isn't run again; the rest of the group goes to one worker, before what waits.
    """
    dies, lives, replaces = StubNode(), StubNode(), StubNode()
    scheduler = scheduler_of(dies, lives)

    assert scheduler.remove_node(dies) == "a1"
    scheduler.add_node(replaces)
    scheduler.add_node_collection(replaces, ITEMS)
    scheduler.schedule()
    run(scheduler, lives, replaces)

    assert sorted([*lives.ran, *replaces.ran]) == sorted(ITEMS)[1:]
    assert {"a2", "a3"} in ({*lives.ran} & {"a2", "a3"}, {*replaces.ran} & {"a2", "a3"})


def test_a_worker_that_is_through_lost_nothing() -> None:
    """
    Only a worker that dies at something has an item to answer for.
    """
    node = StubNode()
    scheduler = scheduler_of(node)
    run(scheduler, node)

    assert scheduler.remove_node(node) is None
    assert scheduler.nodes == []


def test_an_item_can_be_run_again() -> None:
    """
    As other plugins ask for it after a crash.
    """
    dies, replaces = StubNode(), StubNode()
    scheduler = scheduler_of(dies)
    crashed = scheduler.remove_node(dies)
    assert crashed == "a1"
    scheduler.mark_test_pending(crashed)
    scheduler.add_node(replaces)
    scheduler.add_node_collection(replaces, ITEMS)
    scheduler.schedule()
    run(scheduler, replaces)

    assert replaces.ran == ITEMS


def test_workers_that_collected_differently_are_an_error() -> None:
    """
    An item is named by its place in the collection, which must be the same everywhere.
    """
    nodes = [StubNode(), StubNode()]
    scheduler = GroupScheduling(2, lambda item: item)
    for node in nodes:
        scheduler.add_node(node)
    scheduler.add_node_collection(nodes[0], ITEMS)

    with pytest.raises(pytest.UsageError, match="one has 7, the other 6"):
        scheduler.add_node_collection(nodes[1], ITEMS[1:])


def test_items_that_nobody_wanted_back_are_an_error() -> None:
    """
    A worker that gives some back was told to by somebody else; silence would lose them.
    """
    node = StubNode()

    with pytest.raises(RuntimeError, match="gave back 2 items that nobody wanted back"):
        scheduler_of(node).remove_pending_tests_from_node(node, [0, 1])
