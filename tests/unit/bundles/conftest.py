"""
Evidence to pack, sign, verify and forge: made of the shipped rehearsal's reference, as another device's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from doubles.forger import REFERENCE, Workshop, as_a_candidates, claimed_run, small_evidence
from pytest_ernie.bundles.keys import new_key
from pytest_ernie.bundles.rederive import Question, rederive
from pytest_ernie.bundles.runs import write_run
from pytest_ernie.evidence import Store
from pytest_ernie.verdicts import Word


@pytest.fixture(scope="session")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole candidate's evidence, with the verdicts that its run came to."""
    place = tmp_path_factory.mktemp("candidate") / "evidence"
    folder = as_a_candidates(Workshop.on_copy(REFERENCE, place)).write()
    question = Question(evidence=str(folder), reference=str(REFERENCE), edition="rehearsal")
    passed = (j for j in rederive(question).values() if j.verdict.word is Word.PASS)
    head = Store(REFERENCE).journal.entries[-1].hash
    run = claimed_run(tuple(passed), reference=head)
    write_run(folder, run)
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One measurement of each kind, two load runs: what is quickly examined."""
    return small_evidence(tmp_path_factory.mktemp("small") / "evidence")


@pytest.fixture
def workshop(small: Path, tmp_path: Path) -> Workshop:
    """A copy of the small evidence, to be forged."""
    return Workshop(Path(shutil.copytree(small, tmp_path / "evidence")))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private keys of the vendor and of somebody else; the public ones lie beside them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("vendor", "somebody"):
        new_key(folder / f"{name}.key", {})
    return {name: folder / f"{name}.key" for name in ("vendor", "somebody")}
