"""
A forger's workshop: evidence taken apart, changed, and put together again with every hash made anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ernie import rehearsal
from pytest_ernie.bundles.pack import Packing, _write, pack
from pytest_ernie.bundles.runs import Run
from pytest_ernie.bundles.suite import Suite
from pytest_ernie.evidence.bundle import Bundle, Seal
from pytest_ernie.evidence.journal import GENESIS
from pytest_ernie.outcomes import Judgement
from pytest_ernie.standard.digest import canonical

REFERENCE = Path(rehearsal.__file__).parent / "reference"
"""Real evidence, which the package ships."""
SUITE = Suite(version="0.1.0", commit="c" * 40, dirty=False)
Entry = dict[str, Any]


def claimed_run(judgements: tuple[Judgement, ...], **facts: Any) -> Run:
    """Return what a run claimed, of the rehearsal if nothing else is said."""
    usual: dict[str, Any] = {
        "suite": SUITE,
        "edition": "rehearsal",
        "edition_digest": "e" * 64,
        "device": "cpu",
        "applicant": "chip",
        "offline": False,
        "recorded_reference": False,
        "reference": None,
        "started_unix_s": 1.0,
        "ended_unix_s": 2.0,
        "site": None,
        "judgements": judgements,
    }
    return Run(**{**usual, **facts})


class Workshop:
    """An evidence folder's entries and blobs, to be changed at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = (folder / "journal.jsonl").read_text(encoding="utf-8")
        self.entries: list[Entry] = [json.loads(line) for line in text.splitlines()]

    @classmethod
    def on_copy(cls, folder: Path, place: Path) -> Workshop:
        """Take a copy of an evidence folder, so that the original stays what it is."""
        return cls(shutil.copytree(folder, place))

    def of(self, type: str, kind: str | None = None) -> list[Entry]:
        """Return the entries of a type, of measurements of one kind."""
        kinds = {e["id"]: e["body"]["spec"]["kind"] for e in self.entries if e["type"] == "begin"}
        return [e for e in self.entries if e["type"] == type and kind in (None, kinds.get(e["id"]))]

    def blob(self, entry: Entry, name: str) -> bytes:
        """Return a result's raw material."""
        digest = entry["body"]["blobs"][name]
        return (self.folder / "blobs" / digest[:2] / digest).read_bytes()

    def set_blob(self, entry: Entry, name: str, content: bytes) -> None:
        """Put other raw material in its place, under its own digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / "blobs" / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        entry["body"]["blobs"][name] = digest

    def change_requests(self, entry: Entry, change: Callable[[Any], object]) -> None:
        """Change a load run's requests."""
        result = json.loads(self.blob(entry, "requests"))
        change(result)
        self.set_blob(entry, "requests", json.dumps(result).encode())

    def make_anew(self) -> None:
        """Give every entry the number and the hashes that an honest one would have."""
        before = GENESIS
        for number, entry in enumerate(self.entries):
            entry["seq"], entry["prev"] = number, before
            rest = {key: value for key, value in entry.items() if key != "hash"}
            entry["hash"] = before = hashlib.sha256(canonical(rest)).hexdigest()

    def text(self) -> bytes:
        """Return the journal as it would be written."""
        return b"".join(canonical(entry) + b"\n" for entry in self.entries)

    def write(self, *, anew: bool = True) -> Path:
        """Write the journal; ``anew``: with every number and hash made anew."""
        if anew:
            self.make_anew()
        (self.folder / "journal.jsonl").write_bytes(self.text())
        return self.folder

    def pack(self, output: Path) -> Bundle:
        """Write, with every hash anew, and pack."""
        return pack(self.write(), output, Packing(suite=SUITE))


def files_of(bundle: Bundle) -> dict[str, bytes]:
    """Return the content of every file of a bundle."""
    return {name: bundle.read(name) for name in bundle.names}


def packed_files(files: dict[str, bytes], output: Path, seal: Seal) -> Path:
    """Write a bundle of any files, its manifest and every header right."""
    _write(output, iter(sorted(files.items())), seal)
    return output


def as_a_candidates(workshop: Workshop) -> Workshop:
    """
    Make another device's evidence of a reference's: other ids, other times, other raw material.

    It says the same figures, so every criterion passes; nothing in it is the reference's own.
    """
    names: dict[str, str] = {}
    for entry in workshop.of("begin"):
        names[entry["id"]] = uuid.UUID(bytes=hashlib.md5(entry["id"].encode()).digest()).hex
    for entry in workshop.entries:
        entry["id"] = names.get(entry["id"], entry["id"])
        if "continues" in entry["body"]:
            entry["body"]["continues"] = [names[id] for id in entry["body"]["continues"]]
    for entry in workshop.of("result", "training.run") + workshop.of("result", "training.context"):
        log = re.sub(rb"(interval_runtime: \d+\.\d\d\d)\d", rb"\g<1>5", workshop.blob(entry, "log"))
        workshop.set_blob(entry, "log", log)
    for entry in workshop.of("result", "serving.load"):
        workshop.change_requests(entry, _a_little_later)
    return workshop


def _a_little_later(result: Any) -> None:
    result["wall_s"] += 0.001
    for record in result["records"]:
        record["done_s"] += 1e-6


def one_of_each_kind(workshop: Workshop) -> Workshop:
    """Keep the smallest measurement of each kind, and nothing else of the evidence."""
    sizes: dict[str, int] = {}
    for entry in workshop.entries:
        sizes[entry["id"]] = sizes.get(entry["id"], 0) + len(canonical(entry))
    kept = {"header"}
    for kind in sorted({entry["body"]["spec"]["kind"] for entry in workshop.of("begin")}):
        ids = {entry["id"] for entry in workshop.of("result", kind)}
        kept |= set(sorted(ids, key=sizes.__getitem__)[: 2 if kind == "serving.load" else 1])
    kept |= {e["body"]["subject"] for e in workshop.of("begin") if e["id"] in kept}
    workshop.entries = [entry for entry in workshop.entries if entry["id"] in kept]
    return workshop


def small_evidence(place: Path) -> Path:
    """Write a candidate's evidence that is quickly examined: one measurement of each kind, two load runs."""
    return one_of_each_kind(as_a_candidates(Workshop.on_copy(REFERENCE, place))).write()
