"""
The store: look a measurement up by its key, or record it, spec first and result last.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.errors import (
    EvidenceError,
    EvidenceMissing,
    EvidenceTampered,
    SeveralSubjects,
)
from pytest_ernie.evidence.blobs import Blobs
from pytest_ernie.evidence.bundle import JOURNAL, PackedBlobs, is_bundle, open_bundle
from pytest_ernie.evidence.chain import (
    PART,
    challenge_of,
    parts_of,
    records_in,
    refuse_tampered,
    subjects_in,
)
from pytest_ernie.evidence.journal import Journal
from pytest_ernie.evidence.record import Record, Subject, What
from pytest_ernie.evidence.redaction import Redaction
from pytest_ernie.evidence.writing import cannot_write

LAYOUT = 1
"""Version of the folder's layout; a newer one is refused, never guessed at."""


WORDS = 400
"""Characters of a failure's message that are worth repeating."""


class Store:
    """
    One evidence folder: a candidate's, or a reference, which is nothing but evidence recorded elsewhere.

    Whatever is written goes through ``redaction`` first, the subject of a key included. A bundle is read
    like a folder, and never written.
    """

    def __init__(
        self, folder: Path, redaction: Redaction | None = None, challenge: str | None = None
    ) -> None:
        self.folder = folder
        self.redaction = redaction or Redaction()
        self._asked_challenge = challenge
        self._parts: tuple[int, tuple[Journal, ...]] = (0, ())
        self.bundle = open_bundle(folder) if is_bundle(folder) else None
        """The bundle that is read, None for a folder."""
        self.blobs: Blobs | PackedBlobs
        if self.bundle is None:
            self.journal, self.blobs = Journal(folder), Blobs(folder)
        else:
            self.journal = Journal(folder, partial(self.bundle.read, JOURNAL))
            self.blobs = PackedBlobs(self.bundle)
        self._check_layout()

    @classmethod
    def existing(cls, folder: Path) -> Store:
        """Open a folder that must hold evidence; EvidenceMissing if it doesn't."""
        store = cls(folder)
        if not store.journal.entries and not store.journal.gaps:
            raise EvidenceMissing(
                "there is no evidence here",
                where=folder,
                wanted="a folder with a journal.jsonl, as a run with --evidence writes it, or a bundle",
            )
        return store

    @property
    def chains(self) -> tuple[Journal, ...]:
        """
        The journals that are read: the store's own, and that of each part if it was merged.

        EvidenceError if a part isn't the one that was merged.
        """
        bound = len(self.journal.of_type.get(PART, ()))
        if self._parts[0] != bound:
            self._parts = (bound, tuple(parts_of(self.journal, self.blobs)))
        return (self.journal, *self._parts[1])

    @property
    def challenge(self) -> str | None:
        """The challenge that the evidence answers; what was asked for if nothing is recorded yet."""
        return challenge_of(self.journal) if self.journal.entries else self._asked_challenge

    def check_challenge(self) -> None:
        """Raise EvidenceError if the evidence answers another challenge than what was asked for."""
        self.journal.refresh()
        if self.challenge != self._asked_challenge:
            raise EvidenceError(
                "the evidence was recorded under another challenge",
                where=self.folder,
                got=self.challenge or "none",
                wanted=self._asked_challenge or "none",
                fix="Give that one with --challenge, or another folder with --evidence",
            )

    def failure_of(self, what: What) -> str | None:
        """
        Return why the last attempt at a measurement failed, in the words that were kept, cut to a few lines.

        If it was never begun: why one of the same model, method and data type failed (they share a server).
        """
        near = None
        for chain in self.chains:
            for entry in chain.of_type.get("failure", ()):
                begin = next((e for e in chain.of_id[entry.id] if e.type == "begin"), None)
                if begin is None or not begin.body.get("spec"):
                    continue
                tried = msgspec.convert(begin.body["spec"], What)
                words = str(entry.body.get("message", ""))[:WORDS]
                if tried == what or (near is None and _shares_a_server(tried, what)):
                    near = words
        return near

    def find(self, what: What, subject: Subject | None = None) -> Record | None:
        """
        Return the completed measurement of that key, or None.

        With a subject both halves of the key must match (a live run). Without, the first half must, and
        more than one subject is an error (offline, or a reference). Of several results for one key
        the last that was measured again for a stated reason counts, else the first (R15: no
        best-of-N), and the others come along as ``earlier``. EvidenceTampered if an altered entry
        may belong to it, and for every key if the journal isn't whole.
        """
        self.journal.refresh()
        wanted = None if subject is None else self.redacted(subject).digest
        records = [
            record for record in self._records(what) if wanted in (None, record.subject.digest)
        ]
        if not records:
            return None
        subjects = {record.subject.digest for record in records}
        if len(subjects) > 1:
            raise SeveralSubjects(
                f"{len(subjects)} devices or software states answer for {what.title}",
                where=self.folder,
                wanted="evidence of one subject",
                fix="Keep the evidence of each device, driver and toolchain in a folder of its own",
            )
        counting = next((record for record in reversed(records) if record.reason), records[0])
        others = tuple(record for record in records if record is not counting)
        return msgspec.structs.replace(counting, earlier=others)

    def near(self, what: What) -> str | None:
        """Say how the most similar recorded measurement differs from what was asked, or None."""
        wanted = msgspec.to_builtins(what)
        best: tuple[int, str] | None = None
        for entry in (e for chain in self.chains for e in chain.of_type.get("begin", ())):
            spec = entry.body.get("spec", {})
            if spec.get("kind") != what.kind:
                continue
            differing = sorted(
                k for k in wanted.keys() | spec.keys() if wanted.get(k) != spec.get(k)
            )
            if differing and (best is None or len(differing) < best[0]):
                best = (len(differing), " and ".join(differing))
        return best[1] if best else None

    def measured(self) -> tuple[What, ...]:
        """Return what was measured or tried, each once, in the order of the journals."""
        self.journal.refresh()
        begun = (begin for chain in self.chains for begin in chain.of_type.get("begin", ()))
        specs = (entry.body.get("spec") for entry in begun)
        return tuple(dict.fromkeys(msgspec.convert(spec, What) for spec in specs if spec))

    def redacted(self, subject: Subject) -> Subject:
        """Return a subject as this store writes it."""
        return msgspec.convert(self.redaction.value(msgspec.to_builtins(subject)), Subject)

    def subjects(self) -> tuple[Subject, ...]:
        """Return every subject in the order of its first measurement."""
        self.journal.refresh()
        found: dict[str, Subject] = {}
        for chain in self.chains:
            for digest, subject in subjects_in(chain).items():
                found.setdefault(digest, subject)
        return tuple(found.values())

    @contextmanager
    def recording(
        self, what: What, subject: Subject, edition_digest: str, reason: str | None = None
    ) -> Iterator[Recording]:
        """
        Write the spec, then let the caller add samples and finish.

        A block that ends by an exception leaves a ``failure`` entry with its words: the samples stay
        and the next attempt goes on from them, but nothing counts as completed. What is completed
        already is measured again for a stated reason only (R15), and nothing is measured into
        evidence that was altered.
        """
        if self.find(what, subject) is not None and not reason:
            raise EvidenceError(
                f"{what.title} is recorded already",
                where=self.folder,
                wanted="a reason for measuring it again",
            )
        self.check_challenge()
        recording = Recording(self, what, self.redacted(subject), edition_digest, reason)
        try:
            yield recording
        except BaseException as error:
            if not recording.finished:
                with suppress(EvidenceError):  # on a full disk what ended it must still be heard
                    recording.fail(str(error) or type(error).__name__, kind=type(error).__name__)
            raise
        if not recording.finished:
            raise EvidenceError(f"{what.title} ended without a result")

    @contextmanager
    def exclusive(self, what: What) -> Iterator[None]:
        """Hold the lock under which only one process measures this; the others wait and look again."""
        from filelock import FileLock

        locks = self.folder / "locks"
        lock = FileLock(locks / f"{what.digest[:32]}.lock")
        try:
            locks.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as problem:
            raise cannot_write(locks, problem) from problem
        try:
            self.journal.refresh()
            yield
        finally:
            lock.release()

    def _records(self, what: What) -> list[Record]:
        """Return the records of every chain; of several chains, in the order in which they ended."""
        chains = self.chains
        for chain in chains:
            refuse_tampered(chain, what)
        found = [records for chain in chains if (records := records_in(chain, what))]
        if len(found) == 1:
            return found[0]
        every = [record for records in found for record in records]
        if len({record.id for record in every}) < len(every):
            raise EvidenceTampered(
                f"a record of {what.title} stands in two parts of the evidence", where=self.folder
            )
        return sorted(every, key=lambda record: record.ended_unix_s)

    def _check_layout(self) -> None:
        first = next(iter(self.journal.entries), None)
        layout = first.body.get("layout") if first and first.type == "header" else None
        if first is not None and not self.journal.gaps and layout != LAYOUT:
            raise EvidenceError(
                "the evidence has a layout that this version doesn't know",
                where=self.folder,
                got=layout,
                wanted=LAYOUT,
                fix="Use the version of pytest-ernie that wrote it",
            )


