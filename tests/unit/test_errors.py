"""
The words of errors: what is wrong, where, got, wanted, what to do, in that order.
"""

from __future__ import annotations

import inspect
import pickle

import pytest

from pytest_ernie import errors
from pytest_ernie.errors import (
    DeviceError,
    EngineError,
    ErnieError,
    EvidenceError,
    EvidenceMissing,
    EvidenceTampered,
    MeasurementError,
    ServerDied,
    ServerNotStarted,
    SeveralSubjects,
    SiteError,
    StandardError,
    ToolchainError,
    TrainerError,
    UsageProblem,
)

PARTS = {"where": "a.toml", "got": 80, "wanted": 0.8, "fix": "Give a fraction"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), "it is wrong"),
        (("where",), "a.toml: it is wrong"),
        (("got",), "it is wrong; got 80"),
        (("wanted",), "it is wrong; wanted 0.8"),
        (("fix",), "it is wrong. Give a fraction"),
        (("got", "wanted"), "it is wrong; got 80; wanted 0.8"),
        (
            ("where", "got", "wanted", "fix"),
            "a.toml: it is wrong; got 80; wanted 0.8. Give a fraction",
        ),
    ],
)
def test_a_message_joins_its_parts_in_a_fixed_order(given: tuple[str, ...], expected: str) -> None:
    """
    Whatever is left out leaves no trace, and what is given stands in the same order.
    """
    error = ErnieError("it is wrong", **{name: PARTS[name] for name in given})  # type: ignore[arg-type]  # the parts by name

    assert expected == str(error)


def test_falsy_values_are_values() -> None:
    """
    A wrong 0 is shown as 0: only None means that there is nothing to show.
    """
    shown = [str(ErnieError("the share is wrong", got=got, wanted="")) for got in (0, "")]

    assert shown == ["the share is wrong; got 0; wanted ", "the share is wrong; got ; wanted "]


def test_the_parts_stay_readable_one_by_one() -> None:
    """
    Reports show the parts apart, as text.
    """
    error = ErnieError("it is wrong", **PARTS)  # type: ignore[arg-type]  # the parts by name

    assert (
        error.what,
        error.where,
        error.got,
        error.wanted,
        error.fix,
    ) == ("it is wrong", "a.toml", "80", "0.8", "Give a fraction")


def test_an_absent_part_is_none_and_not_the_word_none() -> None:
    """
    ``str(None)`` must not leak into a message.
    """
    error = ErnieError("it is wrong")

    assert (error.where, error.got, error.wanted, error.fix) == (None, None, None, None)


def test_an_error_keeps_its_words_from_one_process_to_another() -> None:
    """
    Workers hand errors over by pickling them.
    """
    error = SiteError("it is wrong", where="a.toml", got=80)

    copied = pickle.loads(pickle.dumps(error))

    assert (SiteError, "a.toml: it is wrong; got 80") == (type(copied), str(copied))


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (UsageProblem, ErnieError),
        (StandardError, UsageProblem),
        (SiteError, UsageProblem),
        (DeviceError, UsageProblem),
        (ToolchainError, ErnieError),
        (MeasurementError, ErnieError),
        (TrainerError, MeasurementError),
        (EngineError, MeasurementError),
        (ServerNotStarted, EngineError),
        (ServerDied, EngineError),
        (EvidenceError, ErnieError),
        (EvidenceMissing, EvidenceError),
        (EvidenceTampered, EvidenceError),
        (SeveralSubjects, EvidenceError),
    ],
)
def test_the_tree_is_the_one_that_is_drawn(kind: type, parent: type) -> None:
    """
    What catches a parent catches its children and nothing else.
    """
    assert (parent,) == kind.__bases__


def test_every_error_is_drawn_in_the_tree() -> None:
    """
    The module's docstring is the place where a reader looks.
    """
    kinds = [
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ErnieError)
    ]

    assert [name for name in kinds if name not in (errors.__doc__ or "")] == []
