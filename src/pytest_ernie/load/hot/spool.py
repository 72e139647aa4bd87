"""
Raw answers on disk until the run is over: 5000 long ones are a gigabyte, and reading them can wait.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from typing import IO

import msgspec
from msgspec import Struct

from .connection import Exchange

LENGTH = struct.Struct("<Q")


class Kept(Struct, frozen=True, array_like=True):
    """An exchange as it came: when it was due and sent, what broke it, and every read with its stamp."""

    index: int
    due_ns: int
    sent_ns: int
    ended_ns: int
    broken: str | None
    sizes: tuple[int, ...]
    stamps: bytes
    raw: bytes

    @classmethod
    def of(cls, exchange: Exchange) -> Kept:
        """Return what is kept of an exchange."""
        return cls(
            exchange.index,
            exchange.due_ns,
            exchange.sent_ns,
            exchange.ended_ns,
            exchange.broken,
            tuple(map(len, exchange.parts)),
            b"".join(exchange.stamps),
            b"".join(exchange.parts),
        )

    def parts(self) -> Iterator[bytes]:
        """Yield the bytes of each read."""
        at = 0
        for size in self.sizes:
            yield self.raw[at : at + size]
            at += size


class Spool:
    """Append while the loop runs, read back once it is over; the file is nobody else's."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 (it lives as long as the spool)
            buffering=1 << 20
        )
        self._encoder = msgspec.msgpack.Encoder()

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange; OSError if the disk is full."""
        encoded = self._encoder.encode(Kept.of(exchange))
        self._file.write(LENGTH.pack(len(encoded)))
        self._file.write(encoded)

    def __iter__(self) -> Iterator[Kept]:
        self._file.seek(0)
        decoder = msgspec.msgpack.Decoder(Kept)
        while header := self._file.read(LENGTH.size):
            yield decoder.decode(self._file.read(LENGTH.unpack(header)[0]))

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()
