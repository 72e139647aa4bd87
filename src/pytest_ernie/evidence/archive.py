"""
The one shape of zip that bundles have: plain enough for every tool, and with no freedom left in it.

A zip can say things twice and differently: two directories, two names, two sizes, hidden bytes between.
Here every header follows from name, sizes and checksum alone, the entries stand one after the other
from the first byte on, and what isn't exactly so is refused before anything is unpacked. The format is
that of PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from pytest_ernie.errors import BundleUnusable

STORED, DEFLATED = 0, 8
MOST_ENTRIES = 20_000
LONGEST_NAME = 120
MOST_OF_ONE = 2**30
"""Bytes of one entry, unpacked: the journal of five models' answers has some hundred million."""
MOST_OF_ALL = 3 * 2**30
"""Bytes of all entries, unpacked."""
MOST_TIMES_LARGER = ((128 * 2**20, 100), (MOST_OF_ONE, 20))
"""Unpacked to packed, by bytes unpacked: a bomb must be large itself. What would shrink further is stored as
it is, so honest bundles never exceed it."""
CHUNK = 2**20

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*")
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_MADE_BY_UNIX = 0x0314
_VERSION = 20
_DATE = 0x0021
"""The first of January 1980: a bundle's bytes follow from its content, not from the hour."""
_PLAIN_FILE = (stat.S_IFREG | 0o644) << 16


class Member(NamedTuple):
    """An entry as its header states it; ``offset`` is where its packed bytes begin."""

    name: str
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int

    @property
    def local_header(self) -> bytes:
        """Return the only header that may stand before the entry's bytes."""
        name = self.name.encode()
        head = (b"PK\x03\x04", _VERSION, 0, self.method, 0, _DATE)
        return _LOCAL.pack(*head, self.crc, self.packed_size, self.size, len(name), 0) + name

    @property
    def central_header(self) -> bytes:
        """Return the only header that may stand in the directory."""
        name = self.name.encode()
        head = (b"PK\x01\x02", _MADE_BY_UNIX, _VERSION, 0, self.method, 0, _DATE)
        sizes = (self.crc, self.packed_size, self.size, len(name), 0, 0, 0, 0, _PLAIN_FILE)
        start = self.offset - _LOCAL.size - len(name)
        return _CENTRAL.pack(*head, *sizes, start) + name


def packed(content: bytes) -> tuple[int, bytes]:
    """Return method and bytes: deflated where that is smaller and not suspiciously so, else stored."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    small = deflate.compress(content) + deflate.flush()
    if len(small) < len(content) <= most_times_larger(len(content)) * len(small):
        return DEFLATED, small
    return STORED, content


def most_times_larger(size: int) -> int:
    """Return how many times larger than packed so many bytes may be."""
    return next((times for most, times in MOST_TIMES_LARGER if size <= most), 1)


class ArchiveWriter:
    """Writes entries one after the other; the order is the caller's."""

    def __init__(self, file: BinaryIO, members: tuple[Member, ...] = ()) -> None:
        self._file = file
        self.members = list(members)

    def add(self, name: str, method: int, content: bytes, small: bytes) -> Member:
        """Write one entry: its content, and the same as it is packed."""
        start = self._file.tell() + _LOCAL.size + len(name)
        member = Member(name, method, zlib.crc32(content), len(small), len(content), start)
        self._file.write(member.local_header)
        self._file.write(small)
        self.members.append(member)
        return member

    def close(self) -> None:
        """Write the directory."""
        start = self._file.tell()
        directory = b"".join(member.central_header for member in self.members)
        self._file.write(directory + _end(len(self.members), len(directory), start))


