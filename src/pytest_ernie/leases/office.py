"""
The office: hands out what the machine has, by files that the kernel knows to be held.

Every wish is a file of the machine's folder, and its holder keeps it locked. The kernel drops the
lock when the last process that has the file open is gone, however it went: a lease can't outlive
its holders, and nobody has to believe a process id. The keeper of each server and trainer has the
file open, too, so that the cards of a killed run are free when its last process is gone, not
before. Files are read and granted under one mutex; a file that nobody holds is swept away.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from pytest_ernie.errors import MeasurementError
from pytest_ernie.leases.machine import capacity_gib, folder_of_leases
from pytest_ernie.leases.rule import Choose, Held, Obstacle, Wish, first_free, grant
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.process import KEPT_OPEN

POLL_S = 0.5
WAIT_MAX_S = 48 * 3600.0
"""Others measure for hours; what is still taken after two days hangs."""
SUFFIX = ".lease"


class Lease:
    """Something of the machine's that is ours until it is released, or we are gone."""

    def __init__(self, office: Office, file: _File, held: Held) -> None:
        self._office = office
        self._file: _File | None = file
        self._held = held

    @property
    def cards(self) -> tuple[str, ...]:
        """Ids of the cards, as the visible-devices variable takes them."""
        return self._held.cards

    @property
    def ports(self) -> tuple[int, ...]:
        """Numbers of 127.0.0.1's ports."""
        return self._held.ports

    def release(self) -> None:
        """Give it back as soon as no process of ours has it open; more than once does no harm."""
        if self._file is not None:
            file, self._file = self._file, None
            self._office.give_back(file)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Office:
    """
    Grants wishes on one machine.

    ``folder`` is where its processes meet; ``memory_gib`` what they may have together.
    """

    def __init__(self, folder: Path | None = None, memory_gib: float | None = None) -> None:
        self._folder = folder or folder_of_leases()
        self._memory_gib = capacity_gib() if memory_gib is None else memory_gib

    def take(
        self,
        wish: Wish,
        *,
        cards: tuple[str, ...] = (),
        choose: Choose = first_free,
        progress: Progress = silent,
        wait_max_s: float = WAIT_MAX_S,
    ) -> Lease:
        """
        Wait until the wish can be granted, and return its lease.

        ``cards`` are the ids that may be used, ``choose`` says which of the free ones go together.
        MeasurementError, naming who is in the way, once ``wait_max_s`` is over.
        """
        with self._mutex():
            others = self._others()
            ticket = 1 + max((other.ticket for other in others), default=0)
            file = _File.create(self._folder, Held(wish=wish, ticket=ticket, pid=os.getpid()))
        began = time.monotonic()
        try:
            while True:
                with self._mutex():
                    found = grant(
                        wish,
                        self._others(but=file),
                        ticket=ticket,
                        cards=cards,
                        choose=choose,
                        capacity_gib=self._memory_gib,
                    )
                    if not isinstance(found, Obstacle):
                        return self._granted(file, cards=found)
                waited_s = time.monotonic() - began
                if waited_s >= wait_max_s:
                    raise _waited_for_nothing(wish, found, waited_s)
                progress(f"wait for {wish.title}", done=waited_s, detail=found.words)
                time.sleep(min(POLL_S, wait_max_s - waited_s))
        except BaseException:
            self.give_back(file)
            raise

    def take_ports(self, title: str, choose: Callable[[frozenset[int]], tuple[int, ...]]) -> Lease:
        """Return the lease of the ports that ``choose`` picks beside those that are leased already."""
        with self._mutex():
            others = self._others()
            taken = frozenset(port for other in others for port in other.ports)
            ticket = 1 + max((other.ticket for other in others), default=0)
            held = Held(wish=Wish(title=title), ticket=ticket, pid=os.getpid())
            numbers = choose(taken)
            file = _File.create(self._folder, held)
            return self._granted(file, ports=numbers)

    def held(self) -> tuple[Held, ...]:
        """Return every living lease and wish of the machine, in the order of their tickets."""
        with self._mutex():
            return tuple(self._others())

    def give_back(self, file: _File) -> None:
        """Let a file go, and sweep it away unless a keeper still has it open."""
        file.close()
        with self._mutex():
            _sweep(file.path)

    def _granted(
        self, file: _File, *, cards: tuple[str, ...] = (), ports: tuple[int, ...] = ()
    ) -> Lease:
        held = msgspec.structs.replace(file.held, granted=True, cards=cards, ports=ports)
        file.write(held)
        return Lease(self, file, held)

    def _others(self, but: _File | None = None) -> list[Held]:
        found = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            if (but is None or path != but.path) and (held := _sweep(path)) is not None:
                found.append(held)
        return sorted(found, key=lambda held: held.ticket)

    @contextlib.contextmanager
    def _mutex(self) -> Iterator[None]:
        from filelock import FileLock

        # Everybody on the machine may lock it, whoever made it.
        with FileLock(self._folder / "mutex", mode=0o666):
            yield


class _File:
    """A lease file that this process holds."""

    def __init__(self, path: Path, descriptor: int, held: Held) -> None:
        self.path = path
        self.held = held
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, held: Held) -> _File:
        """Make and lock a file of its own; to be called under the mutex."""
        from filelock import lock_descriptor

        path = folder / f"{held.ticket:08d}-{uuid.uuid4().hex[:12]}{SUFFIX}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        os.fchmod(descriptor, 0o644)  # other users read it, whatever our umask
        lock_descriptor(descriptor)
        file = cls(path, descriptor, held)
        if held.wish.machine is None:
            KEPT_OPEN.add(descriptor)
        file.write(held)
        return file

    def write(self, held: Held) -> None:
        """Replace the content; readers look under the mutex only."""
        self.held = held
        content = msgspec.json.encode(held)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def close(self) -> None:
        """Let it go; the lock stays as long as a keeper has it open."""
        KEPT_OPEN.discard(self._descriptor)
        os.close(self._descriptor)


def _sweep(path: Path) -> Held | None:
    """
    Return what a file says if it is held; remove it and return None if it isn't.

    Under the mutex only: for a moment it holds the lock of what nobody holds.
    """
    from filelock import lock_descriptor

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if lock_descriptor(descriptor, blocking=False):
            path.unlink(missing_ok=True)
            return None
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
    try:
        return msgspec.json.decode(content, type=Held)
    except msgspec.DecodeError as problem:
        raise MeasurementError(
            "a lease can't be read, so nothing tells what is free",
            where=path,
            got=str(problem),
            fix="Its holder is alive; end it, or remove the file if it isn't one of ours",
        ) from None


def _waited_for_nothing(wish: Wish, obstacle: Obstacle, waited_s: float) -> MeasurementError:
    return MeasurementError(
        f"what {wish.title} needs was not free in time",
        got=f"{obstacle.words}, for {waited_s / 3600:.1f} h",
        fix="See whether that process still does anything",
    )
