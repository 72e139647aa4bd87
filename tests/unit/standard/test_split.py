"""
Shards: together everything, nothing twice, the same everywhere, and about equally long.
"""

from __future__ import annotations

import random

import pytest

from pytest_ernie.standard import criteria, load
from pytest_ernie.standard.shards import split, work
from pytest_ernie.standard.starts import Start, in_order, start_of

EDITIONS = {name: load(name) for name in ("ernie-4.5", "rehearsal")}


def seconds_of_some(draw: random.Random, starts: list[Start]) -> dict[Start, float]:
    """What earlier evidence may tell: of none, some or all of the starts."""
    known = draw.sample(starts, draw.randint(0, len(starts)))
    return {start: draw.uniform(1, 1e5) for start in known}


@pytest.mark.parametrize("seed", range(40))
def test_any_choice_is_split_completely_and_without_overlap(seed: int) -> None:
    """
    Whatever was chosen, into however many shards: a start stays whole, and the order given doesn't matter.
    """
    draw = random.Random(seed)
    edition = EDITIONS[draw.choice(list(EDITIONS))]
    chosen = draw.sample(criteria(edition), draw.randint(1, len(criteria(edition))))
    starts = [start for start, _ in in_order(edition, chosen)]
    seconds = seconds_of_some(draw, starts)
    count = draw.randint(1, len(starts))

    shards = split(edition, chosen, count, seconds)
    draw.shuffle(chosen)

    assert shards == split(edition, chosen, count, seconds)
    shown = [criterion.name for shard in shards for _, own in shard for criterion in own]
    assert sorted(shown) == sorted(criterion.name for criterion in chosen)
    placed = [start for shard in shards for start, _ in shard]
    assert len(placed) == len(starts)
    assert set(placed) == set(starts)
    assert all(
        start_of(edition, one) == start for shard in shards for start, own in shard for one in own
    )
    assert len(shards) == count
    assert all(shards)


@pytest.mark.parametrize("seed", range(20))
def test_no_shard_could_have_given_work_to_another(seed: int) -> None:
    """
    The longest shard without the shortest of its starts is no longer than any other shard.
    """
    draw = random.Random(seed)
    edition = EDITIONS["ernie-4.5"]
    starts = [start for start, _ in in_order(edition, criteria(edition))]
    seconds = {start: draw.expovariate(1e-4) for start in starts}

    shards = split(edition, criteria(edition), draw.randint(2, 12), seconds)

    times = [[seconds[start] for start, _ in shard] for shard in shards]
    longest = max(times, key=sum)
    assert sum(longest) - min(longest) <= min(map(sum, times))


def test_longest_first() -> None:
    """
    3, 5, 3, 4, 3 on two machines: 5, 4, then each 3 to the one that has less; 8 and 10, not 11 and 7.
    """
    edition = EDITIONS["rehearsal"]
    chosen = [c for c in criteria(edition) if c.clause.startswith("training.")]
    starts = [start for start, _ in in_order(edition, chosen)][:5]
    chosen = [c for c in chosen if start_of(edition, c) in starts]
    seconds = dict(zip(starts, (3.0, 5.0, 3.0, 4.0, 3.0), strict=True))

    first, second = split(edition, chosen, 2, seconds)

    assert [seconds[start] for start, _ in first] == [5.0, 3.0]
    assert [seconds[start] for start, _ in second] == [3.0, 4.0, 3.0]


@pytest.mark.parametrize(
    ("model", "like"),
    [("ERNIE-4.5-300B-A47B", 47.0), ("ERNIE-4.5-21B-A3B", 3.0), ("ERNIE-4.5-0.3B", 0.3)],
)
def test_work_knows_a_large_model_from_a_small_one(model: str, like: float) -> None:
    """
    The same prompt costs by the active parameters of the model's name; nothing is claimed in hours.
    """
    edition = EDITIONS["ernie-4.5"]
    filled = [
        next(
            criterion
            for criterion in criteria(edition)
            if (criterion.clause, criterion.model) == ("inference.context", name)
        )
        for name in (model, "ERNIE-4.5-28B-A3B")
    ]
    works = [work(edition, start_of(edition, criterion), [criterion]) for criterion in filled]

    assert works[0] / works[1] == pytest.approx(like / 3)
