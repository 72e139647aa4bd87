"""
What a server leaves behind when it ends: shared memory, message queues and semaphores.

Processes are the keeper's business; these outlive every process. Whatever appeared while the server
lived is told, with its owner. It is removed only if it is provably the server's:

    SysV shared memory    the system names the process that created it, and that was one of ours
    POSIX shared memory   a process of ours had it mapped, nobody has it now, and its name holds the
                          number of a process of ours that is gone, or of a port that was ours

Nothing proves who made a message queue or a semaphore, so those are never removed.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
import psutil

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, nothing is written there
SYSV = Path("/proc/sysvipc")
TITLES = {"shm": "SysV shared memory", "msg": "message queue", "sem": "semaphores"}
IPC_RMID = 0
WHOSE = "and nothing shows whose it is"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the system that outlives processes."""

    kind: str
    """``posix``, ``shm``, ``msg`` or ``sem``."""
    id: str
    """File name, or the SysV number."""
    uid: int
    bytes: int
    pids: tuple[int, ...] = ()
    """Whom the system names: of SysV shared memory the creator, of a queue its last users."""
    attached: int = 0
    """Processes that have SysV shared memory mapped."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart."""
        return self.kind, self.id


class Belongings:
    """Made before a server starts; told of its processes while they live; asked when it is gone."""

    def __init__(self) -> None:
        self.ports: tuple[int, ...] = ()
        """Ports that the server was given; FastDeploy names its shared memory by them."""
        self._before = {thing.key for thing in things()}
        self._ours: dict[int, str] = {}
        self._mapped: set[str] = set()

    def look(self, processes: Iterable[psutil.Process]) -> None:
        """Remember these processes of the server, and the shared memory that they have mapped."""
        for process in processes:
            try:
                self._ours[process.pid] = process.name()
                self._mapped |= _mapped(process.pid)
            except psutil.Error:
                continue

    def left_behind(self) -> tuple[str, ...]:
        """Return what appeared since and is still there, a line each; what is ours is removed."""
        new = [thing for thing in things() if thing.key not in self._before and self._near(thing)]
        if not new:
            return ()
        held = _held_by_anybody()
        return tuple(self._dealt_with(thing, held) for thing in new if not self._used(thing, held))

    def _near(self, thing: Thing) -> bool:
        """What another user's programs do meanwhile is none of our business."""
        return thing.uid == os.getuid() or thing.id in self._mapped

    def _used(self, thing: Thing, held: set[str]) -> bool:
        """Somebody who lives uses it: it is theirs, and no leftover."""
        if thing.kind == "posix":
            return thing.id in held
        return thing.attached > 0 or any(
            pid not in self._ours and psutil.pid_exists(pid) for pid in thing.pids if pid
        )

    def _dealt_with(self, thing: Thing, held: set[str]) -> str:
        title = TITLES.get(thing.kind, "shared memory")
        name = SHARED_MEMORY / thing.id if thing.kind == "posix" else thing.id
        told = f"{title} {name}, {thing.bytes} bytes, owner {_user(thing.uid)}"
        if names := [f"{pid} ({self._ours[pid]})" for pid in thing.pids if pid in self._ours]:
            told += f", of our process {' and '.join(names)}"
        elif thing.kind == "posix" and thing.id in self._mapped:
            told += ", mapped by our server"
        elif thing.kind == "posix" and self._numbered(thing.id):
            told += ", numbered as our server's are"
        else:
            return f"{told}: appeared while the server ran, {WHOSE}; left as it is"
        if not self._provably_ours(thing):
            return f"{told}: left as it is"
        return f"{told}: {'removed' if _remove(thing) else 'could not be removed'}"

    def _numbered(self, name: str) -> bool:
        """Whether a name holds one of our ports, or the pid of a process of ours that is gone."""
        numbers = set(map(int, re.findall(r"(?<!\w)\d+(?!\w)", re.sub(r"[_.-]", " ", name))))
        gone = {pid for pid in self._ours if pid in numbers and not psutil.pid_exists(pid)}
        return bool(gone or numbers & set(self.ports))

    def _provably_ours(self, thing: Thing) -> bool:
        if thing.uid != os.getuid():
            return False
        if thing.kind == "shm":
            return bool(thing.pids) and thing.pids[0] in self._ours
        return thing.kind == "posix" and thing.id in self._mapped and self._numbered(thing.id)


def things() -> list[Thing]:
    """Return all that is there, of every user; empty where the system has none of it."""
    return [*_posix(), *(thing for kind in TITLES for thing in _sysv(kind))]


def _posix() -> list[Thing]:
    found = []
    try:
        entries = list(os.scandir(SHARED_MEMORY))
    except OSError:
        return []
    for entry in entries:
        try:
            state = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        found.append(Thing(kind="posix", id=entry.name, uid=state.st_uid, bytes=state.st_size))
    return found


def _sysv(kind: str) -> list[Thing]:
    try:
        head, *rows = (SYSV / kind).read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []
    columns = head.split()
    found = []
    for row in rows:
        facts = dict(zip(columns, map(int, row.split()), strict=False))
        found.append(
            Thing(
                kind=kind,
                id=str(facts[columns[1]]),  # shmid, msqid, semid
                uid=facts["uid"],
                bytes=facts.get("size", facts.get("cbytes", 0)),
                pids=tuple(facts[name] for name in ("cpid", "lspid", "lrpid") if name in facts),
                attached=facts.get("nattch", 0),
            )
        )
    return found


def _mapped(pid: int) -> set[str]:
    """Return names in /dev/shm that a process has mapped."""
    inside = f"{SHARED_MEMORY}/"
    try:
        with Path(f"/proc/{pid}/maps").open(encoding="utf-8", errors="replace") as maps:
            lines = [line for line in maps if inside in line]
    except OSError:
        return set()
    return {line.split(inside, 1)[1].strip().removesuffix(" (deleted)") for line in lines}


def _held_by_anybody() -> set[str]:
    held: set[str] = set()
    for pid in psutil.pids():
        held |= _mapped(pid)
    return held


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _remove(thing: Thing) -> bool:
    if thing.kind == "posix":
        try:
            (SHARED_MEMORY / thing.id).unlink()
        except OSError:
            return False
        return True
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.shmctl(int(thing.id), IPC_RMID, None) == 0)
