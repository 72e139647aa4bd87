"""
Bytes that are on disk when the call returns, or aren't there at all; and what to say if they can't be.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from pytest_ernie.errors import EvidenceError, UsageProblem

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""No room, no quota, read-only, or a file that may not grow: no fault of what was being measured."""
KEPT = "What is complete stays, and the next run goes on from what was kept"


def append_line(path: Path, line: bytes, size: int) -> None:
    """
    Append to a file of ``size`` bytes; the line is safely on disk, or the file is as it was.

    OSError if it can't be written. A buffer would try again when it is closed, after the failure was told.
    """
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def cannot_write(path: Path, problem: OSError) -> EvidenceError:
    """Return the error of evidence that can't be written: a full disk, a quota, a read-only folder."""
    words = problem.strerror or type(problem).__name__
    return EvidenceError(
        f"the evidence can't be written ({words})",
        where=path,
        fix=f"Free some space, or make the folder writable. {KEPT}",
    )


def check_writable(folder: Path) -> None:
    """
    Raise UsageProblem if nothing can be written where a run is to keep what it measures.

    Told before the first measurement, not after the last.
    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise UsageProblem(
            f"nothing was measured: the evidence can't be written ({problem.strerror})",
            where=folder,
            fix="Free some space, make the folder writable, or name another with --evidence",
        ) from None
