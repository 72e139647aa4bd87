"""
Merged evidence: every part as it was written, what doesn't fit refused, what must be known named.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from evidence_kit import EDITION, SUBJECT, WHAT, measure

from pytest_ernie.bundles.pack import pack
from pytest_ernie.cli import main
from pytest_ernie.errors import EvidenceError, EvidenceTampered, SeveralSubjects, UsageProblem
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.evidence.merging import merge

LORA = msgspec.structs.replace(WHAT, method="sft_lora")
CONTEXT = msgspec.structs.replace(WHAT, kind="training.context", length=8192)


def shard(
    folder: Path,
    *whats: What,
    subject: Subject = SUBJECT,
    edition: str = EDITION,
    challenge: str | None = None,
) -> Path:
    """An evidence folder with some measurements."""
    store = Store(folder, challenge=challenge)
    for number, what in enumerate(whats):
        with store.recording(what, subject, edition) as recording:
            recording.sample({"number": number})
            recording.blob("log", f"{folder.name} {what.title}".encode())
            recording.finish({"from": folder.name})
    return folder


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two shards of one certification."""
    return [shard(tmp_path / "a", WHAT, CONTEXT), shard(tmp_path / "b", LORA)]


def test_what_was_measured_anywhere_is_found(tmp_path: Path, two: list[Path]) -> None:
    """
    Records, samples and blobs of both, by both halves of the key and by the first alone.
    """
    merged = merge(two, tmp_path / "all")

    store = Store.existing(tmp_path / "all")
    assert (merged.measurements, merged.conflicts) == (3, ())
    assert store.measured() == (WHAT, CONTEXT, LORA)
    for what, name in ((WHAT, "a"), (CONTEXT, "a"), (LORA, "b")):
        found = store.find(what, SUBJECT)
        assert found is not None
        assert found == store.find(what)
        assert found == Store.existing(tmp_path / name).find(what)
        assert store.blobs.get(found.blobs["log"]) == f"{name} {what.title}".encode()
    assert store.subjects() == (SUBJECT,)
    assert main(["show", "evidence", str(tmp_path / "all")]) == 0


def test_each_chain_stays_as_it_was_written(tmp_path: Path, two: list[Path]) -> None:
    """
    The parts' journals are in the merged evidence to the byte, and its own chain holds their ends.
    """
    merged = merge(two, tmp_path / "all")

    store = Store.existing(tmp_path / "all")
    for part, folder in zip(merged.parts, two, strict=True):
        text = (folder / "journal.jsonl").read_bytes()
        last = json.loads(text.splitlines()[-1])
        assert store.blobs.get(part.journal) == text
        assert (part.entries, part.head) == (last["seq"] + 1, last["hash"])
    bound = [e.body for e in store.journal.entries if e.type == "part"]
    assert bound == [msgspec.to_builtins(part) for part in merged.parts]


def test_a_merge_of_merges_is_read_to_its_ground(tmp_path: Path, two: list[Path]) -> None:
    """
    Three machines, joined two and one: nothing is lost on the way.
    """
    third = shard(tmp_path / "c", msgspec.structs.replace(WHAT, kind="training.context", length=99))
    merge(two, tmp_path / "ab")
    merged = merge([tmp_path / "ab", third], tmp_path / "abc")

    assert merged.measurements == 4
    assert Store(tmp_path / "abc").find(LORA) == Store(tmp_path / "b").find(LORA)


def test_measuring_goes_on_in_merged_evidence(tmp_path: Path, two: list[Path]) -> None:
    """
    What a shard lacked is measured into the merged folder; what is there isn't measured again.
    """
    merge(two, tmp_path / "all")
    store = Store(tmp_path / "all")
    more = msgspec.structs.replace(WHAT, kind="training.context", length=99)

    measure(store, more)
    with (
        pytest.raises(EvidenceError, match="is recorded already"),
        store.recording(WHAT, SUBJECT, EDITION),
    ):
        pass
    assert Store(tmp_path / "all").find(more) is not None


