"""
A bundle: the same bytes for the same evidence, opened by any zip tool, and read like a folder.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from doubles.bundles import SUITE, context_of, evidence, packed
from pytest_ernie.bundles.pack import Packing, pack
from pytest_ernie.cli import main
from pytest_ernie.errors import EvidenceError, EvidenceMissing, UsageProblem
from pytest_ernie.evidence import Store, bundle_schema
from pytest_ernie.evidence.bundle import JOURNAL, open_bundle


def test_the_schema_is_the_one_that_the_types_give() -> None:
    """
    ``python -m pytest_ernie.evidence.bundle_schema`` writes it anew.
    """
    assert bundle_schema.generated() == bundle_schema.PATH.read_text(encoding="utf-8")


def test_equal_evidence_gives_equal_bytes(tmp_path: Path) -> None:
    """
    Neither the folder's name, nor the hour, nor the order on the disk is in them.
    """
    first = packed(tmp_path)
    copy = shutil.copytree(tmp_path / "evidence", tmp_path / "another place")

    second = pack(copy, tmp_path / "second.ernie", Packing(suite=SUITE))

    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()


def test_any_zip_tool_opens_it(tmp_path: Path) -> None:
    """
    The format is a plain zip, whose checksums hold.
    """
    bundle = packed(tmp_path)

    with zipfile.ZipFile(bundle.path) as archive:
        assert None is archive.testzip()
        names = archive.namelist()
        text = archive.read("evidence/journal.jsonl")

    assert [*bundle.names, "manifest.json"] == names
    assert (tmp_path / "evidence" / "journal.jsonl").read_bytes() == text


def test_a_bundle_is_read_like_its_folder(tmp_path: Path) -> None:
    """
    The same record, the same log, whichever of the two is opened.
    """
    bundle = packed(tmp_path)
    of_folder, of_bundle = Store(tmp_path / "evidence"), Store.existing(bundle.path)
    wanted = of_folder.find(context_of(8192))

    found = of_bundle.find(context_of(8192))

    assert found is not None and wanted == found
    assert of_folder.blobs.get(found.blobs["log"]) == of_bundle.blobs.get(found.blobs["log"])


def test_nothing_is_measured_into_a_bundle(tmp_path: Path) -> None:
    """
    It is read only, and says where measurements go instead.
    """
    store = Store(packed(tmp_path).path)

    with (
        pytest.raises(EvidenceError, match="a bundle is only read") as caught,
        store.recording(context_of(131072), store.subjects()[0], "e" * 64),
    ):
        pass

    assert "Measure into an evidence folder" in str(caught.value)


def test_facts_name_the_log_of_each_measurement(tmp_path: Path) -> None:
    """
    Somebody with a zip tool only finds what belongs to what.
    """
    bundle = packed(tmp_path)

    facts = json.loads(bundle.read("facts.json"))

    (log,) = {m["blobs"]["log"] for m in facts["measurements"] if "32768 tokens" in m["title"]}
    assert bundle.read(f"evidence/blobs/{log[:2]}/{log}").startswith(b"server of 32768")
    assert ("c" * 40, False) == (facts["packed_by"]["commit"], facts["packed_by"]["dirty"])


def test_what_no_entry_names_stays_behind(tmp_path: Path) -> None:
    """
    Scratch, locks and orphaned blobs are nobody's evidence.
    """
    folder = evidence(tmp_path / "evidence")
    orphan = Store(folder).blobs.put(b"of nobody")

    bundle = pack(folder, tmp_path / "chip.ernie", Packing(suite=SUITE))

    assert [name for name in bundle.names if orphan in name or "lock" in name] == []


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """
    What never was completed isn't sealed.
    """
    folder = evidence(tmp_path / "evidence")
    journal = folder / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"seq":')

    bundle = pack(folder, tmp_path / "chip.ernie")

    assert whole == bundle.read(JOURNAL)
    assert len(whole.splitlines()) == bundle.manifest.seal.entries


def test_altered_evidence_is_not_packed(tmp_path: Path) -> None:
    """
    A bundle vouches for whole evidence; what isn't stays a folder for whoever certifies.
    """
    folder = evidence(tmp_path / "evidence")
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"accepted":true', b'"accepted":null', 1))

    with pytest.raises(
        EvidenceError, match="the evidence isn't whole, so it isn't packed: entry 4"
    ):
        pack(folder, tmp_path / "chip.ernie")

    assert not (tmp_path / "chip.ernie").exists()


def test_a_lost_blob_is_named(tmp_path: Path) -> None:
    """
    Half a bundle isn't written, and nothing is left of the attempt.
    """
    folder = evidence(tmp_path / "evidence")
    blob = next(path for path in (folder / "blobs").rglob("*") if path.is_file())
    blob.unlink()

    with pytest.raises(EvidenceMissing, match="a blob of the evidence is gone"):
        pack(folder, tmp_path / "chip.ernie")

    assert {"evidence"} == {path.name for path in tmp_path.iterdir()}


def test_a_bundle_is_not_packed_again(tmp_path: Path) -> None:
    """
    It would hide who packed it first.
    """
    bundle = packed(tmp_path)

    with pytest.raises(UsageProblem, match="this is a bundle already"):
        pack(bundle.path, tmp_path / "again.ernie")


def test_the_command_packs_and_says_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    ``pytest-ernie pack`` names file, seal and digest; the report goes along.
    """
    folder = evidence(tmp_path / "evidence")
    report = tmp_path / "report.html"
    report.write_text("<p>PASS</p>")

    assert 0 == main(["pack", "--evidence", str(folder), "--report", str(report)])

    bundle = open_bundle(tmp_path / "evidence.ernie")
    shown = capsys.readouterr().out
    assert b"<p>PASS</p>" == bundle.read("report.html")
    assert bundle.digest in shown and "sealed: 8 journal entries" in shown
