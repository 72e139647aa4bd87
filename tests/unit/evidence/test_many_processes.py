"""
Several processes in one folder: every entry arrives, and only one measures at a time.
"""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest
from evidence_kit import EDITION, SUBJECT, WHAT

from pytest_ernie.evidence import Store
from pytest_ernie.evidence.journal import Journal

SPAWN = multiprocessing.get_context(
    "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
)
EACH = 60


def append_many(folder: Path, name: str) -> None:
    """Append entries, long and short."""
    journal = Journal(folder)
    for number in range(EACH):
        journal.append("sample", name, {"number": number, "text": "x" * (number % 7) * 5000})


def measure_once(folder: Path, name: str) -> None:
    """Measure under the lock what nobody has measured yet."""
    store = Store(folder)
    with store.exclusive(WHAT):
        if store.find(WHAT, SUBJECT) is not None:
            return
        with store.recording(WHAT, SUBJECT, EDITION) as recording:
            time.sleep(0.05)
            recording.finish({"by": name})


def begin_once(folder: Path, name: str) -> None:
    """Write what only the first process writes, having looked before anybody had."""
    journal = Journal(folder)
    time.sleep(0.05)
    journal.append("header", "header", {"by": name}, once=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path / "evidence"


def together(target: object, folder: Path, count: int) -> list[int | None]:
    """Run a function in several processes at once; return their exit codes."""
    processes = [
        SPAWN.Process(target=target, args=(folder, f"p{number}"))  # type: ignore[arg-type]  # the stubs want a BaseContext
        for number in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    return [process.exitcode for process in processes]


def test_entries_of_processes_that_append_at_once_all_arrive(folder: Path) -> None:
    """
    In one unbroken chain, each process's own in order.
    """
    assert together(append_many, folder, 3) == [0, 0, 0]

    journal = Journal(folder)
    assert (len(journal.entries), journal.altered, journal.gaps) == (3 * EACH, {}, [])
    assert [list(range(EACH))] * 3 == [
        [entry.body["number"] for entry in journal.of_id[f"p{number}"]] for number in range(3)
    ]


def test_only_one_process_measures(folder: Path) -> None:
    """
    The others wait, look again, and find it.
    """
    assert together(measure_once, folder, 3) == [0, 0, 0]

    types = [entry.type for entry in Journal(folder).entries]
    assert (types.count("begin"), types.count("result")) == (1, 1)


def test_a_folder_is_begun_once(folder: Path) -> None:
    """
    Though every process saw an empty one.
    """
    assert together(begin_once, folder, 3) == [0, 0, 0]

    assert [entry.type for entry in Journal(folder).entries] == ["header"]
