"""
One shard of a certification: ``--shard=2/3``, or ``--shard=2/shards.json`` as a plan has it.

``2/3`` follows from the edition and the chosen criteria alone. A plan file holds a split that was made once,
by hours that earlier evidence tells, for all hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pytest_ernie.errors import UsageProblem
from pytest_ernie.standard import Criterion, Edition
from pytest_ernie.standard.shards import split

LAYOUT = 1
COUNT_MAX = 1000
LARGEST_PLAN = 16 * 2**20
"""Bytes; the largest certification's plan has some ten thousand."""

Count = Annotated[int, Meta(ge=1, le=COUNT_MAX)]


class Shard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one invocation measures."""

    number: Count
    cards: Annotated[int, Meta(ge=0)]
    """As many as the most demanding of its starts takes."""
    seconds: float | None
    """By earlier evidence; None where that doesn't tell of all that it measures."""
    starts: tuple[str, ...]
    criteria: Annotated[tuple[str, ...], Meta(min_length=1)]
    command: str
    """The pytest invocation."""


class ShardPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certification as shards: what ``pytest-ernie plan --shards`` writes and ``--shard`` reads."""

    layout: int
    edition: str
    edition_digest: str
    shards: Annotated[tuple[Shard, ...], Meta(min_length=1)]


class Asked(Struct, frozen=True, kw_only=True):
    """``--shard`` as given; one of ``of`` and ``plan`` is there."""

    number: int
    of: int | None = None
    plan: Path | None = None

    @property
    def title(self) -> str:
        """How the report's header names it."""
        return f"{self.number} of {self.of if self.of else self.plan}"


def asked_shard(text: str, folder: Path) -> Asked:
    """Return what ``--shard`` asks for; UsageProblem if it is no shard, or none of so many."""
    found = re.fullmatch(r"(\d{1,4})/(.+)", text)
    if found is None:
        raise _unknown(text)
    number, rest = int(found[1]), found[2]
    if not re.fullmatch(r"\d{1,4}", rest):
        return Asked(number=number, plan=folder / rest)
    if not 1 <= number <= int(rest) <= COUNT_MAX:
        raise _unknown(text)
    return Asked(number=number, of=int(rest))


def _unknown(text: str) -> UsageProblem:
    return UsageProblem(
        "this names no shard",
        where="--shard",
        got=text,
        wanted=f"2/3 (of at most {COUNT_MAX}), or 2/FILE of pytest-ernie plan --shards 3 --output FILE",
    )


def names_in(asked: Asked, edition: Edition, digest: str, chosen: Sequence[Criterion]) -> set[str]:
    """
    Return the names of the chosen criteria that belong to the shard.

    ``digest`` is the edition's. UsageProblem where a shard would be empty, or the plan is for something else.
    """
    if asked.of is not None:
        return _of_so_many(asked.number, asked.of, edition, chosen)
    assert asked.plan is not None
    plan = read_plan(asked.plan)
    if (plan.edition, plan.edition_digest) != (edition.name, digest):
        raise UsageProblem(
            "the plan was made for another edition",
            where=asked.plan,
            got=f"{plan.edition} ({plan.edition_digest[:12]})",
            wanted=f"{edition.name} ({digest[:12]})",
        )
    own = next((shard for shard in plan.shards if shard.number == asked.number), None)
    if own is None:
        raise UsageProblem(
            "the plan has no such shard",
            where=asked.plan,
            got=asked.number,
            wanted=len(plan.shards),
        )
    planned = {name for shard in plan.shards for name in shard.criteria}
    strangers = [criterion.name for criterion in chosen if criterion.name not in planned]
    if strangers:
        raise UsageProblem(
            f"{len(strangers)} of the chosen criteria are in none of the plan's shards",
            where=asked.plan,
            got=strangers[0],
            fix="Choose with the same -m, -k and --models as the plan did, or plan anew",
        )
    return set(own.criteria)


def _of_so_many(number: int, count: int, edition: Edition, chosen: Iterable[Criterion]) -> set[str]:
    shards = split(edition, chosen, count)
    if not shards[-1]:
        full = sum(bool(shard) for shard in shards)
        raise UsageProblem(
            "there are more shards than servers and training runs to start, so some would be empty",
            where="--shard",
            got=count,
            wanted=f"at most {full}",
        )
    return {criterion.name for _, criteria in shards[number - 1] for criterion in criteria}


def read_plan(path: Path) -> ShardPlan:
    """Return a plan file; UsageProblem if it is none, or its shards overlap or are numbered wrongly."""
    try:
        if path.stat().st_size > LARGEST_PLAN:
            raise UsageProblem("this is too large for a plan of shards", where=path)
        plan = msgspec.json.decode(path.read_bytes(), type=ShardPlan)
    except OSError as problem:
        raise UsageProblem(
            f"the plan of shards can't be read ({problem.strerror})", where=path
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise UsageProblem(f"this is no plan of shards ({problem})", where=path) from None
    if plan.layout != LAYOUT:
        raise UsageProblem(
            "the plan has a layout that this version doesn't know",
            where=path,
            got=plan.layout,
            wanted=LAYOUT,
        )
    names = [name for shard in plan.shards for name in shard.criteria]
    numbers = [shard.number for shard in plan.shards]
    if len(set(names)) != len(names) or numbers != list(range(1, len(numbers) + 1)):
        raise UsageProblem("the plan's shards overlap, or aren't numbered 1, 2, 3 …", where=path)
    return plan