def test_the_first_completed_of_two_results_counts_and_both_are_kept(tmp_path: Path) -> None:
    """
    R15: which shard was named first changes nothing.
    """
    first, second = shard(tmp_path / "first", WHAT), shard(tmp_path / "second", WHAT, LORA)

    merged = merge([second, first], tmp_path / "all")

    found = Store(tmp_path / "all").find(WHAT, SUBJECT)
    assert found is not None
    assert found.data == {"from": "first"}
    assert [earlier.data for earlier in found.earlier] == [{"from": "second"}]
    assert merged.conflicts == (
        f"{WHAT.title}: measured in second, first; the first completed counts, all are kept",
    )


def test_two_subjects_for_one_question_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Neither of two machines is believed for the other; the command says so and ends with 1.
    """
    other = msgspec.structs.replace(SUBJECT, toolchain="0" * 64)
    folders = [shard(tmp_path / "a", WHAT), shard(tmp_path / "b", WHAT, subject=other)]

    assert main(["merge", *map(str, folders), "-o", str(tmp_path / "all")]) == 1
    assert (
        f"CONFLICT  {WHAT.title}: several devices or software states answer in a, b, so it will "
        "be INCONCLUSIVE" in capsys.readouterr().out
    )
    with pytest.raises(SeveralSubjects):
        Store(tmp_path / "all").find(WHAT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edition": "1" * 64}, "of several editions, and no certificate is"),
        ({"challenge": "another-one"}, "of several challenges, and no certificate is"),
        (
            {"subject": Subject(device={"name": "Other"}, toolchain=None, checkpoint=None)},
            "of several kinds of device, and no certificate is",
        ),
    ],
)
def test_what_is_for_another_certificate_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """
    Another edition, challenge or device: refused with both sides, and nothing is left behind.
    """
    folders = [shard(tmp_path / "a", WHAT), shard(tmp_path / "b", LORA, **changes)]

    with pytest.raises(EvidenceError, match=words):
        merge(folders, tmp_path / "all")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_other_software_is_named(tmp_path: Path) -> None:
    """
    It may stand, and whoever judges must know.
    """
    subjects = [
        msgspec.structs.replace(
            SUBJECT, device={**SUBJECT.device, "driver": driver}, launch={"trainer": driver}
        )
        for driver in ("1", "2")
    ]
    subjects[1] = msgspec.structs.replace(subjects[1], toolchain="c" * 64)
    folders = [
        shard(tmp_path / "a", WHAT, subject=subjects[0]),
        shard(tmp_path / "b", LORA, subject=subjects[1]),
    ]

    assert merge(folders, tmp_path / "all").conflicts == (
        "recorded with several drivers: 1, 2",
        "training in several software states (digests of the installed files: "
        "aaaaaaaaaaaa, cccccccccccc)",
    )


def test_a_copy_that_went_on_is_refused(tmp_path: Path) -> None:
    """
    A folder and what became of its copy: the same measurement would count as two.
    """
    import shutil

    before = shard(tmp_path / "before", WHAT)
    shutil.copytree(before, tmp_path / "after")
    shard(tmp_path / "after", LORA)

    with pytest.raises(EvidenceError, match="one is a copy of the other, or went on from one"):
        merge([before, tmp_path / "after"], tmp_path / "all")


def test_altered_evidence_is_refused(tmp_path: Path, two: list[Path]) -> None:
    """
    It would taint what is whole.
    """
    path = two[1] / "journal.jsonl"
    path.write_text(path.read_text().replace('"from":"b"', '"from":"x"'))

    with pytest.raises(EvidenceTampered, match="this evidence isn't as it was written"):
        merge(two, tmp_path / "all")


def test_a_torn_last_line_is_left_out(tmp_path: Path, two: list[Path]) -> None:
    """
    The machine died while it wrote: what is complete is merged, and the chain is whole.
    """
    with (two[1] / "journal.jsonl").open("ab") as file:
        file.write(b'{"body":{"da')

    assert merge(two, tmp_path / "all").measurements == 3


def test_a_missing_blob_is_named(tmp_path: Path, two: list[Path]) -> None:
    """
    The record stays, and what rests on the blob can't be judged.
    """
    found = Store(two[1]).find(LORA)
    assert found is not None
    digest = found.blobs["log"]
    (two[1] / "blobs" / digest[:2] / digest).unlink()

    merged = merge(two, tmp_path / "all")

    assert any(
        "b: " in line and "a blob of the evidence is gone" in line for line in merged.conflicts
    )


@pytest.mark.parametrize("how", ["cut", "edited", "gone", "swapped"])
def test_a_part_that_was_tampered_with_is_found(tmp_path: Path, two: list[Path], how: str) -> None:
    """
    A tail cut off, an entry edited, the journal gone or another's in its place: nothing is believed.
    """
    merged = merge(two, tmp_path / "all")
    blobs = tmp_path / "all" / "blobs"
    paths = [blobs / part.journal[:2] / part.journal for part in merged.parts]
    text = paths[0].read_bytes()
    if how == "gone":
        paths[0].unlink()
    else:
        changed = {
            "cut": b"".join(text.splitlines(keepends=True)[:-1]),
            "edited": text.replace(b'"from":"a"', b'"from":"x"'),
            "swapped": paths[1].read_bytes(),
        }
        paths[0].write_bytes(changed[how])

    with pytest.raises(EvidenceError, match=r"a blob of the evidence (was changed|is gone)"):
        Store(tmp_path / "all").find(LORA)


def test_a_part_that_was_resealed_differs_from_its_entry(tmp_path: Path, two: list[Path]) -> None:
    """
    Whoever writes another journal as a blob must change the merged chain's entry, too.
    """
    merge(two, tmp_path / "all")
    store = Store(tmp_path / "all")
    digest = store.blobs.put((two[1] / "journal.jsonl").read_bytes())
    path = store.journal.path
    entry = next(e for e in store.journal.entries if e.type == "part")
    path.write_text(path.read_text().replace(entry.body["journal"], digest, 1))

    with pytest.raises(EvidenceTampered):
        Store(tmp_path / "all").find(LORA)


def test_only_new_folders_are_written(tmp_path: Path, two: list[Path]) -> None:
    """
    What is there stays, and one source is nothing to join.
    """
    with pytest.raises(UsageProblem, match="there is something already, and it stays"):
        merge(two, two[0])
    with pytest.raises(UsageProblem, match="there is nothing to join; got 1; wanted two or more"):
        merge(two[:1], tmp_path / "all")


def test_one_folder_holds_one_challenge(tmp_path: Path) -> None:
    """
    Evidence of a challenge takes nothing that was measured under another, or none.
    """
    folder = shard(tmp_path / "a", WHAT, challenge="nonce-0001")

    assert Store(folder).challenge == "nonce-0001"
    for other in (None, "nonce-0002"):
        with (
            pytest.raises(EvidenceError, match=r"recorded under another challenge; got nonce-0001"),
            Store(folder, challenge=other).recording(LORA, SUBJECT, EDITION),
        ):
            pass
    shard(tmp_path / "a", LORA, challenge="nonce-0001")


def test_bundles_are_merged_and_what_was_merged_is_packed(tmp_path: Path) -> None:
    """
    Each shard packed where it ran, joined elsewhere, packed again: every chain and blob arrives.
    """
    whats = [
        What(kind="training.run", edition="rehearsal", model="ERNIE-4.5-tiny", method=method)
        for method in ("sft", "sft_lora")
    ]
    bundles = []
    for name, what in zip("ab", whats, strict=True):
        bundles.append(tmp_path / f"{name}.ernie")
        pack(shard(tmp_path / name, what), bundles[-1])
    merge(bundles, tmp_path / "all")

    pack(tmp_path / "all", tmp_path / "all.ernie")

    store = Store.existing(tmp_path / "all.ernie")
    for name, what in zip("ab", whats, strict=True):
        found = store.find(what)
        assert found is not None
        assert found == Store(tmp_path / name).find(what)
        assert store.blobs.get(found.blobs["log"]) == f"{name} {what.title}".encode()
