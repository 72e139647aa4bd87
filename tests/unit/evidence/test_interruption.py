"""
Interruption: what was measured before a crash stays, and the next attempt goes on from it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_kit import EDITION, NEWER, OTHER, SUBJECT, WHAT, measure

from pytest_ernie.errors import ServerDied
from pytest_ernie.evidence import Store, Subject, What


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "evidence")


def interrupt(
    store: Store,
    *numbers: int,
    what: What = WHAT,
    subject: Subject = SUBJECT,
    error: BaseException | None = None,
    reason: str | None = None,
) -> None:
    """Keep some samples and break off."""
    error = error or KeyboardInterrupt()
    with (  # noqa: PT012 (the block is what is interrupted)
        pytest.raises(type(error)),
        store.recording(what, subject, EDITION, reason) as recording,
    ):
        for number in numbers:
            recording.sample({"number": number})
        raise error


def resumed(store: Store, *numbers: int, reason: str | None = None) -> list[int]:
    """Finish the measurement with further samples; return the numbers that it went on from."""
    with store.recording(WHAT, SUBJECT, EDITION, reason) as recording:
        for number in numbers:
            recording.sample({"number": number})
        recording.finish({})
    return [sample["number"] for sample in recording.samples]


def found(store: Store) -> list[int]:
    """The numbers of the finished measurement's samples."""
    record = Store(store.folder).find(WHAT, SUBJECT)
    assert record is not None
    return [sample["number"] for sample in record.samples]


def test_what_was_interrupted_does_not_count(store: Store) -> None:
    """
    Half a measurement is none.
    """
    interrupt(store, 1, 2)

    assert None is Store(store.folder).find(WHAT)


def test_the_next_attempt_goes_on_from_its_samples(store: Store) -> None:
    """
    A new process is told what there is, and the record holds both halves in order.
    """
    interrupt(store, 1, 2)

    assert resumed(Store(store.folder), 3) == [1, 2]
    assert found(store) == [1, 2, 3]


def test_several_attempts_add_up(store: Store) -> None:
    """
    Three crashes, no sample lost.
    """
    interrupt(store, 1)
    interrupt(Store(store.folder))
    interrupt(Store(store.folder), 2, 3)

    assert resumed(Store(store.folder), 4) == [1, 2, 3]
    assert found(store) == [1, 2, 3, 4]


def test_a_machine_that_died_leaves_its_samples_too(store: Store) -> None:
    """
    No failure entry, a torn last line: everything before it stays.
    """
    interrupt(store, 1, 2)
    path = store.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"failure"' in lines[-1]
    path.write_bytes(b"".join(lines[:-1]) + b'{"seq":5,"bo')

    assert resumed(Store(store.folder), 3) == [1, 2]
    assert found(store) == [1, 2, 3]


@pytest.mark.parametrize(("what", "subject"), [(OTHER, SUBJECT), (WHAT, NEWER)])
def test_samples_of_another_key_are_left_alone(store: Store, what: What, subject: Subject) -> None:
    """
    Another method's, or those of the driver before.
    """
    interrupt(store, 1, 2, what=what, subject=subject)

    assert resumed(store, 3) == []
    assert found(store) == [3]


def test_measuring_again_begins_anew(store: Store) -> None:
    """
    ``--fresh`` doesn't go on from what it was asked to replace.
    """
    interrupt(store, 1, 2)

    assert resumed(store, 3, reason="the fan stood still") == []
    assert found(store) == [3]


def test_samples_of_a_finished_measurement_are_not_used_again(store: Store) -> None:
    """
    They belong to their record.
    """
    measure(store, samples=2)

    assert resumed(store, 7, reason="again") == []
    assert found(store) == [7]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("the server died"), "the server died"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "3"),
        (RuntimeError("loss \udcff"), "loss ?"),
    ],
)
def test_a_failure_is_noted_in_its_own_words(
    store: Store, error: BaseException, words: str
) -> None:
    """
    Even if they are no Unicode: noting a failure must not hide it behind another.
    """
    interrupt(store, error=error)

    entry = Store(store.folder).journal.entries[-1]
    assert entry.type == "failure"
    assert entry.body == {"message": words, "kind": type(error).__name__, "blobs": {}}


def test_a_failure_keeps_the_log_that_explains_it(store: Store) -> None:
    """
    Blobs that were put before stay, by their names.
    """
    with (  # noqa: PT012 (the block is what breaks off)
        pytest.raises(RuntimeError),
        store.recording(WHAT, SUBJECT, EDITION) as recording,
    ):
        recording.blob("log", b"out of memory")
        raise RuntimeError("it died")

    blobs = Store(store.folder).journal.entries[-1].body["blobs"]
    assert store.blobs.get(blobs["log"]) == b"out of memory"


def test_an_error_after_the_result_leaves_the_result(store: Store) -> None:
    """
    Tidying up may fail; what was measured was measured.
    """
    with (  # noqa: PT012 (the block is what breaks off)
        pytest.raises(RuntimeError),
        store.recording(WHAT, SUBJECT, EDITION) as recording,
    ):
        recording.finish({"loss": 2.0})
        raise RuntimeError("the work folder can't be removed")

    record = Store(store.folder).find(WHAT)
    assert record is not None
    assert "failure" not in [entry.type for entry in store.journal.entries]


def test_a_blob_may_be_a_file(store: Store, tmp_path: Path) -> None:
    """
    Logs are files; they are copied, not linked.
    """
    log = tmp_path / "train.log"
    log.write_bytes(b"step 1")
    with store.recording(WHAT, SUBJECT, EDITION) as recording:
        recording.blob("log", log)
        recording.finish({})
    log.unlink()

    record = store.find(WHAT)
    assert record is not None
    assert store.blobs.get(record.blobs["log"]) == b"step 1"


def test_a_record_tells_in_which_attempts_the_server_died(store: Store) -> None:
    """
    Of the same measurement only, and of no other failure: whoever measures again can't hide it.
    """
    interrupt(store, 1, error=ServerDied("the server died at 8 requests in flight"))
    interrupt(store, error=RuntimeError("something else"))
    interrupt(store, what=OTHER, error=ServerDied("the server died elsewhere"))
    resumed(store, 2)

    record = Store(store.folder).find(WHAT, SUBJECT)
    assert record is not None
    assert record.deaths == ("the server died at 8 requests in flight",)


def test_a_server_that_dies_later_is_no_matter_of_an_earlier_record(store: Store) -> None:
    """
    What was measured before was measured.
    """
    resumed(store, 1)
    interrupt(store, error=ServerDied("the server died"), reason="a look again")

    record = Store(store.folder).find(WHAT, SUBJECT)
    assert record is not None
    assert record.deaths == ()
