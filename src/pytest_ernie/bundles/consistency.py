"""
What a forger who can make every hash anew must also get right: records that agree with each other.

Nothing here judges the device. Each check compares two things that an honest run writes at different moments
or by different hands: spec and result times, request records and their summary, a loss and its digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from pytest_ernie.accuracy.ask import AnswerRecord
from pytest_ernie.bundles.consistency_of_loads import load_findings, read_requests
from pytest_ernie.bundles.consistency_of_training import training_findings
from pytest_ernie.bundles.finding import Finding, Kind, at
from pytest_ernie.errors import BundleUnusable, EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.evidence.journal import Entry, Journal
from pytest_ernie.standard.digest import digest
from pytest_ernie.trainers.curve import read_curve

SLACK_S = 2.0
"""Between two clocks of one machine and the moments at which they are read."""

ODD = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError)
"""What reading a record raises that was made up: a text for a number, a list for a name."""
Checked = tuple[Sequence[Any], Iterator[Finding]]
"""The seconds that nobody else can have measured, and what is wrong."""


class _Place(NamedTuple):
    """Where a measurement stands: the journal, and what of its raw material was read."""

    journal: Journal
    raw: dict[str, bytes]


Marks = dict[str, Entry]
"""Results by what only they can have: their id, and the seconds of their steps or requests."""


def consistency_findings(store: Store) -> tuple[list[Finding], Marks]:
    """
    Return every disagreement within the evidence, in the order of the journals, and its marks.
    """
    marks: Marks = {}
    found: list[Finding] = []
    for journal in store.chains:
        part = "" if journal is store.journal else f"{journal.path.parent.name}, "
        own = _of_journal(store, journal, marks)
        found += [msgspec.structs.replace(f, where=f"{part}{f.where}") for f in own]
    return found or list(_of_parts(store.chains)), marks


def _of_journal(store: Store, journal: Journal, marks: Marks) -> list[Finding]:
    """What isn't of the shape that this suite writes is a finding of its own, and ends the search."""
    found: list[Finding] = []
    entry: Entry | None = None
    try:
        found += [*_ids(journal), *_keys(journal)]
        if any(finding.kind == "unreadable" for finding in found):
            return found
        found += _devices(journal)
        for entry in journal.of_type.get("begin", ()):
            result = _result(journal, entry)
            if result is not None:
                found += _of_measurement(store, journal, entry, result, marks)
        for entry in journal.of_type.get("failure", ()):
            found += _blobs(store, entry, {})
    except ODD as error:
        where = at("?" if entry is None else entry.seq)
        what = f"its records aren't of the shape that this suite writes ({type(error).__name__})"
        found.append(Finding(kind="unreadable", where=where, what=what))
    return found


def _of_parts(chains: Sequence[Journal]) -> Iterator[Finding]:
    """Parts may come from several machines, and from one kind of chip only."""
    first: tuple[object, ...] | None = None
    for journal in chains:
        for entry in journal.of_type.get("subject", ()):
            chip = tuple(entry.body["device"].get(key) for key in ("kind", "name"))
            if first is None:
                first = chip
            elif chip != first:
                what = f"measured on {chip}; others were on {first}"[:300]
                where = f"{journal.path.parent.name}, {at(entry.seq)}"
                yield Finding(kind="other device", where=where, what=what)


def copied_findings(own: Marks, reference: Marks) -> Iterator[Finding]:
    """Yield each measurement that is the reference's own: nobody is judged by what they hand in."""
    taken = {entry.seq: entry for mark, entry in own.items() if mark in reference}
    for entry in taken.values():
        yield _finding("replayed", entry, "this measurement is the reference's own")


def _of_measurement(
    store: Store, journal: Journal, begin: Entry, result: Entry, marks: Marks
) -> list[Finding]:
    marks[begin.id] = result
    place = _Place(journal, {})
    found = list(_blobs(store, result, place.raw))
    if found:
        return found
    kind = begin.body["spec"].get("kind")
    check = _CHECKS.get(kind, _nothing)
    try:
        seconds, problems = check(place, begin, result)
        found = list(problems)
    except (msgspec.DecodeError, msgspec.ValidationError, BundleUnusable) as error:
        return [_finding("unreadable", result, f"{kind}: {error}")]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = (
            f"{kind}: its result isn't one that this suite writes ({type(error).__name__}: {error})"
        )
        return [_finding("unreadable", result, what[:300])]
    if seconds:
        mark = digest(seconds)
        if mark in marks:
            what = (
                f"its times are those of entry {marks[mark].seq}: no two runs take the same seconds"
            )
            found.append(_finding("replayed", result, what))
        marks.setdefault(mark, result)
    return found


def _result(journal: Journal, begin: Entry) -> Entry | None:
    return next((e for e in journal.of_id[begin.id] if e.type == "result"), None)


def _ids(journal: Journal) -> Iterator[Finding]:
    """A measurement begins once, ends once, and nothing speaks for one that never began."""
    begun: dict[str, Entry] = {}
    ended: dict[str, Entry] = {}
    for entry in journal.entries:
        if entry.type == "begin":
            if entry.id in begun:
                yield _finding("replayed", entry, f"measurement {entry.id[:12]} begins twice")
            begun[entry.id] = entry
        elif entry.type in ("sample", "result", "failure"):
            if entry.id not in begun:
                yield _finding("added", entry, f"a {entry.type} of a measurement that never began")
            elif entry.id in ended:
                what = f"a {entry.type} of measurement {entry.id[:12]}, which had ended"
                yield _finding("added", entry, what)
            if entry.type != "sample":
                ended[entry.id] = entry


