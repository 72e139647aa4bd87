"""
Which measurements answer a criterion, how long they took, and how often each was begun (R15: no best-of-N).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from pytest_ernie.evidence import Store, What
from pytest_ernie.standard import Criterion

ATTEMPTS = "attempts: "
"""How a note begins that tells how often something was begun."""


class Question(Struct, frozen=True, kw_only=True):
    """What one measurement, or one search for the highest load, answers; criteria may share it."""

    kind: str
    model: str
    method: str | None = None
    length: int | None = None
    datatype: str | None = None
    dataset: str | None = None

    @classmethod
    def of(cls, criterion: Criterion) -> Question:
        """Return what must be measured for a criterion."""
        kinds = {
            "training.loss": "training.run",
            "training.throughput": "training.run",
            "training.context": "training.context",
            "inference.datatype": "serving.facts",
            "inference.throughput": "serving.load",
            "inference.context": "serving.context",
            "inference.accuracy": "serving.accuracy",
        }
        return cls(
            kind=kinds[criterion.clause],
            model=criterion.model,
            method=criterion.method,
            length=criterion.length,
            datatype=criterion.datatype,
            dataset=criterion.dataset,
        )

    @classmethod
    def answered_by(cls, what: What) -> Question:
        """Return what a recorded measurement answers."""
        return cls(
            kind=what.kind,
            model=what.model,
            method=what.method,
            length=what.length,
            datatype=what.datatype,
            dataset=what.dataset,
        )


def attempts_at(store: Store, criterion: Criterion) -> str | None:
    """
    Return in one clause how often what a criterion rests on was begun; None if nothing was begun twice.

    Whatever became of an attempt: who measures until it looks good leaves this behind, and so does a
    server that died. A search's trials are measurements of their own.
    """
    wanted = msgspec.to_builtins(Question.of(criterion))
    begun: list[str] = []
    reasons: dict[str, None] = {}
    completed = 0
    for chain in store.chains:
        for begin in chain.of_type.get("begin", ()):
            spec = begin.body["spec"]
            if any(spec.get(name) != value for name, value in wanted.items()):
                continue
            begun.append(begin.body["what"])
            completed += any(entry.type == "result" for entry in chain.of_id[begin.id])
            if reason := begin.body.get("reason"):
                reasons[str(reason)] = None
    measurements = len(set(begun))
    if len(begun) == measurements:
        return None
    things = "1 measurement" if measurements == 1 else f"{measurements} measurements"
    why = f"; measured again because: {'; '.join(reasons)}" if reasons else ""
    return f"{len(begun)} at {things}, {completed} of them completed{why}"


def seconds_of(served: Iterable[Criterion], known: Mapping[Question, float]) -> float | None:
    """Return how long a start's measurements took, None unless all of them are known."""
    asked = {Question.of(criterion) for criterion in served}
    if not asked <= known.keys():
        return None
    return sum(known[question] for question in asked)


def hours_in_words(seconds: float) -> str:
    """Return a time as people read it."""
    return f"{seconds / 3600:.1f} h" if seconds >= 360 else f"{seconds / 60:.1f} min"
