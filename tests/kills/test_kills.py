"""
Two hundred kills, twelve full disks and a read-only one: tier I against doubles.

Minutes, so it runs by itself only: ``tox -e kills``.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles.kill_runs import (
    SOME,
    Campaign,
    Whole,
    finished,
    killed_often,
)
from doubles.nursery import Nursery

SIZES_KIB = sorted(random.Random(12).sample(range(8, 220), 12))


@pytest.mark.parametrize("seed", range(20))
def test_ten_kills_lose_nothing(
    tmp_path: Path, nursery: Nursery, undisturbed: Whole, seed: int
) -> None:
    """
    Twenty times ten SIGKILLs at moments that a seed draws; each run goes on from what the last one kept.
    """
    assert killed_often(tmp_path, nursery, undisturbed, kills=10, seed=seed) >= 1


class Disk:
    """A small disk of its own; where none can be mounted, a limit on every file's size in its place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.is_mounted = False

    def hold(self, kib: int) -> None:
        """Give it a size; the data stay."""
        how = "remount,rw," if self.is_mounted else ""
        done = self._mount(f"{how}size={kib}k")
        self.is_mounted = self.is_mounted or done

    def protect(self) -> None:
        """Make it read-only."""
        if not self._mount("remount,ro"):
            self.folder.chmod(0o555)

    def open(self) -> None:
        """Make it writable again."""
        if not self._mount("remount,rw"):
            self.folder.chmod(0o755)

    def close(self) -> None:
        """Take it away."""
        if self.is_mounted:
            subprocess.run(["umount", self.folder], check=True)

    def _mount(self, options: str) -> bool:
        if os.getuid() != 0 or (options.startswith("remount") and not self.is_mounted):
            return False
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Not mounted yet."""
    found = Disk(tmp_path / "disk")
    yield found
    with contextlib.suppress(subprocess.CalledProcessError):
        found.close()


@pytest.mark.parametrize("kib", SIZES_KIB)
def test_a_full_disk_loses_nothing(
    tmp_path: Path, nursery: Nursery, undisturbed: Whole, disk: Disk, kib: int
) -> None:
    """
    It fills in the middle, the run ends and says so; with more room the next one goes on from there.
    """
    disk.hold(kib)
    evidence = disk.folder / "evidence"
    campaign = Campaign(tmp_path / "run", nursery, evidence, chosen=SOME)
    limit = None if disk.is_mounted else undisturbed.journal_bytes * kib // 220

    code = campaign.finish(file_bytes=limit)

    assert code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR), campaign.said()
    assert "the evidence can't be written (" in campaign.said()
    campaign.check(undisturbed)
    disk.hold(100_000)
    finished(campaign, undisturbed)


def test_a_read_only_folder_is_refused_and_can_be_judged(
    tmp_path: Path, nursery: Nursery, undisturbed: Whole, disk: Disk
) -> None:
    """
    Nothing is measured into it, and what it holds is judged all the same.
    """
    disk.hold(100_000)
    campaign = Campaign(tmp_path / "run", nursery, disk.folder / "evidence", chosen=SOME)
    finished(campaign, undisturbed)
    disk.protect()
    before = campaign.said()

    if disk.is_mounted:  # a folder's mode stops nobody who may do everything
        assert campaign.finish() == pytest.ExitCode.USAGE_ERROR, campaign.said()
        assert (
            "nothing was measured: the evidence can't be written" in campaign.said()[len(before) :]
        )
    campaign.check(undisturbed)  # which reads every record
    disk.open()
    finished(campaign, undisturbed)
