"""
Whose evidence is doubtful when an entry was altered: no more than must be, and never less.
"""

from __future__ import annotations

from pytest_ernie.evidence.journal import Entry, Journal

_OWN = frozenset({"sample", "result", "failure"})
"""Entries that speak for one measurement only; any other binds several together."""


def doubtful(journal: Journal) -> dict[str, Entry] | None:
    """
    Return the ids of the measurements that an altered entry may belong to, each with that entry.

    None means all of them: what was altered says which measurement is which (a spec, a subject, the
    header), or an entry names a measurement that never began. An altered sample or result may
    have borne another id before, so every measurement that was open when it was written is doubtful.
    """
    altered = [entry for entry in journal.entries if entry.seq in journal.altered]
    begun = {entry.id: entry.seq for entry in journal.of_type.get("begin", ())}
    orphans = any(e.type in _OWN and e.id not in begun for e in journal.entries)
    if altered and (orphans or any(entry.type not in _OWN for entry in altered)):
        return None
    ended = {
        entry.id: entry.seq
        for type in ("result", "failure")
        for entry in journal.of_type.get(type, ())
    }
    never = len(journal.entries) + max((entry.seq for entry in journal.entries), default=0)
    found: dict[str, Entry] = {}
    for entry in altered:
        for id, first in begun.items():
            if id == entry.id or first <= entry.seq <= ended.get(id, never):
                found.setdefault(id, entry)
    return found
