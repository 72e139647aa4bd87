"""
In which order a measurement takes what it needs: equipment, its own key, the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ernie.errors import EngineError
from pytest_ernie.evidence import Recording, Subject, What
from pytest_ernie.leases import Office
from pytest_ernie.measurements.candidate import Candidate
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.registry import Registry
from pytest_ernie.settings import read_settings


class StubPlan:
    """Notes what is held at each step."""

    def __init__(self, candidate_folder: Path, *, timed: bool, breaks: bool = False) -> None:
        self.timed = timed
        self.breaks = breaks
        self.what = What(kind="serving.facts", edition="e", model="m")
        self.steps: list[tuple[str, list[str], int]] = []
        self._folder = candidate_folder

    def _note(self, step: str) -> None:
        machine = [str(held.wish.machine) for held in Office().held()]
        text = (self._folder / "journal.jsonl").read_text() if self._begun() else ""
        self.steps.append((step, machine, text.count('"type":"begin"')))

    def _begun(self) -> bool:
        return (self._folder / "journal.jsonl").exists()

    def subject(self, equipment: Equipment) -> Subject:
        return Subject(device={}, toolchain=None, checkpoint=None)

    @contextmanager
    def equipped(self, equipment: Equipment) -> Iterator[None]:
        self._note("equipped")
        yield
        self._note("given back")

    def make_ready(self, equipment: Equipment) -> None:
        self._note("ready")
        if self.breaks:
            raise EngineError("the server died")

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        self._note("measure")
        recording.finish({})


@pytest.fixture
def candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidate:
    """A candidate on a machine of its own."""
    monkeypatch.setenv("PYTEST_ERNIE_LEASES", str(tmp_path / "leases"))
    settings = read_settings({"device": "cpu", "evidence": "evidence"}, tmp_path)
    return Candidate(settings, Equipment(settings, Registry()))


def test_what_seconds_count_in_is_made_ready_before_the_machine_is_quiet(
    candidate: Candidate, tmp_path: Path
) -> None:
    """
    A start would disturb others' seconds; the record begins when the machine is ours.
    """
    plan = StubPlan(tmp_path / "evidence", timed=True)
    candidate.record(plan)

    assert plan.steps == [
        ("equipped", [], 0),
        ("ready", ["shared"], 0),
        ("measure", ["alone"], 1),
        ("given back", [], 1),
    ]


def test_what_seconds_don_t_count_in_shares_the_machine(
    candidate: Candidate, tmp_path: Path
) -> None:
    """
    Servers of other workers answer meanwhile.
    """
    plan = StubPlan(tmp_path / "evidence", timed=False)
    candidate.record(plan)

    assert [step[:2] for step in plan.steps] == [
        ("equipped", []),
        ("measure", ["shared"]),
        ("given back", []),
    ]


def test_what_is_recorded_needs_nothing(candidate: Candidate, tmp_path: Path) -> None:
    """
    A second run waits for no card.
    """
    candidate.record(StubPlan(tmp_path / "evidence", timed=True))
    again = StubPlan(tmp_path / "evidence", timed=True)
    candidate.record(again)

    assert again.steps == []
    assert candidate.measured == 1


def test_a_start_that_failed_is_evidence(candidate: Candidate, tmp_path: Path) -> None:
    """
    Though the measurement itself never began.
    """
    plan = StubPlan(tmp_path / "evidence", timed=True, breaks=True)
    with pytest.raises(EngineError, match="the server died"):
        candidate.record(plan)

    (failure,) = candidate.store.journal.of_type["failure"]
    assert failure.body["message"] == "the server died"
    assert Office().held() == ()
