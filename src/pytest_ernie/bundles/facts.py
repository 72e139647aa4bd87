"""
What a bundle holds, in a form that people read: devices, software states, measurements and their logs.

It follows from the journal, so it can be made anew and compared; only ``suite`` says something new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from pytest_ernie.bundles.suite import Suite
from pytest_ernie.errors import EvidenceError
from pytest_ernie.evidence import Subject, What
from pytest_ernie.evidence.journal import Entry, Journal


class Measurement(Struct, frozen=True, kw_only=True):
    """One attempt at a measurement, completed or not."""

    id: str
    title: str
    ended: str
    """result, failure or interrupted."""
    subject: str
    blobs: dict[str, str]
    """Its logs and other raw material, by name: the file ``evidence/blobs/ab/ab…`` of that sha256."""


class Facts(Struct, frozen=True, kw_only=True):
    """The contents of a bundle."""

    packed_by: Suite
    begun_by: str | None
    """Version of the suite that began the evidence."""
    subjects: dict[str, Subject]
    """Device, toolchain, weights and launch, by digest."""
    measurements: tuple[Measurement, ...]


def facts_of(chains: Sequence[Journal], suite: Suite) -> Facts:
    """
    Return the contents of journals that are whole: the evidence's own, and those of its parts.

    EvidenceError if a record isn't one.
    """
    try:
        return _facts(chains, suite)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"a record can't be read ({error})", where=chains[0].path) from None


def _facts(chains: Sequence[Journal], suite: Suite) -> Facts:
    header = next(iter(chains[0].of_type.get("header", ())), None)
    return Facts(
        packed_by=suite,
        begun_by=None if header is None else str(header.body.get("suite")),
        subjects={
            entry.id: msgspec.convert(entry.body, Subject)
            for chain in chains
            for entry in chain.of_type.get("subject", ())
        },
        measurements=tuple(
            _measurement(begin, chain)
            for chain in chains
            for begin in chain.of_type.get("begin", ())
        ),
    )


def _measurement(begin: Entry, journal: Journal) -> Measurement:
    own = journal.of_id[begin.id]
    end = next((entry for entry in own if entry.type in ("result", "failure")), None)
    body: dict[str, Any] = {} if end is None else end.body
    return Measurement(
        id=begin.id,
        title=msgspec.convert(begin.body["spec"], What).title,
        ended="interrupted" if end is None else end.type,
        subject=begin.body["subject"],
        blobs=body.get("blobs") or {},
    )
