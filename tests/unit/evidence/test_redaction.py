"""
Redaction: what belongs to one machine goes into evidence by a name, everything else as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from evidence_kit import EDITION, SUBJECT, WHAT

from pytest_ernie.evidence import Redaction, Store

LAB = {"cache": Path("/data/lab"), "evidence": Path("/data/lab/evidence"), "root": Path("/")}
KEY = "sk-1234567890"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/data/lab", "{cache}"),
        ("/data/lab/x.log", "{cache}/x.log"),
        ("/data/lab/evidence/work", "{evidence}/work"),
        ("--model=/data/lab, then", "--model={cache}, then"),
        ("/bin:/data/lab/bin:/data/lab", "/bin:{cache}/bin:{cache}"),
        ("file:///data/lab/x", "file://{cache}/x"),
        ("It lies in /data/lab.", "It lies in {cache}."),
        ("/data/lab... cut", "{cache}... cut"),
        ("/data/labour", "/data/labour"),
        ("/data/lab-2 /data/lab.old", "/data/lab-2 /data/lab.old"),
        ("/mnt/data/lab", "/mnt/data/lab"),
        ("/ and /usr", "/ and /usr"),
        (f"401: no such key {KEY}", "401: no such key {secret}"),
        ("ERNIE 文心", "ERNIE 文心"),
        ("half a character \ud83d", "half a character \ud83d"),
    ],
)
def test_whole_folders_and_secrets_get_names(said: str, kept: str) -> None:
    """
    The innermost folder counts; a name that merely begins alike is another folder.
    """
    assert kept == Redaction(LAB, [KEY, ""]).value(said)


def test_values_keep_their_shape() -> None:
    """
    Only texts change, at any depth, keys included.
    """
    value = {"/data/lab": [1, 2.5, None, True, ("/data/lab/a", {"b": "/data/lab"})]}
    assert Redaction(LAB).value(value) == {
        "{cache}": [1, 2.5, None, True, ["{cache}/a", {"b": "{cache}"}]]
    }


def test_a_file_that_is_no_text_keeps_its_other_bytes() -> None:
    """
    Logs hold torn characters and worse.
    """
    assert Redaction(LAB).raw(b"\xff\x00/data/lab/\xfe") == b"\xff\x00{cache}/\xfe"


def test_a_link_and_its_target_have_one_name(tmp_path: Path) -> None:
    """
    A tool logs either.
    """
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    redaction = Redaction({"cache": tmp_path / "link"})
    assert redaction.value(f"{tmp_path}/link/a {tmp_path}/disk/b") == "{cache}/a {cache}/b"


def test_a_short_key_is_no_secret() -> None:
    """
    Replacing every "1" would make a log unreadable.
    """
    assert Redaction({}, ["1", "EMPTY"]).value("step 1 EMPTY") == "step 1 EMPTY"


def test_without_anything_local_all_stays() -> None:
    """
    Neither an empty pattern nor an empty secret matches everywhere.
    """
    assert Redaction().raw(b"loss 2.0") == b"loss 2.0"


def test_everything_that_a_store_writes_is_redacted(tmp_path: Path) -> None:
    """
    Subject, sample, result, blob (bytes and file), failure: no way in leads past it.
    """
    folder = tmp_path / "evidence"
    (tmp_path / "server.log").write_text(f"loading {folder}/weights")
    store = Store(folder, Redaction({"evidence": folder}, [KEY]))
    subject = msgspec.structs.replace(SUBJECT, launch={"arguments": [f"--x={folder}"]})
    with store.recording(WHAT, subject, EDITION) as recording:
        recording.sample({"error": f"401 {KEY}"})
        recording.blob("log", tmp_path / "server.log")
        recording.blob("config", f"{folder}/train.yaml".encode())
        recording.finish({"command": [f"{folder}/launcher"]})
    with (
        pytest.raises(OSError, match="gone"),
        store.recording(WHAT, subject, EDITION, reason=f"moved from {folder}"),
    ):
        raise OSError(f"{folder}/x is gone")

    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert len(files) == 3
    for path in files:
        assert str(folder).encode() not in path.read_bytes()
        assert KEY.encode() not in path.read_bytes()
    entries: list[dict[str, Any]] = [entry.body for entry in store.journal.entries]
    assert {"arguments": ["--x={evidence}"]} in [body.get("launch") for body in entries]


def test_a_redacted_subject_is_found_again(tmp_path: Path) -> None:
    """
    The key is the subject as written, so moving a cache measures nothing anew.
    """
    for cache in ("/old/cache", "/new/cache"):
        store = Store(tmp_path, Redaction({"cache": Path(cache)}))
        subject = msgspec.structs.replace(SUBJECT, launch={"template": f"{cache}/t.jinja"})
        if cache == "/old/cache":
            with store.recording(WHAT, subject, EDITION) as recording:
                recording.finish({})
        assert store.find(WHAT, subject) is not None
