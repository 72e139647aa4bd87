"""
Packing: an evidence folder becomes one file, with the same bytes for the same content.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pytest_ernie.bundles import runs
from pytest_ernie.bundles.facts import facts_of
from pytest_ernie.bundles.suite import Suite, suite
from pytest_ernie.errors import BundleUnusable, EvidenceError, EvidenceMissing, UsageProblem
from pytest_ernie.evidence import Store, archive
from pytest_ernie.evidence.bundle import (
    BLOBS,
    EDITIONS,
    FACTS,
    JOURNAL,
    LAYOUT,
    MANIFEST,
    REPORT,
    RUNS,
    SIGNATURE,
    SITE,
    Bundle,
    Manifest,
    PackedFile,
    Seal,
    open_bundle,
)
from pytest_ernie.evidence.chain import named_blobs
from pytest_ernie.evidence.journal import Journal
from pytest_ernie.standard import edition_digest, editions, load
from pytest_ernie.standard.digest import canonical

LARGEST_REPORT = 64 * 2**20


class Packing(Struct, frozen=True, kw_only=True):
    """What goes into a bundle beside the evidence."""

    edition: str | None = None
    """Name or TOML file of the edition, where the evidence names one that isn't shipped."""
    report: Path | None = None
    suite: Suite | None = None
    """None: this process's own."""


def pack(evidence: Path, output: Path, packing: Packing | None = None) -> Bundle:
    """
    Write the bundle of an evidence folder and return it, opened.

    EvidenceError if the evidence isn't whole: an altered entry, a blob that is gone or was changed. What
    no entry names stays behind. ``output`` appears whole or not at all.
    """
    store = Store.existing(evidence)
    if store.bundle is not None:
        raise UsageProblem("this is a bundle already", where=evidence)
    for chain in store.chains:
        _refuse_altered(chain)
    kept = _runs(evidence)
    _refuse_cut(store, kept)
    _write(output, _files(store, kept, packing or Packing()), runs.end_of(store.journal))
    return open_bundle(output)


def with_signature(path: Path, envelope: bytes) -> None:
    """Put an envelope into a bundle, in place of the one that it has; nothing else of it changes."""
    bundle = open_bundle(path)
    opened = archive.Archive(path)
    kept = tuple(m for m in opened.members.values() if m.name != SIGNATURE)
    end = kept[-1].offset + kept[-1].packed_size
    part = path.with_name(f"{path.name}.part")
    with path.open("rb") as source, part.open("wb") as file:
        while rest := end - file.tell():
            file.write(source.read(min(rest, archive.CHUNK)))
        writer = archive.ArchiveWriter(file, kept)
        writer.add(SIGNATURE, archive.STORED, envelope, envelope)
        writer.close()
        _sync(file)
    opened.close()
    bundle.close()
    part.replace(path)


def _files(store: Store, kept: dict[str, bytes], packing: Packing) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file, in the order of the names."""
    yield from sorted(_editions(store.chains, packing.edition).items())
    named = {name for chain in store.chains for name in named_blobs(chain)}
    for name in sorted(named):
        yield f"{BLOBS}{name[:2]}/{name}", store.blobs.get(name)
    yield JOURNAL, store.journal.text()
    for name, content in sorted(kept.items()):
        yield f"{RUNS}{name}", content
    facts = facts_of(store.chains, packing.suite or suite())
    yield FACTS, canonical(msgspec.to_builtins(facts))
    if packing.report is not None:
        yield REPORT, _report(packing.report)
    site = _last_site(kept)
    if site is not None:
        yield SITE, canonical(site)


def _write(output: Path, files: Iterator[tuple[str, bytes]], seal: Seal) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f"{output.name}.part")
    listed = []
    try:
        with part.open("wb") as file:
            writer = archive.ArchiveWriter(file)
            for name, content in files:
                listed.append(_add(writer, name, content))
            manifest = Manifest(layout=LAYOUT, seal=seal, files=tuple(listed))
            _add(writer, MANIFEST, canonical(msgspec.to_builtins(manifest)))
            writer.close()
            _sync(file)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _add(writer: archive.ArchiveWriter, name: str, content: bytes) -> PackedFile:
    if len(content) > archive.MOST_OF_ONE:
        raise BundleUnusable(
            "a file is too large for a bundle",
            where=name,
            got=f"{len(content)} bytes",
            wanted=f"at most {archive.MOST_OF_ONE}",
        )
    method, small = archive.packed(content)
    member = writer.add(name, method, content, small)
    kind: Literal["stored", "deflated"] = "stored" if method == archive.STORED else "deflated"
    return PackedFile(
        name=name,
        size=member.size,
        sha256=hashlib.sha256(content).hexdigest(),
        method=kind,
        packed_size=member.packed_size,
        packed_sha256=hashlib.sha256(small).hexdigest(),
    )


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _refuse_altered(journal: Journal) -> None:
    problems = [*journal.gaps, *(f"entry {n}: {why}" for n, why in journal.altered.items())]
    if problems:
        raise EvidenceError(
            f"the evidence isn't whole, so it isn't packed: {problems[0]}",
            where=journal.path,
            fix="Keep this folder for whoever certifies, and measure into a new one with --evidence",
        )


def _refuse_cut(store: Store, kept: dict[str, bytes]) -> None:
    """What a run left in the journal must still be there: nothing tells what was cut off."""
    told = (msgspec.json.decode(content, type=runs.Run) for content in kept.values())
    if cut := next(runs.cut_tails(store.chains, told), None):
        raise EvidenceError(
            f"the evidence isn't whole, so it isn't packed: {cut}",
            where=store.journal.path,
            fix="Pack the folder as that run left it",
        )


def _runs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / runs.FOLDER).glob("*.json")}


def _last_site(kept: dict[str, bytes]) -> dict[str, Any] | None:
    known = [msgspec.json.decode(content, type=runs.Run) for content in kept.values()]
    told = [run for run in known if run.site is not None]
    return max(told, key=lambda run: run.ended_unix_s).site if told else None


def _report(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceMissing(f"the report can't be read ({error.strerror})", where=path) from None
    if len(content) > LARGEST_REPORT:
        raise UsageProblem("the report is too large", where=path, got=f"{len(content)} bytes")
    return content


def _editions(chains: tuple[Journal, ...], given: str | None) -> dict[str, bytes]:
    """Return the text of every edition that the evidence was recorded under, by file name."""
    begun = (entry for chain in chains for entry in chain.of_type.get("begin", ()))
    names = {str(entry.body["spec"]["edition"]) for entry in begun}
    if given is not None and given not in editions():
        own = {load(given).name: Path(given).read_bytes()}
    else:
        own = {}
    texts = {}
    for name in sorted(names):
        if name not in own and name not in editions():
            raise UsageProblem(
                "the evidence was recorded under an edition that isn't shipped",
                got=name,
                fix="Name its file with --edition",
            )
        texts[name] = own.get(name) or _shipped_text(name)
    return {f"{EDITIONS}{_edition_file(name)}.toml": text for name, text in texts.items()}


def _edition_file(name: str) -> str:
    """Editions are named freely, files of a bundle aren't."""
    return name if archive.NAME.fullmatch(name) and "/" not in name else edition_digest(load(name))


def _shipped_text(name: str) -> bytes:
    return (resources.files("pytest_ernie.standard") / "editions" / f"{name}.toml").read_bytes()
