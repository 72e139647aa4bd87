"""
What a forger who can make every hash anew must also get right: records that agree with each other.

Nothing here judges the device. Each check compares two things that an honest run writes at different moments
or by different hands: spec and result times, request records and their summary, a loss and its digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pytest_ernie.bundles.consistency_of_loads import load_findings
from pytest_ernie.bundles.consistency_of_training import training_findings
from pytest_ernie.bundles.finding import Finding, Kind, at
from pytest_ernie.errors import BundleUnusable, EvidenceMissing, EvidenceTampered
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.evidence.journal import Entry, Journal

SLACK_S = 2.0
"""Between two clocks of one machine and the moments at which they are read."""
ONES_OWN = {"training.run": "log", "training.context": "log", "serving.load": "requests"}
"""Blobs with times in them: no two measurements can have the same one."""


def consistency_findings(store: Store) -> list[Finding]:
    """Return every disagreement within the evidence, in the order of the journal."""
    journal = store.journal
    found = [*_ids(journal), *_keys(journal), *_devices(journal), *_replayed_blobs(journal)]
    for begin in journal.of_type.get("begin", ()):
        result = _result(journal, begin)
        if result is not None:
            found += _of_measurement(store, begin, result)
    return found


def copied_findings(store: Store, reference: Store) -> Iterator[Finding]:
    """Yield each measurement that is the reference's own: evidence isn't borrowed from what it is judged by."""
    theirs = {e.id for e in reference.journal.of_type.get("begin", ())}
    raw = {
        blob
        for entry in reference.journal.of_type.get("result", ())
        for name, blob in (entry.body.get("blobs") or {}).items()
        if name in ONES_OWN.values()
    }
    for begin in store.journal.of_type.get("begin", ()):
        result = _result(store.journal, begin)
        if result is None:
            continue
        blob = (result.body.get("blobs") or {}).get(
            ONES_OWN.get(begin.body["spec"].get("kind"), "")
        )
        if begin.id in theirs or blob in raw:
            yield _finding("replayed", result, "this measurement is the reference's own")


def _of_measurement(store: Store, begin: Entry, result: Entry) -> list[Finding]:
    found = list(_blobs(store, result))
    if found:
        return found
    kind = begin.body["spec"].get("kind")
    check = _CHECKS.get(kind, _nothing)
    try:
        return list(check(store, begin, result))
    except (msgspec.DecodeError, msgspec.ValidationError, BundleUnusable) as error:
        return [_finding("unreadable", result, f"{kind}: {error}")]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = (
            f"{kind}: its result isn't one that this suite writes ({type(error).__name__}: {error})"
        )
        return [_finding("unreadable", result, what[:300])]


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


def _replayed_blobs(journal: Journal) -> Iterator[Finding]:
    seen: dict[str, Entry] = {}
    for begin in journal.of_type.get("begin", ()):
        result = _result(journal, begin)
        name = ONES_OWN.get(begin.body.get("spec", {}).get("kind"))
        blob = None if result is None or name is None else result.body.get("blobs", {}).get(name)
        if result is None or blob is None:
            continue
        if blob in seen:
            what = (
                f"its {name} is the one of entry {seen[blob].seq}: no two runs have the same times"
            )
            yield _finding("replayed", result, what)
        seen.setdefault(blob, result)


def _blobs(store: Store, result: Entry) -> Iterator[Finding]:
    for name, blob in (result.body.get("blobs") or {}).items():
        try:
            store.blobs.get(blob)
        except EvidenceTampered:
            what = f"its {name} isn't the one that was recorded: the content has another sha256"
            yield _finding("swapped blob", result, what)
        except EvidenceMissing:
            yield _finding("missing blob", result, f"its {name} isn't in the bundle")


def _nothing(store: Store, begin: Entry, result: Entry) -> Iterator[Finding]:
    return iter(())


def _training(store: Store, begin: Entry, result: Entry) -> Iterator[Finding]:
    log = store.blobs.get(result.body["blobs"]["log"])
    for what in training_findings(result.body["data"], log, _span(begin, result)):
        yield _finding("inconsistent", result, what)


def _load(store: Store, begin: Entry, result: Entry) -> Iterator[Finding]:
    requests = store.blobs.get(result.body["blobs"]["requests"])
    concurrency = begin.body["spec"].get("concurrency")
    for what in load_findings(result.body["data"], requests, concurrency, _span(begin, result)):
        yield _finding("inconsistent", result, what)


def _accuracy(store: Store, begin: Entry, result: Entry) -> Iterator[Finding]:
    """Every question is answered once or more, and every answer says how it was scored."""
    ids = [*begin.body.get("continues", ()), begin.id]
    samples = [e for id in ids for e in store.journal.of_id.get(id, ()) if e.type == "sample"]
    answered = {entry.body["id"] for entry in samples}
    questions = result.body["data"]["questions"]
    if len(answered) != questions:
        what = f"it counts {questions} questions, and {len(answered)} have an answer"
        yield _finding("inconsistent", result, what)
    scores: dict[tuple[str, str, str], tuple[float | None, int]] = {}
    for entry in samples:
        if entry.body.get("error") is not None:
            continue
        key = (entry.body["id"], entry.body["question_digest"], entry.body["answer"])
        score, seq = scores.setdefault(key, (entry.body["score"], entry.seq))
        if score != entry.body["score"]:
            what = f"the same answer as in entry {seq} has another score"
            yield _finding("inconsistent", entry, what)


def _span(begin: Entry, result: Entry) -> tuple[float, float]:
    return begin.time_unix_s - SLACK_S, result.time_unix_s + SLACK_S


def _finding(kind: Kind, entry: Entry, what: str) -> Finding:
    return Finding(kind=kind, where=at(entry.seq), what=what)


_CHECKS: dict[str, Callable[[Store, Entry, Entry], Iterator[Finding]]] = {
    "training.run": _training,
    "training.context": _training,
    "serving.load": _load,
    "serving.accuracy": _accuracy,
}
