"""
The store: found by key, first result counts, several subjects are told apart.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from evidence_kit import EDITION, NEWER, OTHER, SUBJECT, WHAT, measure

from pytest_ernie.errors import EvidenceError, SeveralSubjects
from pytest_ernie.evidence import Store, What


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in a folder that isn't there yet."""
    return Store(tmp_path / "evidence")


def test_a_finished_measurement_is_found_with_all_that_was_kept(store: Store) -> None:
    """
    Key, subject, edition, data, samples in order, blobs: what went in comes out.
    """
    id = measure(store, samples=3)

    found = Store(store.folder).find(WHAT, SUBJECT)
    assert found is not None
    assert (id, WHAT, SUBJECT, EDITION, {"loss": 2.0}, None, ()) == (
        found.id,
        found.what,
        found.subject,
        found.edition_digest,
        found.data,
        found.reason,
        found.earlier,
    )
    assert found.samples == ({"number": 0}, {"number": 1}, {"number": 2})
    assert store.blobs.get(found.blobs["log"]) == b"step 1 loss 2.000000"
    assert found.started_unix_s < found.ended_unix_s


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "training.context"},
        {"edition": "rehearsal"},
        {"model": "ERNIE-4.5-21B-A3B"},
        {"method": "sft_lora"},
        {"length": 8192},
        {"datatype": "wint8"},
        {"concurrency": 1},
        {"repeat": 1},
        {"dataset": "GSM8K"},
        {"recipe": "1" * 64},
        {"workload": "1" * 64},
    ],
)
def test_another_key_is_not_found(store: Store, change: dict[str, object]) -> None:
    """
    Every part of the first half tells measurements apart.
    """
    measure(store)

    assert None is store.find(msgspec.structs.replace(WHAT, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"device": {"name": "P800", "count": 4}},
        {"device": {"name": "P800", "count": 8, "driver": "5.1"}},
        {"toolchain": "1" * 64},
        {"toolchain": None},
        {"checkpoint": "1" * 64},
        {"launch": {"tp": 2}},
    ],
)
def test_another_subject_is_not_found_live(store: Store, change: dict[str, object]) -> None:
    """
    A new driver or a rebuilt kernel is a new measurement.
    """
    measure(store)

    assert None is store.find(WHAT, msgspec.structs.replace(SUBJECT, **change))


def test_a_reader_that_was_opened_before_sees_it(store: Store) -> None:
    """
    Another process may have measured it meanwhile.
    """
    early = Store(store.folder)
    measure(store)

    assert early.find(WHAT) is not None


def test_several_subjects_are_an_error_where_none_was_named(store: Store) -> None:
    """
    Offline nobody may pick the better of two drivers.
    """
    measure(store, subject=SUBJECT)
    measure(store, subject=NEWER, loss=1.0)

    with pytest.raises(SeveralSubjects) as caught:
        store.find(WHAT)
    expected = (
        f"{store.folder}: 2 devices or software states answer for training.run of ERNIE-4.5-0.3B, "
        "sft; wanted evidence of one subject. Keep the evidence of each device, driver and "
        "toolchain in a folder of its own"
    )
    assert expected == str(caught.value)


def test_several_subjects_are_told_apart_where_one_was_named(store: Store) -> None:
    """
    A live run finds its own.
    """
    measure(store, subject=SUBJECT)
    measure(store, subject=NEWER, loss=1.0)

    found = [store.find(WHAT, subject) for subject in (SUBJECT, NEWER)]
    assert [record.data for record in found if record] == [{"loss": 2.0}, {"loss": 1.0}]


def test_subjects_are_listed_once_in_the_order_of_their_first_measurement(store: Store) -> None:
    """
    Who was measured in this folder.
    """
    for subject, what in ((NEWER, WHAT), (SUBJECT, WHAT), (NEWER, OTHER)):
        measure(store, what, subject)

    assert Store(store.folder).subjects() == (NEWER, SUBJECT)


def test_measuring_again_keeps_the_earlier_results(store: Store) -> None:
    """
    R15: ``--fresh REASON`` counts, and what it replaces comes along, in order.
    """
    measure(store, loss=3.0)
    measure(store, loss=2.0, reason="a card was replaced")
    measure(store, loss=1.0, reason="and another")

    found = Store(store.folder).find(WHAT, SUBJECT)
    assert found is not None
    assert (found.data, found.reason) == ({"loss": 1.0}, "and another")
    assert [(record.data, record.reason) for record in found.earlier] == [
        ({"loss": 3.0}, None),
        ({"loss": 2.0}, "a card was replaced"),
    ]


