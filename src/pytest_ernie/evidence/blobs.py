"""
Raw material (logs, configurations) kept under its own sha256, so that it can't change unnoticed.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

from pytest_ernie.errors import EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence.writing import cannot_write


class Blobs:
    """
    The ``blobs/`` folder of an evidence folder: write once, verify at every read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "blobs"

    def put(self, content: bytes) -> str:
        """
        Return the sha256 of ``content`` once that is safely on disk; equal content is kept once.

        A blob that was changed is mended: the content at hand is what its name promises. EvidenceError if
        it can't be written; then nothing of it is there.
        """
        name = hashlib.sha256(content).hexdigest()
        try:
            self._put(self._path(name), content)
        except OSError as problem:
            raise cannot_write(self._folder, problem) from problem
        return name

    def _put(self, path: Path, content: bytes) -> None:
        if not (path.is_file() and path.read_bytes() == content):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
            try:
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            for folder in (path.parent, self._folder, self._folder.parent):
                sync_folder(folder)

    def get(self, name: str) -> bytes:
        """
        Return the content kept under that digest.

        Raises EvidenceMissing if it is gone and EvidenceTampered if it is no longer the same.
        """
        path = self._path(name)
        if not path.is_file():
            raise EvidenceMissing("a blob of the evidence is gone", where=path)
        content = path.read_bytes()
        actual = hashlib.sha256(content).hexdigest()
        if actual != name:
            raise EvidenceTampered(
                "a blob of the evidence was changed",
                where=path,
                got=f"sha256 {actual[:12]}…",
                wanted=f"{name[:12]}…",
            )
        return content

    def _path(self, name: str) -> Path:
        if len(name) != 64 or not all(letter in "0123456789abcdef" for letter in name):
            raise EvidenceTampered("a blob has no sha256 for a name", got=repr(name[:80]))
        return self._folder / name[:2] / name


def sync_folder(folder: Path) -> None:
    """Put a folder's own list of files on disk: a new file whose name is lost is lost itself."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