class Archive:
    """
    An opened archive, its directory checked and nothing unpacked yet.

    Raises BundleUnusable, with the reason, for whatever isn't exactly of the shape.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise BundleUnusable(
                f"the bundle can't be read ({error.strerror})", where=path
            ) from None
        self.close = weakref.finalize(self, os.close, self._handle)
        """Let go of the file; it happens by itself when nobody has the archive any more."""
        self._size = os.fstat(self._handle).st_size
        self.directory_start, self.members = self._directory()
        self._check_headers()

    def packed_chunks(self, member: Member) -> Iterator[bytes]:
        """Yield an entry's bytes as they are packed."""
        position, end = member.offset, member.offset + member.packed_size
        while position < end:
            chunk = self._at(position, min(CHUNK, end - position))
            position += len(chunk)
            yield chunk

    def read(self, member: Member) -> bytes:
        """Unpack one entry, never beyond the size that its header states."""
        parts = list(self._unpacked(member))
        content = b"".join(parts)
        if len(content) != member.size or zlib.crc32(content) != member.crc:
            self._refuse(f"{member.name} is damaged: size or checksum differ from its header's")
        return content

    def _unpacked(self, member: Member) -> Iterator[bytes]:
        if member.method == STORED:
            yield from self.packed_chunks(member)
            return
        inflate, done = zlib.decompressobj(-15), 0
        for chunk in self.packed_chunks(member):
            pending = chunk
            while pending:
                try:
                    part = inflate.decompress(pending, member.size - done + 1)
                except zlib.error:
                    self._refuse(f"{member.name} is damaged: it can't be inflated")
                done += len(part)
                if done > member.size:
                    self._refuse(f"{member.name} unpacks to more than its header states")
                yield part
                pending = inflate.unconsumed_tail
                if inflate.unused_data:
                    self._refuse(f"{member.name} has bytes behind the end of its content")
        if not inflate.eof:
            self._refuse(f"{member.name} is damaged: it ends too soon")

    def _at(self, position: int, length: int) -> bytes:
        content = os.pread(self._handle, length, position)
        if len(content) != length:
            self._refuse("the file became shorter while it was read")
        return content

    def _directory(self) -> tuple[int, dict[str, Member]]:
        if self._size < _END.size:
            self._refuse("it is too short to be a bundle")
        end = _END.unpack(self._at(self._size - _END.size, _END.size))
        count, length, start = end[4], end[5], end[6]
        if end[0] != b"PK\x05\x06" or start + length + _END.size != self._size:
            self._refuse("it is cut off, or no zip as pytest-ernie pack writes it")
        if _END.pack(*end) != _end(count, length, start):
            self._refuse("the end of its directory isn't as pytest-ernie pack writes it")
        if count > MOST_ENTRIES or length > count * (_CENTRAL.size + LONGEST_NAME):
            self._refuse(f"it has {count} entries in {length} bytes; {MOST_ENTRIES} are the most")
        return start, self._members(self._at(start, length), count)

    def _members(self, directory: bytes, count: int) -> dict[str, Member]:
        members: dict[str, Member] = {}
        position = total = 0
        for _ in range(count):
            member, position = self._member(directory, position)
            if member.name in members:
                self._refuse(f"{member.name} is in it twice")
            total += member.size
            if total > MOST_OF_ALL:
                self._refuse(f"it unpacks to more than {MOST_OF_ALL // 2**20} MiB")
            members[member.name] = member
        if position != len(directory):
            self._refuse("its directory has bytes behind its last entry")
        return members

    def _member(self, directory: bytes, position: int) -> tuple[Member, int]:
        if len(directory) - position < _CENTRAL.size:
            self._refuse("its directory is cut off")
        fields = _CENTRAL.unpack_from(directory, position)
        flags, method, crc, small, size, length = fields[3], fields[4], *fields[7:11]
        attributes, start = fields[15], fields[16]
        raw = directory[position + _CENTRAL.size : position + _CENTRAL.size + length]
        name = self._name(raw)
        if flags & 1:
            self._refuse(f"{name} is encrypted")
        if stat.S_IFMT(attributes >> 16) not in (0, stat.S_IFREG):
            self._refuse(f"{name} is a link or a folder; a bundle holds plain files only")
        if method not in (STORED, DEFLATED) or (method == STORED and small != size):
            self._refuse(f"{name} is packed in a way that no bundle is")
        if size > MOST_OF_ONE:
            self._refuse(f"{name} unpacks to {size} bytes; {MOST_OF_ONE} are the most")
        if size > most_times_larger(size) * small:
            self._refuse(f"{name} unpacks to {size} bytes from {small}: a bomb")
        member = Member(name, method, crc, small, size, start + _LOCAL.size + length)
        end = position + _CENTRAL.size + length
        if directory[position:end] != member.central_header:
            self._refuse(f"the header of {name} isn't as pytest-ernie pack writes it")
        return member, end

    def _name(self, raw: bytes) -> str:
        """Names are lower-case ASCII: no two of them clash on any disk, and none leaves its folder."""
        name = raw.decode("ascii", "replace")
        if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
            if ".." in name.split("/") or name.startswith("/"):
                self._refuse(f"the name {name[:LONGEST_NAME]!a} leaves the bundle's folder")
            self._refuse(f"the name {name[:LONGEST_NAME]!a} isn't one that a bundle has")
        return name

    def _check_headers(self) -> None:
        """Entries stand one after the other, each behind the header that the directory's asks for."""
        position = 0
        for member in self.members.values():
            header = member.local_header
            if member.offset != position + len(header):
                self._refuse(f"{member.name} overlaps another entry, or stands apart from it")
            if member.offset + member.packed_size > self.directory_start:
                self._refuse(f"{member.name} reaches into the directory")
            if self._at(position, len(header)) != header:
                self._refuse(f"{member.name} has two headers that say different things")
            position = member.offset + member.packed_size
        if position != self.directory_start:
            self._refuse("there are bytes between its last entry and its directory")

    def _refuse(self, why: str) -> NoReturn:
        raise BundleUnusable(why, where=self.path)


def _end(count: int, length: int, start: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, count, count, length, start, 0)
