"""
Which state of this suite is at work: its version, its commit, and whether anybody changed it since.
"""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import msgspec
from msgspec import Struct

import pytest_ernie

UNKNOWN = "unknown"
STAMP = "_commit.json"
"""Beside the package's modules: written by the build, where that is done in a checkout."""


class Suite(Struct, frozen=True, kw_only=True):
    """Version, commit ("unknown" where nobody can tell), and changes that no commit holds."""

    version: str
    commit: str = UNKNOWN
    dirty: bool | None = None
    """None: nobody can tell."""

    @property
    def words(self) -> str:
        """Return it in words, as a report has it."""
        state = {True: ", with changes", False: "", None: ", changes unknown"}[self.dirty]
        return f"{self.version} (commit {self.commit[:12]}{state})"


def suite() -> Suite:
    """Return this process's own: from the checkout, the build's stamp, or the installer's record."""
    package = Path(pytest_ernie.__file__).parent
    return (
        _of_checkout(package.parents[1])
        or _of_build(package)
        or _of_installer()
        or Suite(version=_version())
    )


def _version() -> str:
    return pytest_ernie.__version__


def _of_checkout(root: Path) -> Suite | None:
    """Ask git, if this package lies in a checkout of its own and not merely below somebody else's."""
    if not (root / ".git").exists() or not (root / "src" / "pytest_ernie").is_dir():
        return None
    commit, changes = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    if commit is None:
        return None
    dirty = None if changes is None else bool(changes)
    return Suite(version=_version(), commit=commit, dirty=dirty)


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _of_build(package: Path) -> Suite | None:
    try:
        stamp = msgspec.json.decode((package / STAMP).read_bytes())
        return Suite(version=_version(), commit=str(stamp["commit"]), dirty=stamp["dirty"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return None


def _of_installer() -> Suite | None:
    """Read what an installer noted (direct_url.json) when it took the suite from a repository."""
    try:
        text = metadata.distribution("pytest-ernie").read_text("direct_url.json")
        commit = msgspec.json.decode(text or "{}")["vcs_info"]["commit_id"]
    except (metadata.PackageNotFoundError, msgspec.DecodeError, KeyError, TypeError):
        return None
    return Suite(version=_version(), commit=str(commit))