class Recording:
    """
    A measurement in the making; only ``finish`` completes it.
    """

    def __init__(
        self, store: Store, what: What, subject: Subject, edition_digest: str, reason: str | None
    ) -> None:
        self._store = store
        self._journal = store.journal
        self._redaction = store.redaction
        self._blobs: dict[str, str] = {}
        self.id = uuid.uuid4().hex
        self.reason = reason or None
        """Why it is measured again, if it is."""
        self.finished = False
        self.at_the_end: Callable[[], dict[str, Any]] | None = None
        """Gives what stands beside the result, whatever is measured: asked when it is complete."""
        if not self._journal.entries:
            from pytest_ernie import __version__

            header = {"layout": LAYOUT, "suite": __version__}
            if store.challenge is not None:
                header["challenge"] = store.challenge
            self._journal.append("header", "header", header, once=True)
        if not any(e.type == "subject" for e in self._journal.of_id.get(subject.digest, ())):
            body = msgspec.to_builtins(subject)
            self._journal.append("subject", subject.digest, body, once=True)
        continued = [] if reason else self._interrupted(what, subject)
        kept = [e for id in continued for e in self._journal.of_id[id] if e.type == "sample"]
        self.samples: tuple[dict[str, Any], ...] = tuple(
            entry.body for entry in sorted(kept, key=lambda entry: entry.seq)
        )
        """Samples of earlier attempts that were cut short, to go on from."""
        self.continues: tuple[str, ...] = tuple(continued)
        """Ids of those attempts, in their order."""
        self._append(
            "begin",
            {
                "what": what.digest,
                "spec": msgspec.to_builtins(what),
                "subject": subject.digest,
                "edition": edition_digest,
                "reason": reason or None,
                "continues": continued,
            },
        )

    def sample(self, data: dict[str, Any]) -> None:
        """Keep one part of the measurement; it survives whatever happens next."""
        self._refuse_finished()
        self._append("sample", data)

    def blob(self, name: str, content: bytes | Path) -> None:
        """Keep raw material under a name."""
        raw = content.read_bytes() if isinstance(content, Path) else content
        self._blobs[name] = self._store.blobs.put(self._redaction.raw(raw))

    def finish(self, data: dict[str, Any]) -> None:
        """Complete the measurement; ``data`` are plain JSON values."""
        self._refuse_finished()
        if self.at_the_end is not None:
            data = {**data, **self.at_the_end()}
        self._end("result", {"data": data, "blobs": self._blobs})

    def fail(self, message: str, kind: str = "") -> None:
        """Note that the attempt didn't complete, and why; ``kind`` is the error's class."""
        plain = message.encode(errors="replace").decode()
        self._end("failure", {"message": plain, "kind": kind, "blobs": self._blobs})

    def _append(self, type: str, body: dict[str, Any]) -> None:
        self._journal.append(type, self.id, self._redaction.value(body))

    def _refuse_finished(self) -> None:
        if self.finished:
            raise EvidenceError("a measurement that has ended takes nothing more", where=self.id)

    def _end(self, type: str, body: dict[str, Any]) -> None:
        self._refuse_finished()
        self._append(type, body)
        self.finished = True

    def _interrupted(self, what: What, subject: Subject) -> list[str]:
        wanted, ours = what.digest, subject.digest
        return [
            entry.id
            for entry in self._journal.of_type.get("begin", ())
            if (entry.body.get("what"), entry.body.get("subject")) == (wanted, ours)
        ]


def _shares_a_server(one: What, other: What) -> bool:
    return one.datatype is not None and (one.edition, one.model, one.datatype) == (
        other.edition,
        other.model,
        other.datatype,
    )
