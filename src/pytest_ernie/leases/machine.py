"""
What the machine has, and where its processes meet.
"""

from __future__ import annotations

import os
from pathlib import Path

from pytest_ernie.errors import UsageProblem

VARIABLE = "PYTEST_ERNIE_LEASES"
DEFAULT = Path(os.sep, "tmp", "pytest-ernie-leases")
"""Not TMPDIR's folder, which may be another for each user; the machine's users meet here."""
USABLE_SHARE = 0.9
"""Of the memory; the rest is the system's."""
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def folder_of_leases() -> Path:
    """
    Return the folder in which every process of this machine keeps its leases, made if need be.

    ``PYTEST_ERNIE_LEASES`` names another one, for containers that share a machine. Everybody may
    write into it: a lease is only as good as the number of those who see it. UsageProblem if it
    can't be made or written.
    """
    folder = Path(os.environ.get(VARIABLE) or DEFAULT).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o777)
    except OSError as problem:
        raise _unusable(folder, str(problem)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "it can't be written")
    return folder


def _unusable(folder: Path, got: str) -> UsageProblem:
    return UsageProblem(
        "the folder of leases can't be used, so nothing keeps two runs off the same card",
        where=folder,
        got=got,
        fix=f"Give one that every user of this machine may write, in {VARIABLE}",
    )


def capacity_gib(limits: tuple[Path, ...] = CGROUP_LIMITS) -> float:
    """Return the memory that servers and trainers may have together: the machine's, or the container's."""
    import psutil

    total = psutil.virtual_memory().total
    for path in limits:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return float(total) / 2**30 * USABLE_SHARE
