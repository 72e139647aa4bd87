"""
The journal: one line an entry, each bound to the one before, torn ends set aside.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from evidence_kit import hashed_anew, line_of

from pytest_ernie.errors import EvidenceTampered
from pytest_ernie.evidence.journal import GENESIS, Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """A journal with three entries."""
    made = Journal(tmp_path)
    for number in range(3):
        made.append("sample", "a", {"number": number})
    return made


def lines(journal: Journal) -> list[str]:
    """The journal's lines as they are on disk."""
    return journal.path.read_text(encoding="utf-8").splitlines()


def test_entries_come_back_as_they_were_written(journal: Journal) -> None:
    """
    A second reader sees what the writer saw.
    """
    again = Journal(journal.path.parent)

    assert (journal.entries, {}, []) == (again.entries, again.altered, again.gaps)
    assert [entry.body["number"] for entry in again.entries] == [0, 1, 2]


def test_each_entry_is_bound_to_the_one_before(journal: Journal) -> None:
    """
    The first follows nothing, each other the hash of the last.
    """
    first, second, third = journal.entries

    assert [GENESIS, first.hash, second.hash] == [first.prev, second.prev, third.prev]
    assert [entry.seq for entry in journal.entries] == [0, 1, 2]


def test_the_hash_can_be_computed_by_anyone(journal: Journal) -> None:
    """
    sha256 of the canonical JSON of all other fields: sorted keys, no spaces.
    """
    entries = [json.loads(line) for line in lines(journal)]

    assert entries == [hashed_anew(entry) for entry in entries]
    assert [line_of(entry) for entry in entries] == lines(journal)


def test_entries_are_found_by_id_and_by_type(journal: Journal) -> None:
    """
    What belongs together is found without reading everything.
    """
    journal.append("result", "b", {})

    assert (
        [entry.seq for entry in journal.of_id["a"]],
        [entry.seq for entry in journal.of_type["result"]],
    ) == ([0, 1, 2], [3])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"x": math.nan}, {"x": None}),
        ({"x": [math.inf, -math.inf]}, {"x": [None, None]}),
        ({"x": {1: 2.0, 10: 3.0, 2: 4.0}}, {"x": {"1": 2.0, "10": 3.0, "2": 4.0}}),
        ({"x": (1, 2)}, {"x": [1, 2]}),
        ({"x": 1e22, "y": 0.1 + 0.2, "z": -0.0}, {"x": 1e22, "y": 0.1 + 0.2, "z": -0.0}),
        ({"x": 2**63, "y": -(2**62)}, {"x": 2**63, "y": -(2**62)}),
        ({"x": "认证\n\r\u2028\x00"}, {"x": "认证\n\r\u2028\x00"}),
        ({"hash": "", "x": '"hash":"",'}, {"hash": "", "x": '"hash":"",'}),
    ],
)
def test_data_is_kept_as_json_keeps_it(
    journal: Journal, given: dict[str, object], kept: dict[str, object]
) -> None:
    """
    NaN becomes null and never 0, keys become text, and what was written isn't taken for altered.
    """
    entry = journal.append("result", "b", given)
    again = Journal(journal.path.parent)

    assert (kept, kept) == (entry.body, again.entries[-1].body)
    assert (again.altered, again.gaps) == ({}, [])


def test_what_can_not_be_kept_leaves_the_journal_as_it_was(journal: Journal) -> None:
    """
    An object that is no data is the caller's fault, found before anything is written.
    """
    before = lines(journal)

    with pytest.raises(TypeError):
        journal.append("result", "b", {"x": object()})
    assert before == lines(journal)


@pytest.mark.parametrize("torn", [b"{", b'{"seq":3,"body":{}', b"\xff\xfe\x00", b"null", b" "])
def test_a_torn_last_line_never_counts(journal: Journal, torn: bytes) -> None:
    """
    A line is complete once its newline is there, even if it could be read without.
    """
    with journal.path.open("ab") as file:
        file.write(torn)

    again = Journal(journal.path.parent)
    assert (len(again.entries), again.altered, again.gaps) == (3, {}, [])


@pytest.mark.parametrize("torn", [b"{", b"\xff\xfe\x00", b'{"seq":3}'])
def test_a_torn_last_line_is_set_aside_by_the_next_writer(journal: Journal, torn: bytes) -> None:
    """
    Nothing is thrown away, and the next entry begins a line of its own.
    """
    with journal.path.open("ab") as file:
        file.write(torn)
    again = Journal(journal.path.parent)
    again.append("sample", "a", {"number": 3})

    fresh = Journal(journal.path.parent)
    assert (
        [entry.body["number"] for entry in fresh.entries],
        fresh.altered,
        fresh.gaps,
    ) == ([0, 1, 2, 3], {}, [])
    assert torn + b"\n" == (journal.path.parent / "journal.torn").read_bytes()


def test_a_whole_line_without_its_newline_is_torn(journal: Journal) -> None:
    """
    The write had not returned, so nobody relied on it.
    """
    text = journal.path.read_bytes()
    journal.path.write_bytes(text[:-1])

    assert len(Journal(journal.path.parent).entries) == 2


def test_a_reader_sees_what_another_writer_appends(journal: Journal) -> None:
    """
    Reading anew reads only what is new.
    """
    reader = Journal(journal.path.parent)
    journal.append("sample", "a", {"number": 3})
    reader.refresh()
    reader.refresh()

    assert journal.entries == reader.entries


def test_two_writers_take_turns(journal: Journal) -> None:
    """
    Each reads the other's entries before it writes its own.
    """
    other = Journal(journal.path.parent)
    other.append("sample", "b", {"number": 3})
    journal.append("sample", "a", {"number": 4})

    fresh = Journal(journal.path.parent)
    assert (
        [entry.seq for entry in fresh.entries],
        fresh.altered,
        fresh.gaps,
    ) == ([0, 1, 2, 3, 4], {}, [])


@pytest.mark.parametrize("left", [0, 10])
def test_a_journal_that_became_shorter_is_noticed(journal: Journal, left: int) -> None:
    """
    Somebody cut it while it was open; appending would leave a hole of zeros.
    """
    size = journal.path.stat().st_size
    with journal.path.open("r+b") as file:
        file.truncate(left)

    with pytest.raises(EvidenceTampered) as caught:
        journal.append("sample", "a", {})
    expected = (
        f"{journal.path}: the journal became shorter while it was open; got {left} bytes; "
        f"wanted at least {size}"
    )
    assert expected == str(caught.value)


def test_a_journal_that_was_removed_is_noticed(journal: Journal) -> None:
    """
    A new one must not silently take its place.
    """
    journal.path.unlink()

    with pytest.raises(EvidenceTampered, match="the journal became shorter while it was open"):
        journal.refresh()


def test_a_folder_without_a_journal_is_empty(tmp_path: Path) -> None:
    """
    Looking creates nothing.
    """
    empty = Journal(tmp_path / "nowhere")

    assert (empty.entries, empty.gaps, (tmp_path / "nowhere").exists()) == ([], [], False)


def test_an_entry_is_on_disk_before_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The line each time, and the folder's list of files when the journal is new.
    """
    synced: list[tuple[str, int]] = []
    real = os.fsync

    def note(handle: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{handle}")).name
        synced.append((name, len(Journal(tmp_path).entries)))
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    journal = Journal(tmp_path)
    journal.append("sample", "a", {})
    journal.append("sample", "a", {})

    expected = [("journal.jsonl", 1), (tmp_path.name, 1), ("journal.jsonl", 2)]
    assert expected == synced
