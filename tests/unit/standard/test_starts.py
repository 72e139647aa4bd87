"""
What must be started for the standard, how often, and in which order.
"""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.standard import criteria, load
from pytest_ernie.standard.starts import in_order, start_of

EDITIONS = ("ernie-4.5", "rehearsal")


@pytest.mark.parametrize(
    ("edition", "tier", "servers", "runs"),
    [
        ("ernie-4.5", 1, 5, 30),
        ("ernie-4.5", 2, 5, 40),
        ("ernie-4.5", 3, 5, 40),
        ("ernie-4.5", None, 15, 40),
        ("rehearsal", 1, 1, 6),
        ("rehearsal", None, 3, 8),
    ],
)
def test_the_number_of_starts(edition: str, tier: int | None, servers: int, runs: int) -> None:
    """
    A server for each model and data type; a run for each method, and one more for each length.
    """
    chosen = [c for c in criteria(load(edition)) if tier is None or tier in c.tiers]
    phases = [start.phase for start, _ in in_order(load(edition), chosen)]

    assert (phases.count("serving"), phases.count("training")) == (servers, runs)


@pytest.mark.parametrize("name", EDITIONS)
def test_each_start_comes_once_whatever_order_was_asked_for(name: str) -> None:
    """
    The number of starts is the lower bound: that of distinct configurations.
    """
    edition = load(name)
    asked = list(criteria(edition))
    random.Random(5).shuffle(asked)
    planned = in_order(edition, asked)

    assert len(planned) == len({start_of(edition, criterion) for criterion in asked})
    assert planned == in_order(edition, criteria(edition))
    assert sorted(c.name for _, served in planned for c in served) == sorted(c.name for c in asked)


@pytest.mark.parametrize("name", EDITIONS)
def test_criteria_share_a_start_where_they_share_a_server(name: str) -> None:
    """
    The plan and the measurements mean the same server.
    """
    edition = load(name)
    serving = [c for c in criteria(edition) if c.clause.startswith("inference.")]

    for one, other in combinations(serving, 2):
        same = Configuration.of(edition, one) == Configuration.of(edition, other)
        assert same == (start_of(edition, one) == start_of(edition, other))


def test_loss_and_throughput_share_a_run_and_context_has_its_own() -> None:
    """
    R5 counts tokens in the 500 steps of the loss; R12 wants a run at each length.
    """
    edition = load("rehearsal")
    training = [c for c in criteria(edition) if c.method == "sft"]
    shared = [[c.clause for c in served] for _, served in in_order(edition, training)]

    assert shared == [
        ["training.loss", "training.throughput", "training.throughput"],
        ["training.context"],
        ["training.context"],
        ["training.context"],
    ]


def test_training_comes_first_and_the_cheap_before_the_dear() -> None:
    """
    A server that computes in the wrong type is found out before its throughput is measured.
    """
    edition = load("rehearsal")
    planned = in_order(edition, [c for c in criteria(edition) if 2 in c.tiers])
    serving = next(served for start, served in planned if start.phase == "serving")

    assert [start.phase for start, _ in planned] == ["training"] * 8 + ["serving"]
    assert [(c.clause.split(".")[1], c.length) for c in serving] == [
        ("datatype", None),
        ("context", 8192),
        ("context", 32768),
        ("context", 131072),
        ("throughput", None),
        *[("accuracy", None)] * 4,
    ]
