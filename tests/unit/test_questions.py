"""
How often what a verdict rests on was begun (R15: no best-of-N).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.bundles import subject
from pytest_ernie.evidence import Store, What
from pytest_ernie.questions import attempts_at
from pytest_ernie.standard import criteria, load

CRITERION = next(one for one in criteria(load("ernie-4.5")) if one.clause == "inference.throughput")


def trial(number: int | None, model: str = CRITERION.model) -> What:
    """A load of the criterion's search, or its whole workload."""
    return What(
        kind="serving.load",
        edition="ernie-4.5",
        model=model,
        datatype=CRITERION.datatype,
        concurrency=8,
        trial=number,
    )


def measure(store: Store, what: What, reason: str | None = None, driver: str = "1") -> None:
    """Complete a measurement."""
    with store.recording(what, subject(driver=driver), "e" * 64, reason) as recording:
        recording.finish({})


def test_a_search_is_many_measurements_and_one_attempt_at_each(tmp_path: Path) -> None:
    """
    Nothing is told where nothing was begun twice; another model's attempts are its own.
    """
    store = Store(tmp_path)
    for what in (trial(1), trial(2), trial(None), trial(None, model="another")):
        measure(store, what)
    measure(store, trial(None, model="another"), "for fun")

    assert attempts_at(store, CRITERION) is None


def test_every_attempt_is_counted_whatever_became_of_it(tmp_path: Path) -> None:
    """
    One that broke off, one that was measured again, and one with another driver; with the reasons.
    """
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt), store.recording(trial(None), subject(), "e" * 64):
        raise KeyboardInterrupt
    measure(store, trial(None))
    assert attempts_at(store, CRITERION) == "2 at 1 measurement, 1 of them completed"

    measure(store, trial(None), "a new kernel")
    measure(store, trial(None), driver="2")
    measure(store, trial(1))

    assert attempts_at(store, CRITERION) == (
        "5 at 2 measurements, 4 of them completed; measured again because: a new kernel"
    )
