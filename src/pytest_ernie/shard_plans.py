"""
Making a plan of shards: how many cards and hours each takes, and the command that runs it.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from pytest_ernie.errors import UsageProblem
from pytest_ernie.questions import Question, hours_in_words, seconds_of
from pytest_ernie.settings import Settings
from pytest_ernie.shards import COUNT_MAX, LAYOUT, Shard, ShardPlan
from pytest_ernie.site import Site
from pytest_ernie.standard import Criterion
from pytest_ernie.standard.shards import Planned, split
from pytest_ernie.standard.starts import Start, in_order

WITHOUT_CARDS = (None, "cpu", "endpoint")


def plan_shards(
    settings: Settings,
    chosen: Sequence[Criterion],
    known: Mapping[Question, float],
    options: argparse.Namespace,
) -> ShardPlan:
    """
    Return the plan that the options of ``pytest-ernie plan --shards`` ask for.

    Known hours decide who gets what only if the plan is written to a file, which every host then reads;
    ``--shard=2/3`` must give the same shards on a host that knows no hours. UsageProblem for
    too many shards.
    """
    count, output = options.shards, options.output
    starts = in_order(settings.edition, chosen)
    if not 1 <= count <= min(len(starts), COUNT_MAX):
        raise UsageProblem(
            "there can't be so many shards",
            where="--shards",
            got=count,
            wanted=f"1 to {len(starts)}: a server or training run isn't split",
        )
    seconds = {start: took for start, own in starts if (took := seconds_of(own, known)) is not None}
    shards = split(settings.edition, chosen, count, seconds if output else None)
    return ShardPlan(
        layout=LAYOUT,
        edition=settings.edition.name,
        edition_digest=settings.edition_digest,
        shards=tuple(
            _shard(settings, number, planned, seconds, options)
            for number, planned in enumerate(shards, 1)
        ),
    )


def _shard(
    settings: Settings,
    number: int,
    planned: Sequence[Planned],
    seconds: Mapping[Start, float],
    options: argparse.Namespace,
) -> Shard:
    starts = [start for start, _ in planned]
    told = all(start in seconds for start in starts)
    site = settings.site or Site()
    return Shard(
        number=number,
        cards=max(cards_of(start, site, settings.device_kind) for start in starts),
        seconds=sum(seconds[start] for start in starts) if told else None,
        starts=tuple(start.title for start in starts),
        criteria=tuple(criterion.name for _, criteria in planned for criterion in criteria),
        command=shlex.join(arguments(number, options)),
    )


def cards_of(start: Start, site: Site, kind: str | None) -> int:
    """
    Return how many of the site's cards a start takes.

    Training takes all, and so does serving (R6: a whole machine), unless the site states how many
    replicas there are and the cards of each.
    """
    if kind in WITHOUT_CARDS:
        return 0
    if start.phase == "serving":
        model = site.models.get(start.model)
        own = model.served_as(start.datatype) if model else None
        tables = [table for table in (own, site.engine) if table is not None]
        replicas = next((table.replicas for table in tables if table.replicas), None)
        size = next((table.tensor_parallel for table in tables if table.tensor_parallel), None)
        if replicas and size:
            return min(replicas * size, len(site.cards))
    return len(site.cards)


def arguments(number: int, options: argparse.Namespace) -> list[str]:
    """Return the words of the pytest invocation of one shard."""
    stated = {name: getattr(options, name) for name in ("device", "site", "edition", "models")}
    given = [f"--{name}={value}" for name, value in stated.items() if value]
    which = options.output if options.output is not None else options.shards
    return [
        *("pytest", "-m", options.markers, *given),
        f"--shard={number}/{which}",
        f"--evidence=ernie-evidence-{number}",
    ]


def write_plan(plan: ShardPlan, path: Path) -> None:
    """Write a plan where hosts read it; UsageProblem if it can't be written."""
    try:
        path.write_text(as_json(plan) + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageProblem(f"the plan can't be written ({problem.strerror})", where=path) from None


def as_json(plan: ShardPlan) -> str:
    """Return the plan as JSON that people can read."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()


def lines_of(plan: ShardPlan) -> Iterator[str]:
    """Yield what people read: each shard with what it starts, and its command."""
    for shard in plan.shards:
        yield (
            f"shard {shard.number} of {len(plan.shards)}: {_time(shard.seconds)}, "
            f"{shard.cards or 'no'} card{'' if shard.cards == 1 else 's'}, "
            f"{len(shard.criteria)} criteria"
        )
        yield from (f"    {start}" for start in shard.starts)
        yield f"  {shard.command}"
    times = [shard.seconds for shard in plan.shards if shard.seconds is not None]
    yield ""
    if len(times) == len(plan.shards):
        yield (
            f"about {hours_in_words(max(times))} side by side, {hours_in_words(sum(times))} one after "
            "the other"
        )
    folders = " ".join(f"ernie-evidence-{shard.number}" for shard in plan.shards)
    yield f"then: pytest-ernie merge {folders} -o ernie-evidence"


def _time(seconds: float | None) -> str:
    return "time not known" if seconds is None else f"about {hours_in_words(seconds)}"
