"""
The append-only journal: one JSON object a line, each bound to the one before it by its hash.

A line is complete once its newline is on disk (fsync). A torn last line - the process or the machine
died while writing - is set aside in ``journal.torn`` by the next writer and never counts. An entry
that was edited, or stands beside a missing one, is found when the journal is read and named.
The chain has no key: whoever rewrites every line from some entry on, or cuts the last ones off,
leaves a whole chain; only the sealed and signed end of a bundle can show that (R16).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pytest_ernie.errors import EvidenceError, EvidenceTampered
from pytest_ernie.evidence.blobs import sync_folder
from pytest_ernie.evidence.writing import append_line, cannot_write
from pytest_ernie.standard.digest import canonical, digest

NAME = "journal.jsonl"
GENESIS = "0" * 64


class Entry(Struct, frozen=True, kw_only=True, dict=True):
    """
    One line: ``hash`` is the sha256 of the canonical JSON of all other fields.
    """

    seq: int
    time_unix_s: float
    type: str
    id: str
    """The measurement (or subject) that the entry belongs to."""
    raw: msgspec.Raw = msgspec.field(name="body")
    prev: str
    hash: str

    @property
    def body(self) -> dict[str, Any]:
        """
        What it says. Answers come by the hundred thousand: theirs is read each time that it is asked for.
        """
        return self._read() if self.type == "sample" else self._kept

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return self._read()

    def _read(self) -> dict[str, Any]:
        body: dict[str, Any] = msgspec.json.decode(self.raw)
        return body


class Journal:
    """
    Reads and appends the entries of one evidence folder; several processes may append in turn.

    With ``packed`` it is the journal of a bundle: what that gives each time, and nothing is ever added.
    """

    def __init__(self, folder: Path, packed: Callable[[], bytes] | None = None) -> None:
        self.path = folder / NAME
        self._packed = packed
        self.entries: list[Entry] = []
        self.of_id: dict[str, list[Entry]] = {}
        """The entries of each measurement, in order."""
        self.of_type: dict[str, list[Entry]] = {}
        self.altered: dict[int, str] = {}
        """Sequence number of each entry that isn't what was written, and how that shows."""
        self.gaps: list[str] = []
        """Entries that are missing, in words."""
        self._offset = 0
        self._next_seq = 0
        if packed is None:
            self.refresh()
        else:
            self._take_lines(packed())

    @property
    def is_whole(self) -> bool:
        """Return whether every entry is there, as it was written, behind the one before it."""
        return not self.gaps and not self.altered

    def refresh(self) -> None:
        """Read what other writers have appended since."""
        if self._packed is not None:
            return
        if not self.path.exists() and not self._offset:
            return
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._offset:
            raise EvidenceTampered(
                "the journal became shorter while it was open",
                where=self.path,
                got=f"{size} bytes",
                wanted=f"at least {self._offset}",
            )
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        self._take_lines(text)

    def text(self) -> bytes:
        """Return the lines that were read, to the byte; a torn last one is only a bundle's."""
        if self._packed is not None:
            return self._packed()
        return self.path.read_bytes()[: self._offset] if self._offset else b""

    def append(self, type: str, id: str, body: dict[str, Any], *, once: bool = False) -> Entry:
        """
        Write one entry and return it once it is safely on disk.

        ``body`` is kept as JSON keeps it: keys become text, NaN and infinities become null. With
        ``once`` an entry of that type and id is written by the first process only, and returned to all.
        EvidenceError if it can't be written; then nothing of it is there.
        """
        if self._packed is not None:
            raise EvidenceError(
                "a bundle is only read, and this would write into it",
                where=self.path.parent,
                fix="Measure into an evidence folder, and pack that",
            )
        plain = msgspec.json.decode(canonical(msgspec.to_builtins(body, str_keys=True)))
        try:
            return self._append(type, id, plain, once=once)
        except OSError as problem:
            raise cannot_write(self.path, problem) from problem

    def _append(self, type: str, id: str, plain: dict[str, Any], *, once: bool) -> Entry:
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            self.refresh()
            known = next((e for e in self.of_id.get(id, ()) if once and e.type == type), None)
            if known is not None:
                return known
            self._set_torn_tail_aside()
            last = self.entries[-1] if self.entries else None
            fields = {
                "seq": self._next_seq,
                "time_unix_s": time.time(),
                "type": type,
                "id": id,
                "body": plain,
                "prev": last.hash if last else GENESIS,
            }
            is_new = not self.path.exists()
            append_line(self.path, line_of(fields), self._offset)
            if is_new:
                sync_folder(self.path.parent)
            self.refresh()
        return self.entries[-1]

    def _take_lines(self, text: bytes) -> None:
        complete = start = 0
        while complete := text.find(b"\n", start) + 1:
            self._take(text[start : complete - 1])
            start = complete
        self._offset += start
        if self._packed is not None and start < len(text):
            self.gaps.append(f"entry {self._next_seq} is cut off")

    def _set_torn_tail_aside(self) -> None:
        size = self.path.stat().st_size if self.path.exists() else 0
        if size == self._offset:
            return
        with self.path.open("r+b") as file:
            file.seek(self._offset)
            torn = file.read()
            with self.path.with_name("journal.torn").open("ab") as aside:
                aside.write(torn + b"\n")
            file.truncate(self._offset)

    def _take(self, line: bytes) -> None:
        before = self.entries[-1] if self.entries else None
        expected, self._next_seq = self._next_seq, self._next_seq + 1
        try:
            entry, as_written = read_line(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.gaps.append(f"entry {expected} can't be read ({error})")
            return
        self._next_seq = entry.seq + 1
        if entry.seq != expected:
            self.gaps.append(f"entry {expected} should follow, but entry {entry.seq} does")
        elif before is None and expected == 0 and entry.prev != GENESIS:
            self.gaps.append("the first entry follows one that isn't there")
        elif before and before.seq == expected - 1 and entry.prev != before.hash:
            self.altered.setdefault(
                before.seq, "it was changed after the next entry had been written"
            )
        if entry.hash != hash_of(line, entry):
            self.altered[entry.seq] = "its content doesn't match its hash"
        elif not as_written:
            self.altered[entry.seq] = "it isn't written as this suite writes entries"
        if before is not None:
            entry = _sharing(entry, before)
        self.entries.append(entry)
        self.of_id.setdefault(entry.id, []).append(entry)
        self.of_type.setdefault(entry.type, []).append(entry)


def line_of(fields: dict[str, Any]) -> bytes:
    """Return the line of an entry's other fields with their hash, as it is written."""
    return canonical({**fields, "hash": digest(fields)}) + b"\n"


def read_line(line: bytes) -> tuple[Entry, bool]:
    """
    Return an entry, and whether its line is written as this suite writes entries and says no more.

    DecodeError, UnicodeDecodeError or RecursionError if it is none.
    """
    entry, plain = _decoder.decode(line), msgspec.json.decode(line)
    if not isinstance(plain["body"], dict):
        raise msgspec.ValidationError("Expected `object` - at `$.body`")
    return entry, plain.keys() == _FIELDS and canonical(plain) == line


_decoder = msgspec.json.Decoder(Entry)
_FIELDS = {"seq", "time_unix_s", "type", "id", "body", "prev", "hash"}


def _sharing(entry: Entry, before: Entry) -> Entry:
    """Return an entry that keeps no second copy of texts that the one before it has."""
    same = {"prev": before.hash} if entry.prev == before.hash else {}
    for name in ("id", "type"):
        if getattr(entry, name) == getattr(before, name):
            same[name] = getattr(before, name)
    return msgspec.structs.replace(entry, **same) if same else entry


def hash_of(line: bytes, entry: Entry) -> str:
    """Hash a line as it stands but for its own hash, so that every byte of it counts."""
    return hashlib.sha256(line.replace(f'"hash":"{entry.hash}",'.encode(), b"", 1)).hexdigest()
