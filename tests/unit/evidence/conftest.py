"""
Evidence to be damaged: a folder with finished measurements, and a way to rewrite its journal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from evidence_kit import OTHER, WHAT, Lines, line_of, measure

from pytest_ernie.evidence import Store


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished measurements: 0 header, 1 subject, 2 to 5 the first, 6 and 7 the second."""
    store = Store(tmp_path_factory.mktemp("recorded") / "evidence")
    measure(store, WHAT, samples=2)
    measure(store, OTHER, loss=3.0)
    return store.folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """A copy of the recorded evidence that a test may damage."""
    return shutil.copytree(recorded, tmp_path / "evidence")


@pytest.fixture
def rewrite(folder: Path) -> Callable[[Callable[[Lines], object]], None]:
    """Change the journal's lines with a function; nothing is hashed anew."""

    def change(edit: Callable[[Lines], object]) -> None:
        path = folder / "journal.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        edit(lines)
        path.write_text("".join(line_of(entry) + "\n" for entry in lines), encoding="utf-8")

    return change
