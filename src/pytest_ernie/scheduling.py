"""
Who runs what under ``-n``: all criteria of one server or training run go to one worker, in their order.

pytest-xdist asks for a scheduler; this one hands out groups in the order in which they were
collected. A worker begins an item only once it knows the next one, so each is kept two items ahead
and no more: after ``-x`` or a crash as little as possible is under way. A worker that died loses the
item that it was at, and the rest of its group goes to the next worker as one group again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import pytest

AHEAD = 2
"""Items that a worker is given: the one that it runs, and the one that it must know of."""


class Node(Protocol):
    """What the scheduler uses of xdist's side of a worker."""

    @property
    def shutting_down(self) -> bool: ...

    def send_runtest_some(self, indices: Sequence[int]) -> None: ...

    def shutdown(self) -> None: ...


class _Work:
    """What one worker has to do."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        """Handed over and not yet done, the first one running."""
        self.rest: deque[int] = deque()
        """Of its group, not yet handed over."""

    @property
    def left(self) -> list[int]:
        return [*self.sent, *self.rest]


class GroupScheduling:
    """
    xdist's scheduling protocol; ``group_of`` names the group of a node id.

    It isn't asked before every one of ``count`` workers has collected.
    """

    def __init__(self, count: int, group_of: Callable[[str], str]) -> None:
        self._count = count
        self._group_of = group_of
        self._work: dict[Node, _Work] = {}
        self._collections: dict[Node, list[str]] = {}
        self._items: list[str] | None = None
        self._waiting: deque[deque[int]] = deque()

    @property
    def nodes(self) -> list[Node]:
        """Every worker that lives."""
        return list(self._work)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker has told what it collected."""
        return len(self._collections) >= self._count

    @property
    def tests_finished(self) -> bool:
        """Whether nothing is left but what the workers were told already."""
        return (
            self.collection_is_completed
            and not self._waiting
            and all(not work.rest and len(work.sent) < AHEAD for work in self._work.values())
        )

    @property
    def has_pending(self) -> bool:
        """Whether anything is waiting or running."""
        return bool(self._waiting) or any(work.left for work in self._work.values())

    def add_node(self, node: Node) -> None:
        """Take in a worker that has started; it collects now."""
        self._work[node] = _Work()

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """Take what a worker collected; pytest.UsageError if another one collected otherwise."""
        for known in self._collections.values():
            if known != list(collection):
                raise pytest.UsageError(
                    "two workers collected different tests, so nothing can be shared out among them; "
                    f"one has {len(known)}, the other {len(collection)}"
                )
        self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Share out the groups; later, give work to a worker that has come instead of a dead one."""
        if self._items is None:
            self._items = next(iter(self._collections.values()))
            self._waiting.extend(self._grouped(range(len(self._items))))
            for node in self.nodes:  # one group each before any worker is given its second
                self._take_group(node)
        for node in self.nodes:
            self._feed(node)

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:
        """Note that a worker is through with an item, and keep it busy."""
        self._work[node].sent.remove(item_index)
        self._feed(node)

    def mark_test_pending(self, item: str) -> None:
        """Run an item again, as a group of its own."""
        assert self._items is not None
        self._waiting.appendleft(deque([self._items.index(item)]))
        for node in self.nodes:
            self._feed(node)

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> None:
        """Never called: a worker gives items back only if it was asked to, and none is here."""
        raise RuntimeError(f"{node} gave back {len(indices)} items that nobody wanted back")

    def remove_node(self, node: Node) -> str | None:
        """
        Let a worker go; return the item at which it died, or None if it was through.

        That item isn't run again: whatever killed the worker would kill the next one.
        """
        left = self._work.pop(node).left
        if not left:
            return None
        assert self._items is not None
        crashed, *lost = left
        self._waiting.extendleft(reversed(self._grouped(lost)))
        for other in self.nodes:
            self._feed(other)
        return self._items[crashed]

    def _grouped(self, indices: Iterable[int]) -> list[deque[int]]:
        assert self._items is not None
        groups: dict[str, deque[int]] = {}
        for index in indices:
            groups.setdefault(self._group_of(self._items[index]), deque()).append(index)
        return list(groups.values())

    def _take_group(self, node: Node) -> None:
        if self._waiting:
            self._work[node].rest = self._waiting.popleft()

    def _feed(self, node: Node) -> None:
        work = self._work[node]
        while len(work.sent) < AHEAD and not node.shutting_down:
            if not work.rest:
                self._take_group(node)
            if not work.rest:
                node.shutdown()  # it runs what it was given, and ends
                return
            index = work.rest.popleft()
            work.sent.append(index)
            node.send_runtest_some([index])
