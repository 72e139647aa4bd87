"""
SIGKILL at random moments, a full disk, a read-only folder: nothing kept is lost, nothing half is believed.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from doubles.kill_runs import (
    Campaign,
    Whole,
    finished,
    journal_of,
    killed_often,
    tear,
)
from doubles.nursery import Nursery
from pytest_ernie.errors import EvidenceError, UsageProblem
from pytest_ernie.evidence import Store
from pytest_ernie.evidence.writing import append_line, check_writable


def test_a_dozen_kills_lose_nothing(tmp_path: Path, nursery: Nursery, undisturbed: Whole) -> None:
    """
    At moments that a seed draws; tox -e kills does two hundred.
    """
    assert killed_often(tmp_path, nursery, undisturbed, kills=12, seed=7) >= 1


@pytest.mark.parametrize("share", [0.1, 0.7])
def test_a_full_disk_ends_a_run_and_loses_nothing(
    tmp_path: Path, nursery: Nursery, undisturbed: Whole, share: float
) -> None:
    """
    No file may grow beyond a share of what the journal needs: the run says so, and the next one goes on.
    """
    campaign = Campaign(tmp_path / "run", nursery)

    code = campaign.finish(file_bytes=int(undisturbed.journal_bytes * share))

    assert code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR), campaign.said()
    assert "the evidence can't be written (File too large)" in campaign.said()
    campaign.check(undisturbed)
    finished(campaign, undisturbed)


def test_the_check_finds_what_was_lost_or_is_half(
    tmp_path: Path, nursery: Nursery, undisturbed: Whole
) -> None:
    """
    A result that was told and isn't there; answers that are missing under a result.
    """
    shutil.copytree(undisturbed.folder, tmp_path / "run")
    campaign = Campaign(tmp_path / "run", nursery)
    entries = journal_of(campaign)

    tear(campaign, keep=len(entries) - 1)
    again = Campaign(tmp_path / "run", nursery)
    with pytest.raises(AssertionError, match=r"the (result|sample) of .* was lost"):
        again.check(undisturbed)
    (campaign.folder / "witness.txt").unlink()
    more = {
        key: {**shape, "answered": {"one": "more"}} for key, shape in undisturbed.shapes.items()
    }
    fewer = msgspec.structs.replace(undisturbed, shapes=more)
    with pytest.raises(AssertionError, match="is believed"):
        Campaign(tmp_path / "run", nursery).check(fewer)


def test_a_line_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Half of it came to the disk, then no more: the file is as it was.
    """
    path = tmp_path / "file"
    append_line(path, b"first\n", 0)
    write, calls = os.write, []

    def half(handle: int, content: bytes) -> int:
        calls.append(len(content))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(handle, bytes(content)[: len(content) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space left"):
        append_line(path, b"second\n", 6)
    monkeypatch.undo()

    assert calls == [7, 4]
    assert path.read_bytes() == b"first\n"


def test_an_entry_that_is_not_safely_on_disk_was_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The disk takes the bytes and then refuses to keep them (fsync): told, and not believed later.
    """
    journal = Store(tmp_path).journal
    journal.append("header", "header", {"layout": 1})
    before = journal.path.read_bytes()

    def refuse(handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("pytest_ernie.evidence.writing.os.fsync", refuse)
    with pytest.raises(
        EvidenceError, match=r"the evidence can't be written \(Input/output error\)\. Free some"
    ):
        journal.append("note", "note", {})
    with pytest.raises(EvidenceError, match=r"the evidence can't be written"):
        Store(tmp_path).blobs.put(b"log")
    monkeypatch.undo()

    assert journal.path.read_bytes() == before
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
    assert json.loads(before)["type"] == "header"


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Read-only, or full: not after twelve hours.
    """
    check_writable(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pytest_ernie.evidence.writing.tempfile.TemporaryFile", refuse)
    with pytest.raises(
        UsageProblem,
        match=r"nothing was measured: the evidence can't be written \(Read-only file system\)",
    ):
        check_writable(tmp_path)