@pytest.mark.parametrize("reason", [None, ""])
def test_measuring_again_without_a_reason_is_refused(store: Store, reason: str | None) -> None:
    """
    R15: the first completed result counts; no best-of-N.
    """
    measure(store)

    with pytest.raises(EvidenceError) as caught:
        measure(store, loss=1.0, reason=reason)
    expected = (
        f"{store.folder}: training.run of ERNIE-4.5-0.3B, sft is recorded already; wanted a reason "
        "for measuring it again"
    )
    assert expected == str(caught.value)


def test_of_two_results_without_a_reason_the_first_counts(store: Store) -> None:
    """
    Two runs that began together (a network drive without locks): the second isn't picked.
    """
    first = store.recording(WHAT, SUBJECT, EDITION)
    second = Store(store.folder).recording(WHAT, SUBJECT, EDITION)
    with first as one, second as two:
        one.finish({"loss": 3.0})
        two.finish({"loss": 1.0})

    found = Store(store.folder).find(WHAT, SUBJECT)
    assert found is not None
    assert (found.data, [r.data for r in found.earlier]) == ({"loss": 3.0}, [{"loss": 1.0}])


def test_a_reason_that_did_not_finish_replaces_nothing(store: Store) -> None:
    """
    Measuring again and breaking off leaves the first result standing.
    """
    measure(store, loss=3.0)
    with (  # noqa: PT012 (the block is what breaks off)
        pytest.raises(RuntimeError),
        store.recording(WHAT, SUBJECT, EDITION, "again") as recording,
    ):
        recording.sample({"loss": 1.0})
        raise RuntimeError

    found = Store(store.folder).find(WHAT, SUBJECT)
    assert found is not None
    assert (found.data, found.samples, found.earlier) == ({"loss": 3.0}, (), ())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"method": "sft_lora"}, "method"),
        ({"recipe": "1" * 64, "model": "M"}, "model and recipe"),
        ({"kind": "serving.facts"}, None),
        ({}, "dataset and length and model and repeat"),
    ],
)
def test_the_nearest_record_says_what_differs(
    store: Store, asked: dict[str, object], expected: str | None
) -> None:
    """
    "The reference holds no such run" is easier to mend with the part that differs.
    """
    measure(store)
    measure(store, msgspec.structs.replace(WHAT, model="M", length=1, repeat=1, dataset="D"))

    assert expected == store.near(msgspec.structs.replace(WHAT, **asked))


def test_an_empty_store_has_nothing_near(store: Store) -> None:
    """
    No record, no hint.
    """
    assert None is store.near(WHAT)


def test_nan_in_data_comes_back_as_nothing_and_never_as_a_number(store: Store) -> None:
    """
    JSON has no NaN. What reads it must meet None, not 0.0.
    """
    with store.recording(WHAT, SUBJECT, EDITION) as recording:
        recording.finish({"loss": float("nan"), "tokens": float("inf")})

    found = Store(store.folder).find(WHAT)
    assert found is not None
    assert found.data == {"loss": None, "tokens": None}


def test_reading_writes_nothing(store: Store) -> None:
    """
    Looking at evidence leaves it as it is, locks included: a reference lies among installed files.
    """
    measure(store)
    before = sorted(path.name for path in store.folder.rglob("*"))
    (store.folder / "journal.jsonl.lock").unlink(missing_ok=True)
    again = Store.existing(store.folder)
    again.find(WHAT)
    again.near(OTHER)
    again.subjects()

    after = {path.name for path in store.folder.rglob("*")}
    assert after <= set(before)
    assert not (store.folder / "journal.jsonl.lock").exists()


@pytest.mark.parametrize(
    ("what", "title"),
    [
        (WHAT, "training.run of ERNIE-4.5-0.3B, sft"),
        (
            What(
                kind="serving.load",
                edition="e",
                model="M",
                datatype="wint4",
                concurrency=8,
                repeat=2,
                workload="1" * 64,
            ),
            "serving.load of M, wint4, 8 in flight, run 2",
        ),
        (
            What(kind="serving.context", edition="e", model="M", datatype="w4a8", length=8192),
            "serving.context of M, w4a8, 8192 tokens",
        ),
        (
            What(kind="serving.accuracy", edition="e", model="M", dataset="GSM8K"),
            "serving.accuracy of M, GSM8K",
        ),
    ],
)
def test_a_title_has_the_parts_that_people_tell_measurements_apart_by(
    what: What, title: str
) -> None:
    """
    No digests, no empty parts.
    """
    assert title == what.title