def _keys(journal: Journal) -> Iterator[Finding]:
    """Digests are those of what they stand for."""
    subjects = {}
    for entry in journal.of_type.get("subject", ()):
        try:
            if msgspec.convert(entry.body, Subject).digest != entry.id:
                yield _finding("edited", entry, "the subject's facts aren't those of its digest")
        except msgspec.ValidationError as error:
            yield _finding("unreadable", entry, f"the subject can't be read ({error})")
        subjects[entry.id] = entry
    for entry in journal.of_type.get("begin", ()):
        try:
            stated = msgspec.convert(entry.body.get("spec"), What).digest
        except msgspec.ValidationError as error:
            yield _finding("unreadable", entry, f"the spec can't be read ({error})")
            continue
        if stated != entry.body.get("what"):
            yield _finding("edited", entry, "the spec isn't the one of its digest")
        if entry.body.get("subject") not in subjects:
            yield _finding("removed", entry, "it names a subject that isn't in the journal")


def _devices(journal: Journal) -> Iterator[Finding]:
    """All that was measured was measured on one device."""
    devices: dict[Any, Any] = {
        e.id: e.body.get("device") for e in journal.of_type.get("subject", ())
    }
    first: tuple[Entry, object] | None = None
    for begin in journal.of_type.get("begin", ()):
        if _result(journal, begin) is None:
            continue
        device = devices.get(begin.body.get("subject"))
        if first is None:
            first = begin, device
        elif device != first[1]:
            what = f"measured on {_named(device)}; entry {first[0].seq} was on {_named(first[1])}"
            yield _finding("other device", begin, what)


def _named(device: object) -> str:
    if not isinstance(device, dict):
        return "no device"
    return ", ".join(f"{key} {device[key]}" for key in sorted(device))[:300]


def _blobs(store: Store, result: Entry, raw: dict[str, bytes]) -> Iterator[Finding]:
    """Read each blob once, and keep what the checks look into."""
    for name, blob in (result.body.get("blobs") or {}).items():
        try:
            content = store.blobs.get(blob)
            if name in ("log", "requests"):
                raw[name] = content
        except EvidenceTampered:
            what = f"its {name} isn't the one that was recorded: the content has another sha256"
            yield _finding("swapped blob", result, what)
        except EvidenceMissing:
            yield _finding("missing blob", result, f"its {name} isn't in the bundle")


def _nothing(place: _Place, begin: Entry, result: Entry) -> Checked:
    return (), iter(())


def _training(place: _Place, begin: Entry, result: Entry) -> Checked:
    curve = read_curve(log := place.raw["log"])
    problems = training_findings(result.body["data"], curve, log, _span(begin, result))
    found = (_finding("inconsistent", result, what) for what in problems)
    return [second for second in curve.runtime_s if second is not None], found


def _load(place: _Place, begin: Entry, result: Entry) -> Checked:
    requests = read_requests(place.raw["requests"])
    concurrency = begin.body["spec"].get("concurrency")
    problems = load_findings(result.body["data"], requests, concurrency, _span(begin, result))
    found = (_finding("inconsistent", result, what) for what in problems)
    return [(record.sent_s, record.done_s) for record in requests.records], found


def _accuracy(place: _Place, begin: Entry, result: Entry) -> Checked:
    return (), _answers(place.journal, begin, result)


def _answers(journal: Journal, begin: Entry, result: Entry) -> Iterator[Finding]:
    """
    Every question has an answer under each prompt seed, what has a score has one, and the same answer has
    the same score.
    """
    ids = [*begin.body.get("continues", ()), begin.id]
    samples = (e for id in ids for e in journal.of_id.get(id, ()) if e.type == "sample")
    asked: dict[int, set[str]] = {0: set()}
    answered: set[str] = set()
    scores: dict[tuple[str, str, str], tuple[float | None, int]] = {}
    for entry in samples:
        said = msgspec.convert(entry.body, AnswerRecord)
        asked.setdefault(said.prompt_seed, set()).add(said.id)
        if said.error is not None:
            continue
        answered.add(said.id)
        key = (said.id, said.question_digest, digest(said.answer))
        score, seq = scores.setdefault(key, (said.score, entry.seq))
        if score != said.score:
            what = f"the same answer as in entry {seq} has another score"
            yield _finding("inconsistent", entry, what)
    questions = result.body["data"]["questions"]
    for seed, own in sorted(asked.items()):
        if len(own) != questions:
            under = f" under prompt seed {seed}" if seed else ""
            what = f"it counts {questions} questions, and {len(own)} have an answer{under}"
            yield _finding("inconsistent", result, what)
    if unanswered := sorted(result.body["data"].get("scores", {}).keys() - answered):
        what = f"{len(unanswered)} scores are of no answer, the first is that of {unanswered[0]}"
        yield _finding("inconsistent", result, what)


def _span(begin: Entry, result: Entry) -> tuple[float, float]:
    return begin.time_unix_s - SLACK_S, result.time_unix_s + SLACK_S


def _finding(kind: Kind, entry: Entry, what: str) -> Finding:
    return Finding(kind=kind, where=at(entry.seq), what=what)


_CHECKS: dict[str, Callable[[_Place, Entry, Entry], Checked]] = {
    "training.run": _training,
    "training.context": _training,
    "serving.load": _load,
    "serving.accuracy": _accuracy,
}
