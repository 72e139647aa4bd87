"""
Splitting a certification into shards that know nothing of each other, by what shares a start.

Longest first, each to the shard that has least to do so far (LPT; Graham 1969: at most 4/3 of the shortest
time there can be). The same criteria and weights give the same shards everywhere, so every host can
split for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_ernie.standard.criteria import Criterion, workloads_of
from pytest_ernie.standard.model import Edition
from pytest_ernie.standard.starts import Start, in_order

Planned = tuple[Start, tuple[Criterion, ...]]
"""A start and the criteria that share it."""

TRAINED_TO_READ = 3
"""A trained token costs a forward and a backward pass, and the latter about twice the former."""
SERVED_TO_READ = 4
"""Answers are decoded token by token, and the search for the highest load runs most of a workload, too."""


def split(
    edition: Edition,
    criteria: Iterable[Criterion],
    count: int,
    seconds: Mapping[Start, float] | None = None,
) -> tuple[tuple[Planned, ...], ...]:
    """
    Return ``count`` shards, each in the order of a run: together all the criteria, and none twice.

    ``seconds`` are what starts are known to take; the others are weighed by their work beside
    those. Shards beyond the number of starts are empty.
    """
    planned = in_order(edition, criteria)
    weights = _weights(edition, planned, seconds or {})
    longest_first = sorted(range(len(planned)), key=lambda place: (-weights[place], place))
    loads = [0.0] * count
    places: list[list[int]] = [[] for _ in range(count)]
    for place in longest_first:
        shard = min(range(count), key=lambda number: (loads[number], number))
        loads[shard] += weights[place]
        places[shard].append(place)
    return tuple(tuple(planned[place] for place in sorted(own)) for own in places)


def _weights(
    edition: Edition, planned: Sequence[Planned], seconds: Mapping[Start, float]
) -> list[float]:
    """Return seconds where any are known, else work; what isn't known stands in proportion."""
    works = [work(edition, start, criteria) for start, criteria in planned]
    known = [
        (seconds[start], did)
        for (start, _), did in zip(planned, works, strict=True)
        if start in seconds
    ]
    s_for_work = sum(s for s, _ in known) / sum(did for _, did in known) if known else 1.0
    return [
        seconds.get(start, did * s_for_work) for (start, _), did in zip(planned, works, strict=True)
    ]


def work(edition: Edition, start: Start, criteria: Sequence[Criterion]) -> float:
    """
    Return about how much a start's criteria compute, relative to others: tokens times active parameters.

    It balances shards before anything was measured, and is never shown as a time.
    """
    size = _active_billions(start.model)
    if start.phase == "training":
        return TRAINED_TO_READ * size * _trained_tokens(edition, start)
    model = edition.model(start.model)
    tokens = 0.0
    for criterion in criteria:
        if criterion.clause == "inference.throughput":
            tokens += sum(
                load.prompts * load.output_tokens_mean * SERVED_TO_READ
                for load in workloads_of(edition, model)
            )
        elif criterion.clause == "inference.context":
            depths = edition.rulings.serving_context.needle_depths
            tokens += (criterion.length or 0) * len(depths)
        elif criterion.clause == "inference.accuracy":
            data = next(data for data in edition.datasets if data.name == criterion.dataset)
            tokens += 1000 * data.max_tokens
    return size * (tokens + 1.0)


def _trained_tokens(edition: Edition, start: Start) -> float:
    if start.length is not None:
        rule = edition.rulings.training_context
        return rule.steps * rule.global_batch * (start.length / rule.length_divisor)
    recipe = edition.recipe(start.model, start.method or "")
    if recipe is None:
        return edition.rulings.training_throughput.last_step * 16 * 8192.0
    return float(recipe.steps * recipe.global_batch * recipe.sequence_length)


def _active_billions(model: str) -> float:
    """Return the active parameters by the model's own name: 47 of ERNIE-4.5-300B-A47B."""
    found = re.search(r"-A?(\d+(?:\.\d+)?)B(?!-A\d)\b", model)
    return float(found[1]) if found else 1.0
