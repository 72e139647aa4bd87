"""
What all tests of the suite share.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# A pytest within pytest forgets what it imported, and imports it anew: numpy can't be, and an error of
# one httpx isn't caught as that of another.
import httpcore  # noqa: F401 (see above)
import httpx  # noqa: F401 (see above)
import numpy as np  # noqa: F401 (see above)
import pytest

if TYPE_CHECKING:
    from doubles.kill_runs import Whole
    from doubles.nursery import Nursery

# What takes minutes runs only when it is asked for by name: pytest tests/real, pytest tests/faults ...
collect_ignore = [
    folder
    for folder in ("real", "faults", "kills", "slurm", "tamper", "browser")
    if not any(f"tests/{folder}" in word for word in sys.argv)
]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def conformance_folder() -> Path:
    """The conformance tests of this checkout."""
    return ROOT / "conformance"


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where runs come from that are killed."""
    from doubles.kill_runs import environment
    from doubles.nursery import Nursery

    found = Nursery(environment(tmp_path_factory.mktemp("nursery")))
    yield found
    found.close()


@pytest.fixture(scope="module")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A run that nobody interferes with: ten of the thirteen criteria of tier I."""
    from doubles.kill_runs import whole_run

    return whole_run(tmp_path_factory.mktemp("whole"), nursery)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No unit test may find, or make, a toolchain in the user's own cache."""
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _own_leases(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a real run on this machine, or keeps one waiting."""
    monkeypatch.setenv("PYTEST_ERNIE_LEASES", str(tmp_path_factory.getbasetemp() / "leases"))


@pytest.fixture(scope="session", autouse=True)
def _no_power_cut() -> Iterator[None]:
    """Only a power cut would lose what wasn't flushed to the disk, and flushing takes half of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a line is wrapped doesn't depend on who runs the tests, and where."""
    monkeypatch.setenv("COLUMNS", "120")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("error"), append=False)
