"""
Blobs: kept under their own digest, verified at every read.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pytest_ernie.errors import EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence.blobs import Blobs

CONTENT = b"step 1 loss 2.0\n"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty folder of blobs."""
    return Blobs(tmp_path)


def path_of(folder: Path, name: str) -> Path:
    """Where a blob lies."""
    return folder / "blobs" / name[:2] / name


@pytest.mark.parametrize("content", [b"", CONTENT, b"\xff\x00" * 100_000])
def test_what_is_put_is_got(blobs: Blobs, content: bytes) -> None:
    """
    Any bytes, empty ones too, under their sha256.
    """
    name = blobs.put(content)

    assert (hashlib.sha256(content).hexdigest(), content) == (name, blobs.get(name))


def test_equal_content_is_kept_once(blobs: Blobs, tmp_path: Path) -> None:
    """
    The second time nothing is written.
    """
    blobs.put(CONTENT)
    before = path_of(tmp_path, NAME).stat()
    blobs.put(CONTENT)

    assert (before.st_ino, before.st_mtime_ns) == (
        path_of(tmp_path, NAME).stat().st_ino,
        path_of(tmp_path, NAME).stat().st_mtime_ns,
    )


def test_nothing_half_written_is_left_behind(blobs: Blobs, tmp_path: Path) -> None:
    """
    A blob appears whole, under its name, or not at all.
    """
    blobs.put(CONTENT)

    assert [path_of(tmp_path, NAME)] == [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize("changed", [b"", CONTENT[:-1], CONTENT + b" ", b"step 1 loss 1.0\n"])
def test_a_changed_blob_is_noticed(blobs: Blobs, tmp_path: Path, changed: bytes) -> None:
    """
    One byte more, less or other: both digests are named.
    """
    blobs.put(CONTENT)
    path_of(tmp_path, NAME).write_bytes(changed)

    with pytest.raises(EvidenceTampered) as caught:
        blobs.get(NAME)
    actual = hashlib.sha256(changed).hexdigest()
    expected = (
        f"{path_of(tmp_path, NAME)}: a blob of the evidence was changed; got sha256 "
        f"{actual[:12]}…; wanted {NAME[:12]}…"
    )
    assert expected == str(caught.value)


def test_a_changed_blob_is_mended_by_measuring_the_same_again(blobs: Blobs, tmp_path: Path) -> None:
    """
    Otherwise a configuration that was damaged once would void every later run with the same one.
    """
    blobs.put(CONTENT)
    path_of(tmp_path, NAME).write_bytes(b"damaged")

    assert blobs.get(blobs.put(CONTENT)) == CONTENT


def test_a_removed_blob_is_said_to_be_gone(blobs: Blobs, tmp_path: Path) -> None:
    """
    Gone isn't tampered with: it may lie in another copy of the evidence.
    """
    blobs.put(CONTENT)
    path_of(tmp_path, NAME).unlink()

    with pytest.raises(EvidenceMissing) as caught:
        blobs.get(NAME)
    assert f"{path_of(tmp_path, NAME)}: a blob of the evidence is gone" == str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["", "abc", "../" * 22 + "etc/passwd"[:0], "g" * 64, NAME.upper(), f"/{NAME[1:]}", NAME + "0"],
)
def test_a_name_that_is_no_digest_is_refused(blobs: Blobs, name: str) -> None:
    """
    A journal from elsewhere must not make this machine read files of its own.
    """
    with pytest.raises(EvidenceTampered) as caught:
        blobs.get(name)

    assert f"a blob has no sha256 for a name; got {name[:80]!r}" == str(caught.value)


def test_a_long_name_is_cut_in_the_message(blobs: Blobs) -> None:
    """
    A megabyte of nonsense isn't printed.
    """
    with pytest.raises(EvidenceTampered) as caught:
        blobs.get("x" * 1000)

    assert f"a blob has no sha256 for a name; got '{'x' * 80}'" == str(caught.value)


def test_a_blob_and_its_folders_are_on_disk_before_it_is_named(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After a power cut the journal must not name a blob that the folder has forgotten.
    """
    synced: list[str] = []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    blobs.put(CONTENT)

    folder = path_of(tmp_path, NAME).parent
    assert synced[0].endswith(".part")
    assert [str(folder), str(folder.parent), str(tmp_path)] == synced[1:]
