"""
The journal's chain, line by line: what was edited, removed, added, moved, replayed or cut off.

Each finding names the entry. Whoever has every hash made anew leaves a whole chain; what remains then is the
sealed end, the signature over it, and what the records say of each other (``consistency``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from pytest_ernie.bundles.finding import Finding, at
from pytest_ernie.evidence.bundle import Seal
from pytest_ernie.evidence.journal import GENESIS, Entry, Journal, hash_of, read_line

CLOCK_SLACK_S = 1.0
"""Clocks are set back by less than this while they are disciplined (NTP slews beyond 0.128 s by steps)."""
MOST = 50
"""Findings of one kind; whoever replaces every line need not be told of each."""


def chain_findings(journal: Journal, seal: Seal | None) -> list[Finding]:
    """Return what is wrong with a journal; ``seal`` is what the bundle's manifest states."""
    found: list[Finding] = []
    entries, lines = journal.entries, len(journal.entries)
    if not journal.is_whole:
        *whole, tail = journal.text().split(b"\n")
        if tail:
            found.append(Finding(kind="cut", where=at(len(whole)), what="its line has no end"))
        entries, lines = list(_read(whole, found)), len(whole)
        found += _of_sequence(entries)
    found += _of_clock(entries)
    if seal is not None:
        found += _of_end(entries, lines, seal)
    return found


def _read(lines: list[bytes], found: list[Finding]) -> Iterator[Entry]:
    for number, line in enumerate(lines):
        try:
            entry, as_written = read_line(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            found.append(Finding(kind="unreadable", where=at(number), what=str(error)[:200]))
            continue
        if hash_of(line, entry) != entry.hash:
            why = f"its content doesn't match its hash ({entry.type})"
            found.append(Finding(kind="edited", where=at(entry.seq), what=why))
        elif not as_written:
            why = "it isn't written as this suite writes entries: a key twice, or a number's other form"
            found.append(Finding(kind="edited", where=at(entry.seq), what=why))
        yield entry


def _of_sequence(entries: list[Entry]) -> list[Finding]:
    """Compare the numbers and the hashes that bind neighbours."""
    found: list[Finding] = []
    once: dict[int, Entry] = {}
    highest = -1
    for entry in entries:
        first = once.get(entry.seq)
        if first is not None and first.hash == entry.hash:
            what = f"the {entry.type} of {entry.id[:12]} stands in the journal twice"
            found.append(Finding(kind="replayed", where=at(entry.seq), what=what))
        elif first is not None:
            what = f"two entries have this number: a {first.type} and a {entry.type}"
            found.append(Finding(kind="added", where=at(entry.seq), what=what))
        else:
            if entry.seq < highest:
                what = f"it stands behind entry {highest}"
                found.append(Finding(kind="reordered", where=at(entry.seq), what=what))
            once[entry.seq] = entry
        highest = max(highest, entry.seq)
    found += _gaps(once, highest)
    found += _links(once)
    return found


def _gaps(once: dict[int, Entry], highest: int) -> list[Finding]:
    found, known = [], sorted(once)
    for before, after in zip([-1, *known], known, strict=False):
        if after > before + 1:
            first, last = before + 1, after - 1
            where = at(first) if first == last else f"entries {first} to {last}"
            found.append(Finding(kind="removed", where=where, what="missing from the journal"))
    return found[:MOST]


def _links(once: dict[int, Entry]) -> list[Finding]:
    found = []
    for seq, entry in sorted(once.items()):
        before = once.get(seq - 1)
        wanted = GENESIS if seq == 0 else before.hash if before else None
        if wanted is not None and entry.prev != wanted:
            changed = 0 if seq == 0 else seq - 1
            what = "it was changed, and its hash made anew, after the next entry had been written"
            found.append(Finding(kind="edited", where=at(changed), what=what))
    return found[:MOST]


def _of_clock(entries: list[Entry]) -> list[Finding]:
    found = []
    for before, entry in pairwise(entries):
        back_s = before.time_unix_s - entry.time_unix_s
        if not back_s <= CLOCK_SLACK_S and before.seq < entry.seq:
            what = f"it was written {back_s:.1f} s before entry {before.seq}, which precedes it"
            found.append(Finding(kind="clock", where=at(entry.seq), what=what))
    return found[:MOST]


def _of_end(entries: list[Entry], lines: int, seal: Seal) -> list[Finding]:
    last = entries[-1] if entries else None
    if lines < seal.entries:
        what = f"the journal ends after {lines} entries; {seal.entries} were sealed"
        return [Finding(kind="cut", where="the journal's end", what=what)]
    if lines > seal.entries:
        what = f"the journal has {lines} entries; {seal.entries} were sealed"
        return [Finding(kind="added", where="the journal's end", what=what)]
    if last is None or last.hash != seal.head:
        what = "the hash of the last entry isn't the sealed one: the chain was made anew"
        return [Finding(kind="rewritten", where="the journal's end", what=what)]
    return []
