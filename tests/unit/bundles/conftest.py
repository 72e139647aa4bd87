"""
Evidence to pack, sign, verify and forge: made of the shipped rehearsal's reference, as another device's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from doubles.forger import REFERENCE, SUITE, Workshop, as_a_candidates, one_of_each_kind
from pytest_ernie.bundles.keys import new_key
from pytest_ernie.bundles.rederive import Question, rederive
from pytest_ernie.bundles.runs import Run, write_run
from pytest_ernie.evidence import Store


@pytest.fixture(scope="session")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole candidate's evidence, with the verdicts that its run came to."""
    place = tmp_path_factory.mktemp("candidate") / "evidence"
    folder = as_a_candidates(Workshop.on_copy(REFERENCE, place)).write()
    question = Question(evidence=str(folder), reference=str(REFERENCE), edition="rehearsal")
    run = Run(
        suite=SUITE,
        edition="rehearsal",
        edition_digest="e" * 64,
        device="cpu",
        applicant="chip",
        offline=False,
        recorded_reference=False,
        reference=Store(REFERENCE).journal.entries[-1].hash,
        started_unix_s=1.0,
        ended_unix_s=2.0,
        site=None,
        judgements=tuple(
            judgement
            for judgement in rederive(question).values()
            if judgement.verdict.word.value == "PASS"
        ),
    )
    write_run(folder, run)
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One measurement of each kind, two load runs: what is quickly examined."""
    place = tmp_path_factory.mktemp("small") / "evidence"
    return one_of_each_kind(as_a_candidates(Workshop.on_copy(REFERENCE, place))).write()


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
