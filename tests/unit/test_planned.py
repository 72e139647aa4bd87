"""
What ``pytest-ernie plan`` says: starts in order, and hours by what was recorded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ernie import planned
from pytest_ernie.cli import main
from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.planned import chosen_by, durations_s, lines
from pytest_ernie.questions import Question
from pytest_ernie.standard import Criterion, criteria, load

EDITION = load("rehearsal")
MODEL = "ERNIE-4.5-tiny"
SUBJECT = Subject(device={}, toolchain=None, checkpoint=None)


def of_tier(number: int) -> list[Criterion]:
    """The criteria of a tier."""
    return [c for c in criteria(EDITION) if number in c.tiers]


def serving(kind: Any, **more: Any) -> What:
    """A measurement of tier II's server."""
    return What(kind=kind, edition="rehearsal", model=MODEL, datatype="wint4", **more)


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("training or inference", 37),
        ("tier1", 13),
        ("tier1 and inference", 7),
        ("tier2 and not (accuracy or training)", 5),
        ("preflight", 0),
    ],
)
def test_markers_choose_as_pytest_s_do(expression: str, count: int) -> None:
    """
    The same criteria as ``pytest -m`` takes.
    """
    assert count == sum(chosen_by(expression, criterion) for criterion in criteria(EDITION))


@pytest.mark.parametrize("expression", ["tier4", "tier1 and", "tier1 + tier2", "1", "tier1()", ""])
def test_what_chooses_nothing_is_refused(expression: str) -> None:
    """
    A misspelt marker would plan an empty run.
    """
    with pytest.raises(
        UsageProblem, match=r"-m: this chooses nothing; got .*; wanted and, or, not"
    ):
        chosen_by(expression, criteria(EDITION)[0])


def test_without_evidence_nothing_is_made_up() -> None:
    """
    Starts are counted, hours aren't guessed.
    """
    planned_lines = list(lines(EDITION, of_tier(2), {}, source=None))

    assert [line.split("  ")[1] for line in planned_lines[:2]] == [
        "train ERNIE-4.5-tiny sft",
        "train ERNIE-4.5-tiny sft at 8192 tokens",
    ]
    assert " ".join(planned_lines[8].split()) == (
        "9 serve ERNIE-4.5-tiny in wint4, window 131072 not known "
        "datatype, context x3, throughput, accuracy x4"
    )
    assert planned_lines[10:] == [
        "19 criteria; servers to start: 1, training runs: 8. That is one for each configuration, "
        "the fewest there can be",
        "for 17 of 17 measurements nothing tells how long they take",
    ]


def test_hours_are_those_of_what_is_recorded() -> None:
    """
    A start of which only a part is known says so by a sign.
    """
    known = {
        Question(kind="training.run", model=MODEL, method="sft"): 7200.0,
        Question(kind="serving.facts", model=MODEL, datatype="wint4"): 60.0,
    }
    planned_lines = list(lines(EDITION, of_tier(2), known, source=Path("evidence")))

    assert " 2.0 h  loss, throughput" in planned_lines[0]
    assert " > 1.0 min  datatype" in planned_lines[8]
    assert planned_lines[-2:] == [
        "about 2.0 h, one after the other, for 2 of 17 measurements: what they took in evidence",
        "for 15 of 17 measurements nothing tells how long they take",
    ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The journal's clock: each entry takes the time that stands there."""
    now = [1000.0]
    monkeypatch.setattr("pytest_ernie.evidence.journal.time.time", lambda: now[0])
    return now


def attempt(
    store: Store,
    clock: list[float],
    what: What,
    seconds: float,
    *,
    reason: str = "",
    ends: bool = True,
) -> None:
    """Measure for so long, and finish or break off."""
    try:
        with store.recording(what, SUBJECT, "d", reason=reason or None) as recording:
            clock[0] += seconds
            if not ends:
                raise RuntimeError("killed")
            recording.finish({})
    except RuntimeError:
        pass
    clock[0] += 5000.0


def test_durations_are_read_from_the_journal(tmp_path: Path, clock: list[float]) -> None:
    """
    Attempts of one measurement add up, the night between them doesn't; what was made again counts once.
    """
    store = Store(tmp_path)
    facts, context = serving("serving.facts"), serving("serving.context", length=8192)
    attempt(store, clock, facts, 30, ends=False)
    attempt(store, clock, facts, 50)
    attempt(store, clock, context, 10)
    attempt(store, clock, context, 20, reason="a new driver")

    assert durations_s(store, EDITION) == {
        Question(kind="serving.facts", model=MODEL, datatype="wint4"): 80.0,
        Question(kind="serving.context", model=MODEL, datatype="wint4", length=8192): 20.0,
    }


def test_a_search_counts_once_the_whole_workload_was_run(
    tmp_path: Path, clock: list[float]
) -> None:
    """
    Its trials then count, too; a reference's second run, and what wasn't completed, don't.
    """
    store = Store(tmp_path)
    load_of = Question(kind="serving.load", model=MODEL, datatype="wint4")
    attempt(store, clock, serving("serving.load", concurrency=8, repeat=1, trial=1), 40)
    assert durations_s(store, EDITION) == {}

    attempt(store, clock, serving("serving.load", concurrency=8, repeat=1), 100)
    attempt(store, clock, serving("serving.load", concurrency=8, repeat=2), 100)
    attempt(store, clock, serving("serving.accuracy", dataset="arithmetic"), 9, ends=False)
    assert durations_s(store, EDITION) == {load_of: 140.0}


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    It reads the shipped reference as anybody's evidence, and measures nothing.
    """
    monkeypatch.chdir(tmp_path)
    reference = Path(planned.__file__).parent / "rehearsal" / "reference"

    assert (
        main(["plan", "--device=cpu", "-m", "tier1 and datatype", f"--evidence={reference}"]) == 0
    )
    assert capsys.readouterr().out.splitlines()[2].startswith("1 criteria; servers to start: 1")
    assert main(["plan", "--edition=ernie-4.5", "-m", "tier3"]) == 0
    assert "servers to start: 5, training runs: 40" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
