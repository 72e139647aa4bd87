"""
Tampering: what is edited, removed, moved, replayed or added is noticed before it is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from evidence_kit import (
    EDITION,
    OTHER,
    SUBJECT,
    WHAT,
    Lines,
    hashed_anew,
    measure,
)

from pytest_ernie.errors import EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence import Store

Rewrite = Callable[[Callable[[Lines], object]], None]
FIX = "Keep this folder for whoever certifies, and measure into a new one with --evidence"
KINDS = ["header", "subject", "begin", "sample", "sample", "result", "begin", "result"]


OWNER = {3: WHAT, 4: WHAT, 5: WHAT, 7: OTHER}
"""The measurement that a sample or result speaks for; any other entry binds both."""


def refusal(folder: Path, seq: int | None = None, kind: str | None = None) -> str:
    """
    The words with which the altered entry's measurements are refused, and no other is.

    ``kind`` is what the entry calls itself now: a sample that calls itself anything else binds all.
    """
    own = OWNER.get(seq) if seq is not None and kind in (None, KINDS[seq]) else None
    words = set()
    for what in (WHAT, OTHER):
        if own not in (None, what):
            assert Store(folder).find(what) is not None
            continue
        with pytest.raises(EvidenceTampered) as caught:
            Store(folder).find(what)
        words.add(str(caught.value))
    assert len(words) == 1
    return words.pop()


def test_the_folder_is_what_these_tests_take_it_for(folder: Path) -> None:
    """
    Eight entries, in this order, all of them whole.
    """
    store = Store(folder)

    assert [entry.type for entry in store.journal.entries] == KINDS
    assert tuple(record.data for what in (WHAT, OTHER) if (record := store.find(what))) == (
        {"loss": 2.0},
        {"loss": 3.0},
    )


@pytest.mark.parametrize("seq", range(8))
@pytest.mark.parametrize("field", ["body", "id", "type", "time_unix_s", "prev"])
def test_an_edited_entry_is_noticed(folder: Path, rewrite: Rewrite, seq: int, field: str) -> None:
    """
    Every field of every entry; what can't be told apart any more is refused together.
    """
    other = {"body": {"data": {"loss": 1.0}}, "time_unix_s": 1.5, "prev": "0" * 63 + "1"}

    rewrite(lambda lines: lines[seq].update({field: other.get(field, "x")}))
    kind = "x" if field == "type" else KINDS[seq]
    journal = folder / "journal.jsonl"
    if field == "prev" and seq:
        assert (
            f"{journal}, entry {seq - 1} ({KINDS[seq - 1]}): the evidence was altered: it was "
            in refusal(folder, seq - 1 if seq in OWNER else None)
        )
    elif field == "prev":
        assert "the first entry follows one that isn't there" in refusal(folder)
    elif (seq, field) == (0, "type") or (seq, field) == (0, "body"):
        with pytest.raises(Exception, match="a layout that this version doesn't know"):
            Store(folder)
    else:
        expected = (
            f"{journal}, entry {seq} ({kind}): the evidence was altered: its content doesn't match "
            f"its hash. {FIX}"
        )
        unowned = field == "id"
        assert expected == refusal(folder, None if unowned else seq, kind)


@pytest.mark.parametrize("seq", range(1, 7))
def test_an_edited_entry_with_a_recomputed_hash_is_noticed(
    folder: Path, rewrite: Rewrite, seq: int
) -> None:
    """
    The next entry still carries the hash of what stood there.
    """

    def edit(lines: Lines) -> None:
        lines[seq] = hashed_anew(lines[seq] | {"time_unix_s": 1.5})

    rewrite(edit)
    expected = (
        f"{folder / 'journal.jsonl'}, entry {seq} ({KINDS[seq]}): the evidence was altered: it was "
        f"changed after the next entry had been written. {FIX}"
    )
    assert expected == refusal(folder, seq)


@pytest.mark.parametrize("seq", range(7))
def test_a_removed_entry_is_noticed(folder: Path, rewrite: Rewrite, seq: int) -> None:
    """
    A gap anywhere and nothing is judged: the missing entry may be the result that failed.
    """
    rewrite(lambda lines: lines.pop(seq))
    assert len(Store(folder).journal.gaps) == 1

    expected = (
        f"{folder / 'journal.jsonl'}: the journal isn't whole: entry {seq} should follow, but "
        f"entry {seq + 1} does. {FIX}"
    )
    assert expected == refusal(folder)


@pytest.mark.parametrize("seq", range(1, 7))
def test_a_removed_entry_is_noticed_when_the_others_are_renumbered(
    folder: Path, rewrite: Rewrite, seq: int
) -> None:
    """
    Numbers are part of what is hashed.
    """

    def edit(lines: Lines) -> None:
        del lines[seq]
        for number, entry in enumerate(lines):
            entry["seq"] = number

    rewrite(edit)
    assert "the evidence was altered" in refusal(folder)


def test_a_removed_first_entry_is_noticed_when_the_next_is_made_the_first(
    folder: Path, rewrite: Rewrite
) -> None:
    """
    The chain begins with nothing before it.
    """

    def edit(lines: Lines) -> None:
        del lines[1:]
        lines[0] = hashed_anew(lines[0] | {"prev": "1" * 64})

    rewrite(edit)
    with pytest.raises(EvidenceTampered) as caught:
        Store(folder).find(WHAT)
    expected = (
        f"{folder / 'journal.jsonl'}: the journal isn't whole: the first entry follows one that "
        f"isn't there. {FIX}"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(("one", "two"), [(1, 2), (3, 4), (5, 6), (2, 7)])
def test_reordered_entries_are_noticed(folder: Path, rewrite: Rewrite, one: int, two: int) -> None:
    """
    Two samples that change places are two samples forged.
    """

    def edit(lines: Lines) -> None:
        lines[one], lines[two] = lines[two], lines[one]

    rewrite(edit)
    assert f"entry {one} should follow, but entry {two} does" in refusal(folder)


@pytest.mark.parametrize("seq", [2, 5, 7])
def test_a_replayed_entry_is_noticed(folder: Path, rewrite: Rewrite, seq: int) -> None:
    """
    A good result, copied to the end, doesn't count again.
    """
    rewrite(lambda lines: lines.append(dict(lines[seq])))

    assert f"entry 8 should follow, but entry {seq} does" in refusal(folder)


@pytest.mark.parametrize("seq", [3, 5, 8])
def test_an_added_entry_is_noticed(folder: Path, rewrite: Rewrite, seq: int) -> None:
    """
    With its own number and an honest hash, but bound to nothing.
    """

    def edit(lines: Lines) -> None:
        forged = lines[5] | {"seq": seq, "prev": "2" * 64}
        lines.insert(seq, hashed_anew(forged))

    rewrite(edit)
    if seq == 8:
        assert "entry 7 (result): the evidence was altered: it was changed after" in refusal(folder)
    else:
        assert f"entry {seq + 1} should follow, but entry {seq} does" in refusal(folder)


@pytest.mark.parametrize("garbage", ["", "{}", "null", "not json", '{"seq":"0"}'])
@pytest.mark.parametrize("seq", [0, 3, 8])
def test_a_line_that_can_not_be_read_is_a_gap(folder: Path, seq: int, garbage: str) -> None:
    """
    One unreadable line is one gap: the line behind it isn't blamed.
    """
    path = folder / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[seq : seq + 1] = [garbage]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    store = Store(folder)
    assert (len(store.journal.gaps), store.journal.altered) == (1, {})
    assert store.journal.gaps[0].startswith(f"entry {seq} can't be read (")
    assert f"{path}: the journal isn't whole: entry {seq} can't be read (" in refusal(folder)


def test_two_unreadable_lines_are_two_gaps(folder: Path) -> None:
    """
    Each by its own number.
    """
    path = folder / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[3:5] = ["?", "?"]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    found = [gap.split(" (")[0] for gap in Store(folder).journal.gaps]
    assert found == ["entry 3 can't be read", "entry 4 can't be read"]


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00\x80", b'{"seq": "\xe9"}', b"\x00" * 50])
def test_bytes_that_are_no_text_are_a_gap(folder: Path, garbage: bytes) -> None:
    """
    A damaged disk writes no UTF-8; it must not end in a stack.
    """
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes() + garbage + b"\n")

    assert "the journal isn't whole: entry 8 can't be read (" in refusal(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [(',"id":', ', "id":'), ('"seq":5', '"seq":5,"note":"x"'), ('"loss":2.0', '"loss":2.00')],
)
def test_every_byte_of_a_line_counts(folder: Path, old: str, new: str) -> None:
    """
    A space, a further key, a digit that means the same: not what was written.
    """
    path = folder / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert old in lines[5]
    lines[5] = lines[5].replace(old, new)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    assert "entry 5 (result): the evidence was altered: its content doesn't match" in refusal(
        folder, 5
    )


def test_hiding_a_failed_result_is_noticed(folder: Path, rewrite: Rewrite) -> None:
    """
    R15: measured badly, measured again for a reason, then the first made to look like another's.
    """
    measure(Store(folder), loss=1.0, reason="the fan stood still")
    rewrite(lambda lines: lines[2]["body"].update(what="f" * 64))

    assert "entry 2 (begin): the evidence was altered" in refusal(folder)


def test_nothing_is_measured_into_altered_evidence(folder: Path, rewrite: Rewrite) -> None:
    """
    It would take hours and could not be judged: said before, and nothing is written.
    """
    rewrite(lambda lines: lines[5]["body"].update(data={"loss": 1.0}))
    before = (folder / "journal.jsonl").read_bytes()

    with (
        pytest.raises(EvidenceTampered, match="entry 5 \\(result\\): the evidence was altered"),
        Store(folder).recording(WHAT, SUBJECT, EDITION, "evidence was altered"),
    ):
        raise AssertionError("nothing may be measured here")
    assert before == (folder / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_damaged_blob_is_noticed_when_it_is_read(folder: Path, damage: str) -> None:
    """
    The record stands; what it was read from doesn't.
    """
    store = Store(folder)
    record = store.find(WHAT)
    assert record is not None
    path = next(path for path in (folder / "blobs").rglob(record.blobs["log"]))
    if damage == "changed":
        path.write_bytes(path.read_bytes().replace(b"2.0", b"1.0"))
    else:
        path.unlink()

    with pytest.raises(EvidenceTampered if damage == "changed" else EvidenceMissing):
        Store(folder).blobs.get(record.blobs["log"])


def test_cutting_off_the_last_entries_leaves_a_whole_chain(folder: Path) -> None:
    """
    What the chain can't show, and why a certificate needs a signature over its last hash (R16).
    """
    path = folder / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(line + "\n" for line in lines[:6]), encoding="utf-8")

    store = Store(folder)
    assert (store.find(WHAT) is not None, store.find(OTHER)) == (True, None)
