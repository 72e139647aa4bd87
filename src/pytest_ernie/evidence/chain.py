"""
What the entries of one journal say: the completed measurements, and whose are doubtful.

Evidence that was merged has several chains: its own, and the journal of each part, as it was written. A
part's journal is a blob, and the entry ``part`` of the merged journal holds its digest, its number of entries
and its last hash. So nothing of a part can change, or be cut off, without the merged chain showing it, and a
signature over a part's end can still be checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol

import msgspec
from msgspec import Struct

from pytest_ernie.errors import EvidenceError, EvidenceTampered, ServerDied
from pytest_ernie.evidence.integrity import doubtful
from pytest_ernie.evidence.journal import Entry, Journal
from pytest_ernie.evidence.record import Record, Subject, What

PART = "part"
"""Type of the entry that binds a part."""
DEEPEST = 8
"""Merges of merges of merges; deeper is nobody's evidence."""


class Part(Struct, frozen=True, kw_only=True):
    """Body of an entry that binds a part: whose it was, and the end of its chain."""

    name: str
    journal: str
    """SHA-256 of the journal as it was written: the blob that holds it."""
    entries: int
    head: str
    """Hash of its last entry."""


class Kept(Protocol):
    """Where blobs are read from."""

    def get(self, name: str) -> bytes: ...


def records_in(journal: Journal, what: What) -> list[Record]:
    """Return the completed measurements of a key's first half, in the order in which they began."""
    wanted, begun = what.digest, journal.of_type.get("begin", ())
    found = (_record(journal, begin, what) for begin in begun if begin.body.get("what") == wanted)
    return [record for record in found if record is not None]


def subjects_in(journal: Journal) -> dict[str, Subject]:
    """Return the subjects by digest, in the order of their first measurement."""
    found: dict[str, Subject] = {}
    for entry in journal.of_type.get("subject", ()):
        found.setdefault(entry.id, msgspec.convert(entry.body, Subject))
    return found


def refuse_tampered(journal: Journal, what: What) -> None:
    """Refuse a measurement that an altered entry may belong to, and all if it can't be told."""
    fix = "Keep this folder for whoever certifies, and measure into a new one with --evidence"
    if journal.gaps:
        raise EvidenceTampered(
            f"the journal isn't whole: {journal.gaps[0]}", where=journal.path, fix=fix
        )
    if not journal.altered:
        return
    blamed = doubtful(journal)
    own = {e.id for e in journal.of_type.get("begin", ()) if e.body.get("what") == what.digest}
    if blamed is None:
        entry = next(entry for entry in journal.entries if entry.seq in journal.altered)
    elif found := own & blamed.keys():
        entry = min((blamed[id] for id in found), key=lambda entry: entry.seq)
    else:
        return
    raise EvidenceTampered(
        f"the evidence was altered: {journal.altered[entry.seq]}",
        where=f"{journal.path}, entry {entry.seq} ({entry.type})",
        fix=fix,
    )


def challenge_of(journal: Journal) -> str | None:
    """Return the challenge under which a journal was begun, None if there was none."""
    first = next(iter(journal.entries), None)
    if first is None or first.type != "header":
        return None
    stated = first.body.get("challenge")
    return None if stated is None else str(stated)


def named_blobs(journal: Journal) -> dict[str, None]:
    """Return the digests of all blobs that a journal's entries name, its parts' journals included."""
    named = dict.fromkeys(str(e.body.get("journal")) for e in journal.of_type.get(PART, ()))
    for type in ("result", "failure"):
        for entry in journal.of_type.get(type, ()):
            named.update(dict.fromkeys((entry.body.get("blobs") or {}).values()))
    return named


def parts_of(journal: Journal, kept: Kept, depth: int = 0) -> Iterator[Journal]:
    """
    Yield the journals of a merged journal's parts, and of theirs, each checked against its entry.

    EvidenceError if one is gone, isn't the one that was merged, or answers another challenge.
    """
    for entry in journal.of_type.get(PART, ()):
        where = f"{journal.path}, entry {entry.seq} ({PART})"
        if depth >= DEEPEST:
            raise EvidenceTampered("parts of parts go too deep", where=where, wanted=DEEPEST)
        try:
            part = msgspec.convert(entry.body, Part)
        except msgspec.ValidationError as problem:
            raise EvidenceError(f"a part can't be read ({problem})", where=where) from None
        folder = journal.path.parent / f"part {part.name}"
        own = Journal(folder, partial(kept.get, part.journal))
        last = own.entries[-1].hash if own.entries else ""
        if (len(own.entries), last) != (part.entries, part.head):
            raise EvidenceTampered(
                f"the part {part.name} isn't the one that was merged",
                where=where,
                got=f"{len(own.entries)} entries that end in {last[:12]}",
                wanted=f"{part.entries} that end in {part.head[:12]}",
            )
        if challenge_of(own) != challenge_of(journal):
            raise EvidenceTampered(
                f"the part {part.name} was recorded under another challenge",
                where=where,
                got=challenge_of(own) or "none",
                wanted=challenge_of(journal) or "none",
            )
        yield own
        yield from parts_of(own, kept, depth + 1)


def _record(journal: Journal, begin: Entry, what: What) -> Record | None:
    ends = (e for e in journal.of_id[begin.id] if e.type == "result" and e.seq > begin.seq)
    result = next(ends, None)
    if result is None:
        return None
    ids = dict.fromkeys((*begin.body.get("continues", ()), begin.id))
    samples = [
        entry
        for id in ids
        for entry in journal.of_id.get(id, ())
        if entry.type == "sample" and entry.seq < result.seq
    ]
    subject_entry = _subject_entry(journal, begin.body["subject"])
    try:
        stated = msgspec.convert(begin.body.get("spec"), What)
        subject = msgspec.convert(subject_entry.body, Subject)
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"a record can't be read ({error})", where=f"{journal.path}, entry {begin.seq}"
        ) from None
    if stated != what:
        raise EvidenceTampered(
            "a record's spec isn't the one of its digest",
            where=f"{journal.path}, entry {begin.seq}",
        )
    if subject.digest != begin.body["subject"]:
        raise EvidenceTampered(
            "a subject's facts aren't those of its digest",
            where=f"{journal.path}, entry {subject_entry.seq}",
        )
    return Record(
        id=begin.id,
        what=stated,
        subject=subject,
        edition_digest=begin.body["edition"],
        started_unix_s=begin.time_unix_s,
        ended_unix_s=result.time_unix_s,
        data=result.body["data"],
        samples=tuple(entry.body for entry in sorted(samples, key=lambda entry: entry.seq)),
        blobs=result.body["blobs"],
        reason=begin.body.get("reason"),
        deaths=_deaths(journal, begin, result),
    )


def _deaths(journal: Journal, begin: Entry, result: Entry) -> tuple[str, ...]:
    """Return what is noted of servers that died in earlier attempts at the same key."""
    key = (begin.body.get("what"), begin.body.get("subject"))
    same = {
        entry.id
        for entry in journal.of_type.get("begin", ())
        if (entry.body.get("what"), entry.body.get("subject")) == key
    }
    return tuple(
        entry.body["message"]
        for entry in journal.of_type.get("failure", ())
        if entry.id in same
        and entry.seq < result.seq
        and entry.body.get("kind") == ServerDied.__name__
    )


def _subject_entry(journal: Journal, digest: str) -> Entry:
    for entry in journal.of_id.get(digest, ()):
        if entry.type == "subject":
            return entry
    raise EvidenceTampered(
        "a record names a subject that isn't there", where=journal.path, got=digest[:12]
    )
