"""
Which criteria share a start: one server, or one training run, is started for all of them.

A server costs minutes to start and a training run hours to make, so criteria are ordered by what
they share. Then each server starts once in a run, and the number of starts is the lower bound: the
number of distinct configurations.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from pytest_ernie.standard.criteria import Criterion
from pytest_ernie.standard.model import Edition

PLACE_OF_CLAUSE = {
    "training.loss": 0,
    "training.throughput": 1,
    "training.context": 2,
    "inference.datatype": 3,
    "inference.context": 4,
    "inference.throughput": 5,
    "inference.accuracy": 6,
}
"""Cheap before dear, among the criteria of one start."""


class Start(Struct, frozen=True, kw_only=True, order=True):
    """
    A server or a training run that criteria share; equal starts are one.

    ``length`` is that of a training run of its own (R12); None for the run of the recipe's steps.
    """

    phase: Literal["training", "serving"]
    model: str
    method: str | None = None
    length: int | None = None
    datatype: str | None = None
    window: int | None = None

    @property
    def title(self) -> str:
        """The parts that a person tells starts apart by."""
        if self.phase == "serving":
            return f"serve {self.model} in {self.datatype}, window {self.window}"
        at = f" at {self.length} tokens" if self.length is not None else ""
        return f"train {self.model} {self.method}{at}"


def start_of(edition: Edition, criterion: Criterion) -> Start:
    """Return what must be started before the criterion can be shown."""
    if criterion.clause.startswith("training."):
        return Start(
            phase="training",
            model=criterion.model,
            method=criterion.method,
            length=criterion.length,
        )
    assert criterion.tier is not None
    return Start(
        phase="serving",
        model=criterion.model,
        datatype=criterion.datatype,
        window=max(edition.tier(criterion.tier).contexts),
    )


Place = tuple[bool, str, str, int, str, int, int, int, str]


def place(edition: Edition, criterion: Criterion) -> Place:
    """
    Return a key that sorts criteria into the order of a run.

    Training before serving, by model and by start; among a start's criteria cheap before dear.
    """
    start = start_of(edition, criterion)
    return (
        start.phase == "serving",
        start.model,
        start.method or "",
        start.length or 0,
        start.datatype or "",
        start.window or 0,
        PLACE_OF_CLAUSE[criterion.clause],
        criterion.length or 0,
        criterion.name,
    )


def in_order(
    edition: Edition, criteria: Iterable[Criterion]
) -> tuple[tuple[Start, tuple[Criterion, ...]], ...]:
    """Return every start in the order of a run, each once, with the criteria that share it."""
    shared: dict[Start, list[Criterion]] = {}
    for criterion in sorted(criteria, key=lambda criterion: place(edition, criterion)):
        shared.setdefault(start_of(edition, criterion), []).append(criterion)
    return tuple((start, tuple(served)) for start, served in shared.items())
