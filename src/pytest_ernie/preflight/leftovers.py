"""
What an earlier run may have left behind. Only looked at: nothing is ended or removed here.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_ernie.preflight.finding import Finding
from pytest_ernie.toolchains.keeper import MARK, processes

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (the system's own place, looked at only)
TABLES = Path("/proc/sysvipc")
FASTDEPLOY = re.compile(
    r"fastdeploy[./](entrypoints|worker|engine|cache_manager)|fastdeploy serve\b|cache_transfer_manager"
)
"""Command lines of its servers, workers and cache managers; a path that holds the word isn't one."""
SHOWN = 5


COMMAND_CHARACTERS = 120
"""Characters of a command line that are shown; what tells whose it is may come later."""


def our_leftovers() -> Finding:
    """Processes that this suite started and that outlived their keeper."""
    alive = {f"{pid}:{start}" for pid, (_, start) in processes().items()}
    lost = [
        f"{pid} {command[:COMMAND_CHARACTERS]}"
        for pid, command, mark in _marked()
        if mark and mark not in alive
    ]
    return Finding(
        name="leftover processes",
        holds=not lost,
        got=_some(lost),
        wanted="none that an earlier run of this suite left",
        mend=f"They hold memory and cards. End them: kill {' '.join(_pids(lost))}",
    )


def fastdeploy_processes() -> Finding:
    """FastDeploy's processes that this suite didn't start: another's server, or a leftover."""
    others = [
        f"{pid} {command[:COMMAND_CHARACTERS]}"
        for pid, command, mark in _marked()
        if FASTDEPLOY.search(command) and not mark
    ]
    return Finding(
        name="FastDeploy processes",
        holds=not others,
        got=_some(others),
        wanted="none beside this suite's",
        mend="If they are nobody's, end them by their numbers; FastDeploy's own stop script ends "
        "everybody's",
        advice=True,
    )


def shared_memory() -> Finding:
    """Files, segments and queues of this user that no living process uses."""
    left = [*_unused_files(), *_unused_tables()]
    return Finding(
        name="shared memory",
        holds=not left,
        got=_some(left),
        wanted="none that nobody uses",
        mend="A server that was killed leaves it. Remove what is yours: rm /dev/shm/NAME, "
        "ipcrm -m ID, ipcrm -q ID",
        advice=True,
    )


def _marked() -> Iterator[tuple[int, str, str | None]]:
    """Yield pid, command line and mark of every process whose environment may be read."""
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            mark = None
            with contextlib.suppress(psutil.AccessDenied):
                mark = process.environ().get(MARK)
            yield process.pid, " ".join(process.cmdline()), mark


def _unused_files() -> Iterator[str]:
    owned = []
    with contextlib.suppress(OSError):
        owned = [
            path
            for path in SHARED_MEMORY.iterdir()
            if path.is_file() and path.stat().st_uid == os.getuid()
        ]
    if not owned:
        return
    used = _mapped_text()
    for path in owned:
        if str(path) not in used:
            yield f"{path} ({path.stat().st_size / 2**20:.0f} MiB)"


def _mapped_text() -> str:
    """What all readable processes have mapped or open, as one text."""
    parts = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parts.append((process / "maps").read_text(encoding="utf-8", errors="replace"))
        with contextlib.suppress(OSError):
            for opened in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    parts.append(os.readlink(opened))
    return "\n".join(parts)


def _unused_tables() -> Iterator[str]:
    """Segments without a process attached, and queues whose last users are dead."""
    for row in _rows("shm"):
        if row["nattch"] == 0:
            yield f"segment {row['shmid']} ({row['size'] / 2**20:.0f} MiB)"
    alive = processes()
    for row in _rows("msg"):
        if row["lspid"] not in alive and row["lrpid"] not in alive:
            yield f"queue {row['msqid']} ({row['qnum']} messages)"


def _rows(table: str) -> Iterator[dict[str, int]]:
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = (TABLES / table).read_text(encoding="ascii").splitlines()
    for line in lines[1:]:
        row = dict(zip(lines[0].split(), map(int, line.split()), strict=False))
        if row["uid"] == os.getuid():
            yield row


def _some(things: list[str]) -> str:
    if not things:
        return "none"
    more = f" and {len(things) - SHOWN} more" if len(things) > SHOWN else ""
    return f"{', '.join(things[:SHOWN])}{more}"


def _pids(things: list[str]) -> list[str]:
    return [thing.split()[0] for thing in things]
