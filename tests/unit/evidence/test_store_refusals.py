"""
What a store refuses: unfinished business, entries that fit nothing, folders that hold no evidence.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from evidence_kit import EDITION, NEWER, OTHER, SUBJECT, WHAT, measure

from pytest_ernie.errors import EvidenceError, EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in a folder that isn't there yet."""
    return Store(tmp_path / "evidence")


def test_nothing_is_added_to_a_measurement_that_has_ended(store: Store) -> None:
    """
    Not a sample, not a second result, not a failure.
    """
    with store.recording(WHAT, SUBJECT, EDITION) as recording:
        recording.finish({"loss": 2.0})

    for add in (
        lambda: recording.sample({}),
        lambda: recording.finish({"loss": 1.0}),
        lambda: recording.fail("no"),
    ):
        with pytest.raises(EvidenceError) as caught:
            add()
        expected = f"{recording.id}: a measurement that has ended takes nothing more"
        assert expected == str(caught.value)


def test_samples_that_were_slipped_in_after_the_result_do_not_count(store: Store) -> None:
    """
    Even a well-formed entry behind a result belongs to nothing.
    """
    id = measure(store, samples=1)
    store.journal.append("sample", id, {"number": 99})
    store.journal.append("result", id, {"data": {"loss": 0.0}, "blobs": {}})

    found = Store(store.folder).find(WHAT)
    assert found is not None
    assert (found.samples, found.data) == (({"number": 0},), {"loss": 2.0})


def test_a_begin_that_was_slipped_in_after_its_result_finds_none(store: Store) -> None:
    """
    A result ends what began before it.
    """
    id = measure(store)
    begin = store.journal.of_type["begin"][0]
    store.journal.append("begin", id, begin.body | {"reason": "none", "what": OTHER.digest})

    assert None is Store(store.folder).find(OTHER)


def test_a_measurement_that_ends_without_a_result_is_an_error(store: Store) -> None:
    """
    Forgetting to finish must not look like success.
    """
    with (
        pytest.raises(
            EvidenceError, match=r"^training\.run of ERNIE-4\.5-0\.3B, sft ended without a result$"
        ),
        store.recording(WHAT, SUBJECT, EDITION) as recording,
    ):
        recording.sample({"number": 0})

    assert None is store.find(WHAT)


def test_a_folder_without_evidence_is_refused_where_some_must_be(tmp_path: Path) -> None:
    """
    A misspelt reference folder isn't an empty one.
    """
    with pytest.raises(EvidenceMissing) as caught:
        Store.existing(tmp_path)

    expected = (
        f"{tmp_path}: there is no evidence here; wanted a folder with a journal.jsonl, as a run "
        "with --evidence writes it, or a bundle"
    )
    assert expected == str(caught.value)


def test_a_folder_of_garbage_is_not_called_empty(tmp_path: Path) -> None:
    """
    Something was there.
    """
    (tmp_path / "journal.jsonl").write_bytes(b"\xff\xfe\n")

    with pytest.raises(EvidenceTampered, match="the journal isn't whole: entry 0 can't be read"):
        Store.existing(tmp_path).find(WHAT)


@pytest.mark.parametrize(
    ("type", "layout", "got"),
    [("header", 2, "; got 2"), ("header", None, ""), ("start", 1, "")],
)
def test_an_unknown_layout_is_refused(
    store: Store, type: str, layout: int | None, got: str
) -> None:
    """
    A newer version's evidence is never guessed at, nor a journal without a header.
    """
    store.journal.append(type, "header", {"layout": layout})

    with pytest.raises(EvidenceError) as caught:
        Store(store.folder)
    expected = (
        f"{store.folder}: the evidence has a layout that this version doesn't know{got}; wanted 1. "
        "Use the version of pytest-ernie that wrote it"
    )
    assert expected == str(caught.value)


def test_the_header_comes_first_and_once(store: Store) -> None:
    """
    Layout and version stand before the first measurement.
    """
    measure(store)
    measure(store, OTHER)

    types = [entry.type for entry in store.journal.entries]
    assert (types.count("header"), types[0]) == (1, "header")


def test_a_record_whose_spec_is_not_its_digest_is_refused(store: Store) -> None:
    """
    The spec is what people read, the digest what is looked up: they must agree.
    """
    measure(store)
    begin = store.journal.of_type["begin"][0]
    store.journal.append("begin", "forged", begin.body | {"spec": msgspec.to_builtins(OTHER)})
    store.journal.append("result", "forged", {"data": {}, "blobs": {}})

    with pytest.raises(EvidenceTampered) as caught:
        store.find(WHAT)
    path = store.journal.path
    assert f"{path}, entry 4: a record's spec isn't the one of its digest" == str(caught.value)


def test_a_record_of_a_subject_that_is_not_there_is_refused(store: Store) -> None:
    """
    On what it was measured can't be left out.
    """
    measure(store)
    begin = store.journal.of_type["begin"][0]
    store.journal.append("begin", "forged", begin.body | {"subject": "9" * 64})
    store.journal.append("result", "forged", {"data": {}, "blobs": {}})

    with pytest.raises(EvidenceTampered) as caught:
        store.find(WHAT)
    expected = f"{store.journal.path}: a record names a subject that isn't there; got 999999999999"
    assert expected == str(caught.value)


def test_a_subject_whose_facts_are_not_its_digest_is_refused(store: Store) -> None:
    """
    Another device can't borrow a digest.
    """
    store.journal.append("header", "header", {"layout": 1})
    store.journal.append("subject", SUBJECT.digest, msgspec.to_builtins(NEWER))
    measure(store)

    with pytest.raises(EvidenceTampered) as caught:
        store.find(WHAT)
    expected = f"{store.journal.path}, entry 1: a subject's facts aren't those of its digest"
    assert expected == str(caught.value)


@pytest.mark.parametrize("spec", [None, {"kind": "unheard.of"}, {"kind": "training.run"}])
def test_a_record_that_can_not_be_read_is_said_so(store: Store, spec: object) -> None:
    """
    Another version's record is named with its entry instead of ending in a stack.
    """
    measure(store)
    begin = store.journal.of_type["begin"][0]
    store.journal.append("begin", "newer", begin.body | {"spec": spec})
    store.journal.append("result", "newer", {"data": {}, "blobs": {}})

    with pytest.raises(EvidenceError) as caught:
        store.find(WHAT)
    assert str(caught.value).startswith(f"{store.journal.path}, entry 4: a record can't be read (")
