"""
What conformance tests ask for: nouns, and two verbs, ``show`` and ``judge``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_ernie.clauses import criterion_of
from pytest_ernie.questions import ATTEMPTS, attempts_at
from pytest_ernie.session import ErnieSession, get_session
from pytest_ernie.settings import Settings
from pytest_ernie.standard import Edition
from pytest_ernie.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_ernie.measurements import Bench


@pytest.fixture(scope="session")
def ernie(pytestconfig: pytest.Config) -> ErnieSession:
    """The run's shared state."""
    return get_session(pytestconfig)


@pytest.fixture(scope="session")
def settings(ernie: ErnieSession) -> Settings:
    """What the command line and the site file say."""
    return ernie.settings


@pytest.fixture(scope="session")
def standard(ernie: ErnieSession) -> Edition:
    """The edition of the certification standard."""
    return ernie.settings.edition


@pytest.fixture
def candidate(ernie: ErnieSession) -> Bench:
    """The device under certification: recorded evidence, or a measurement made now."""
    return ernie.candidate


@pytest.fixture
def reference(ernie: ErnieSession) -> Bench:
    """What it is compared with: evidence recorded elsewhere."""
    return ernie.reference


@pytest.fixture
def show(
    request: pytest.FixtureRequest, ernie: ErnieSession
) -> Callable[[str, tuple[str, ...]], None]:
    """Show what was measured, and notes on it, even if there is nothing to compare it with."""
    return partial(ernie.outcomes.show, request.node)


@pytest.fixture
def judge(request: pytest.FixtureRequest, ernie: ErnieSession) -> Callable[[Verdict], None]:
    """Take the verdict of the criterion; anything but PASS ends the test."""
    item = request.node
    criterion = criterion_of(item)

    def take(verdict: Verdict) -> None:
        if criterion and (told := attempts_at(ernie.candidate.store, criterion)):
            notes = (*verdict.notes, f"{ATTEMPTS}{told}")
            verdict = msgspec.structs.replace(verdict, notes=notes)
        ernie.outcomes.judge(item, verdict)

    return take
