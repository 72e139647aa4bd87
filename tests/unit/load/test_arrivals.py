"""
Arrivals: when the requests of each kind of load are due.
"""

from __future__ import annotations

import itertools
from statistics import fmean

import pytest

from pytest_ernie.load.arrivals import STAGGER_S, Arrivals, closed


def test_a_closed_loop_fills_its_slots_one_after_the_other() -> None:
    """
    The rest follow the ends of others, so they have no times.
    """
    assert closed(3).due_s(10) == [0.0, STAGGER_S, 2 * STAGGER_S]
    assert closed(3).due_s(2) == [0.0, STAGGER_S]
    assert closed(3).refill


def test_a_constant_rate_is_even() -> None:
    """
    Whatever the server does.
    """
    arrivals = Arrivals(kind="constant", rate_per_s=4.0)
    assert arrivals.due_s(3) == [0.0, 0.25, 0.5]
    assert not arrivals.refill


def test_poisson_arrivals_come_at_their_rate_and_the_same_for_a_seed() -> None:
    """
    Mean and spread of the gaps are those of an exponential distribution.
    """
    due = Arrivals(kind="poisson", rate_per_s=50.0, seed=1).due_s(20_000)
    gaps = [b - a for a, b in itertools.pairwise(due)]
    assert due == sorted(due)
    assert fmean(gaps) == pytest.approx(0.02, rel=0.03)
    assert fmean(gap**2 for gap in gaps) == pytest.approx(2 * 0.02**2, rel=0.06)
    assert due == Arrivals(kind="poisson", rate_per_s=50.0, seed=1).due_s(20_000)
    assert due != Arrivals(kind="poisson", rate_per_s=50.0, seed=2).due_s(20_000)
    assert not Arrivals(kind="poisson", rate_per_s=50.0).refill


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "concurrency is None; at least one request must be in flight"),
        ({"concurrency": 0}, "concurrency is 0; at least one request must be in flight"),
        ({"concurrency": -1}, "concurrency is -1"),
        ({"kind": "constant"}, "the rate is None; it must be a number of requests a second"),
        ({"kind": "poisson", "rate_per_s": 0.0}, "the rate is 0.0"),
        ({"kind": "constant", "rate_per_s": float("inf")}, "the rate is inf"),
        ({"kind": "constant", "rate_per_s": float("nan")}, "the rate is nan"),
    ],
)
def test_a_load_that_is_none_is_refused(fields: dict[str, object], words: str) -> None:
    """
    Before anything is sent.
    """
    with pytest.raises(ValueError, match=words):
        Arrivals(**fields)  # type: ignore[arg-type]  # wrong on purpose
