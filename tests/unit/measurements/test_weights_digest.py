"""
Digests of weights: by content, and computed once however many processes ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.measurements import equipment
from pytest_ernie.measurements.equipment import _Known, folder_digest


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the files that were hashed; every file counts as large."""
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_Known, "LARGE", 1)
    names: list[str] = []
    real = equipment.file_digest

    def counted(path: Path) -> str:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(equipment, "file_digest", counted)
    return names


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A checkpoint of two files."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("a.safetensors", "b.safetensors"):
        (folder / name).write_text(name)
    return folder


def test_a_file_that_hasn_t_changed_is_hashed_once(weights: Path, hashed: list[str]) -> None:
    """
    Hundreds of gigabytes; a change of one file is that file's.
    """
    first = folder_digest(weights)
    assert folder_digest(weights) == first
    (weights / "b.safetensors").write_text("changed")

    assert folder_digest(weights) != first
    assert hashed == ["a.safetensors", "b.safetensors", "b.safetensors"]


def test_who_looked_before_another_had_written_reads_again(
    weights: Path, hashed: list[str]
) -> None:
    """
    Workers that start together hash each file once among them, and lose none of the others' digests.
    """
    one, other = _Known(), _Known()
    digests = [known.digest(weights / "a.safetensors") for known in (one, other)]
    other.digest(weights / "b.safetensors")
    one.digest(weights / "b.safetensors")

    assert digests[0] == digests[1]
    assert hashed == ["a.safetensors", "b.safetensors"]
    assert folder_digest(weights)
    assert len(hashed) == 2


def test_a_torn_memory_is_made_anew(weights: Path, hashed: list[str], tmp_path: Path) -> None:
    """
    It is only a memory.
    """
    first = folder_digest(weights)
    (tmp_path / "cache" / "digests.json").write_text('{"/weights')

    assert folder_digest(weights) == first


def test_a_checkpoint_that_isn_t_there_is_named(tmp_path: Path) -> None:
    """
    An empty digest would equal any other absent folder's.
    """
    with pytest.raises(SiteError, match=r"there is no such checkpoint folder; got .*/absent"):
        folder_digest(tmp_path / "absent")


def test_hashing_is_work_that_others_are_told_of(weights: Path, hashed: list[str]) -> None:
    """
    Once for each file that must be read; what is remembered disturbs nobody.
    """
    entered = []

    @contextmanager
    def noted() -> Iterator[None]:
        entered.append(len(hashed))
        yield

    folder_digest(weights, noted)
    folder_digest(weights, noted)

    assert entered == [0, 1]
