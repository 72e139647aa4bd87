"""
Random damage to a bundle: bytes flipped, cut, doubled, zeroed, moved; entries swapped, dropped, doubled.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from pytest_ernie.evidence.archive import Member

Mutate = Callable[[random.Random, bytes], bytes]


def flip_a_bit(chance: random.Random, content: bytes) -> bytes:
    """One bit, anywhere."""
    place = chance.randrange(len(content))
    changed = bytearray(content)
    changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flip_some_bytes(chance: random.Random, content: bytes) -> bytes:
    """Up to a dozen bytes."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(changed)


def flip_in_the_headers(chance: random.Random, content: bytes) -> bytes:
    """One byte of the directory and the end behind it, which are a small part of the whole."""
    start = struct.unpack_from("<L", content, len(content) - 6)[0]
    place = chance.randrange(start, len(content))
    changed = bytearray(content)
    changed[place] ^= 1 + chance.randrange(255)
    return bytes(changed)


def cut_the_end(chance: random.Random, content: bytes) -> bytes:
    """A truncated file."""
    return content[: chance.randrange(len(content))]


def cut_a_piece(chance: random.Random, content: bytes) -> bytes:
    """Bytes missing in the middle."""
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.randint(1, 4096) :]


def double_a_piece(chance: random.Random, content: bytes) -> bytes:
    """The same bytes twice, one after the other."""
    start = chance.randrange(len(content))
    end = start + chance.randint(1, 4096)
    return content[:end] + content[start:end] + content[end:]


def zero_a_piece(chance: random.Random, content: bytes) -> bytes:
    """A sector that a disk lost."""
    start = chance.randrange(len(content))
    piece = content[start : start + chance.randint(1, 4096)]
    return content[:start] + bytes(len(piece)) + content[start + len(piece) :]


def add_bytes(chance: random.Random, content: bytes) -> bytes:
    """Something before the first byte, or behind the last."""
    more = chance.randbytes(chance.randint(1, 64))
    return more + content if chance.random() < 0.5 else content + more


def swap_two_entries(chance: random.Random, content: bytes) -> bytes:
    """Two whole entries change places, with a directory that fits."""
    entries = entries_of(content)
    one, two = chance.sample(range(len(entries)), 2)
    entries[one], entries[two] = entries[two], entries[one]
    return zipped(entries)


def swap_two_contents(chance: random.Random, content: bytes) -> bytes:
    """Two names change places, with headers that fit."""
    entries = entries_of(content)
    one, two = chance.sample(range(len(entries)), 2)
    (first, a), (second, b) = entries[one], entries[two]
    entries[one] = (first._replace(name=second.name), a)
    entries[two] = (second._replace(name=first.name), b)
    return zipped(entries)


def drop_an_entry(chance: random.Random, content: bytes) -> bytes:
    """One file less, with a directory that fits."""
    entries = entries_of(content)
    del entries[chance.randrange(len(entries))]
    return zipped(entries)


def double_an_entry(chance: random.Random, content: bytes) -> bytes:
    """One file twice, under its own name."""
    entries = entries_of(content)
    entries.append(chance.choice(entries))
    return zipped(entries)


def change_an_entry(chance: random.Random, content: bytes) -> bytes:
    """Bits of one entry's packed bytes flipped, its checksum made anew where it still inflates."""
    import zlib

    entries = entries_of(content)
    place = chance.randrange(len(entries))
    member, small = entries[place]
    if not small:
        return flip_a_bit(chance, content)
    changed = bytearray(small)
    changed[chance.randrange(len(small))] ^= 1 << chance.randrange(8)
    try:
        plain = bytes(changed) if member.method == 0 else zlib.decompress(bytes(changed), -15)
    except zlib.error:
        plain = b""
    entries[place] = (
        member._replace(crc=zlib.crc32(plain), size=len(plain), packed_size=len(changed)),
        bytes(changed),
    )
    return zipped(entries)


MUTATIONS: tuple[Mutate, ...] = (
    flip_a_bit,
    flip_some_bytes,
    flip_in_the_headers,
    cut_the_end,
    cut_a_piece,
    double_a_piece,
    zero_a_piece,
    add_bytes,
    swap_two_entries,
    swap_two_contents,
    drop_an_entry,
    double_an_entry,
    change_an_entry,
)


def mutated(content: bytes, seed: int) -> tuple[str, bytes]:
    """Return the name of a mutation and what it makes of a bundle; never the bundle itself."""
    chance = random.Random(seed)
    while True:
        mutate = chance.choice(MUTATIONS)
        changed = mutate(chance, content)
        if changed != content:
            return mutate.__name__, changed


def entries_of(content: bytes) -> list[tuple[Member, bytes]]:
    """Take a well-formed archive apart."""
    found, position = [], 0
    while content[position : position + 4] == b"PK\x03\x04":
        method, crc, small, size, length = struct.unpack_from("<2xH4x3LH", content, position + 6)
        name = content[position + 30 : position + 30 + length].decode()
        start = position + 30 + length
        found.append(
            (Member(name, method, crc, small, size, start), content[start : start + small])
        )
        position = start + small
    return found


def zipped(entries: list[tuple[Member, bytes]]) -> bytes:
    """Put entries together, with headers and directory that fit them."""
    parts: list[bytes] = []
    directory: list[bytes] = []
    position = 0
    for member, small in entries:
        placed = member._replace(offset=position + 30 + len(member.name))
        parts += [placed.local_header, small]
        directory.append(placed.central_header)
        position = placed.offset + len(small)
    listed = b"".join(directory)
    counts = (len(directory), len(directory), len(listed), position, 0)
    return b"".join(parts) + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *counts)
