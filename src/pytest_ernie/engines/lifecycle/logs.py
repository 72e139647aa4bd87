"""
What a server writes: its own output, and the files that its workers write elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

HEAD_BYTES = 512 * 1024
TAIL_BYTES = 1536 * 1024
"""What is read and kept of one log: how it began and how it ended."""
KEPT_FILES = 33
"""One for each of 32 cards, and the server's own."""
SHORTEST_SECRET = 8

FurtherLogs = Callable[[], Iterable[Path]]


class Logs:
    """
    The logs of one start of a server: the main one first, then those of its workers.

    Files that are there already are read from their present end on, so that what an earlier start
    wrote isn't taken for this one's.
    """

    def __init__(self, main: Path, further: FurtherLogs, secrets: Iterable[str] = ()) -> None:
        self.main = main
        self._further = further
        self._secrets = [s.encode() for s in secrets if len(s) >= SHORTEST_SECRET]
        self._begins = {path: _size(path) for path in further()}
        self._read: dict[Path, tuple[int, str]] = {}

    def paths(self) -> tuple[Path, ...]:
        """Return those that exist, the main one first, then the workers', by name."""
        further = sorted(path for path in set(self._further()) if path.is_file())
        return (self.main, *(path for path in further if path != self.main))

    def size(self) -> int:
        """Return how many bytes there are in all."""
        return sum(_size(path) - self._begin(path) for path in self.paths())

    def text(self, path: Path) -> str:
        """Return one log, shortened in its middle if it is long, without secrets."""
        size = _size(path)
        if self._read.get(path, (-1, ""))[0] != size:
            self._read[path] = (size, self.raw(path).decode("utf-8", "replace"))
        return self._read[path][1]

    def texts(self) -> dict[Path, str]:
        """Return every log's text, the main one first."""
        return {path: self.text(path) for path in self.paths()}

    def kept(self) -> dict[str, bytes]:
        """Return what evidence keeps, by name: the main log and the first workers'."""
        first, *further = self.paths()[:KEPT_FILES]
        kept = {"server_log": self.raw(first)}
        return kept | {f"server_log {self._name(path)}": self.raw(path) for path in further}

    def _name(self, path: Path) -> str:
        """Two workers' folders may hold files of one name."""
        folder = self.main.parent
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path.name)

    def raw(self, path: Path) -> bytes:
        """Return the bytes of ``text``."""
        content = shortened(path, self._begin(path))
        for secret in self._secrets:
            content = content.replace(secret, b"{secret}")
        return content

    def _begin(self, path: Path) -> int:
        begin = self._begins.get(path, 0)
        return begin if begin <= _size(path) else 0  # it was written anew


def shortened(path: Path, begin: int = 0) -> bytes:
    """
    Return a file's content from ``begin`` on; of a long one its head and its tail.

    A line says how much is left out between them. Empty if the file is gone or may not be read.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(begin)
            if end - begin <= HEAD_BYTES + TAIL_BYTES:
                return file.read(HEAD_BYTES + TAIL_BYTES)
            head = file.read(HEAD_BYTES)
            file.seek(end - TAIL_BYTES)
            tail = file.read(TAIL_BYTES)
    except OSError:
        return b""
    left_out = end - begin - HEAD_BYTES - TAIL_BYTES
    return head + f"\n[... {left_out} bytes left out ...]\n".encode() + tail


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
