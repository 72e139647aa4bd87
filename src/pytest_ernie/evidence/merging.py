"""
Joining the evidence of several machines: every chain stays as it was written, and a new one binds them all.

What isn't whole, or was made under another edition or challenge, or for another kind of device, is refused.
What may stand but must be known (two answers to one question, other software) is named.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_ernie.errors import EvidenceError, EvidenceMissing, EvidenceTampered, UsageProblem
from pytest_ernie.evidence.blobs import Blobs, sync_folder
from pytest_ernie.evidence.bundle import RUNS
from pytest_ernie.evidence.chain import PART, Part, challenge_of, named_blobs, subjects_in
from pytest_ernie.evidence.journal import Entry, Journal
from pytest_ernie.evidence.record import Subject, What
from pytest_ernie.evidence.store import LAYOUT, Store


class Merged(Struct, frozen=True, kw_only=True):
    """What was joined, and what whoever judges it must know."""

    parts: tuple[Part, ...]
    measurements: int
    conflicts: tuple[str, ...]


class _Source(Struct, frozen=True, kw_only=True):
    """One side of a merge: a folder, or a bundle."""

    name: str
    store: Store
    text: bytes
    """Its journal's complete lines."""
    chains: tuple[Journal, ...]


class _Key(Struct, frozen=True, kw_only=True):
    what: str
    subject: str


def merge(folders: Sequence[Path], output: Path) -> Merged:
    """
    Join evidence into a new folder, which appears only once it is complete.

    UsageProblem if there is something at ``output`` already; EvidenceError, with the sides, for what
    can't be joined.
    """
    if output.exists():
        raise UsageProblem("there is something already, and it stays", where=output)
    if len(folders) < 2:
        raise UsageProblem("there is nothing to join", got=len(folders), wanted="two or more")
    sources = [_opened(path, name) for path, name in zip(folders, _names(folders), strict=True)]
    _refuse_what_cannot_be_joined(sources)
    part = output.with_name(f"{output.name}.{os.getpid()}.part")
    try:
        merged = _write(sources, part)
        part.rename(output)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync_folder(output.absolute().parent)
    return merged


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the last parts of the paths; numbered where two are the same."""
    names = [path.absolute().name for path in folders]
    often = Counter(names)
    return [f"{n}-{name}" if often[name] > 1 else name for n, name in enumerate(names, 1)]


def _opened(path: Path, name: str) -> _Source:
    store = Store.existing(path)
    text = store.journal.text()
    chains = store.chains
    for chain in chains:
        if problems := [*chain.gaps, *chain.altered.values()]:
            raise EvidenceTampered(
                f"this evidence isn't as it was written: {problems[0]}",
                where=chain.path,
                fix="Leave it out, and keep it for whoever certifies",
            )
    return _Source(name=name, store=store, text=text, chains=chains)


def _refuse_what_cannot_be_joined(sources: Sequence[_Source]) -> None:
    for title, of in (
        ("challenges", lambda source: {challenge_of(source.store.journal)}),
        ("editions", _editions),
        ("kinds of device", lambda source: {_device(s) for s in _subjects(source)}),
    ):
        _refuse_several(title, sources, of)
    begun: dict[str, str] = {}
    for source in sources:
        for begin in _entries([source], "begin"):
            if begin.id in begun:
                raise EvidenceError(
                    "the same measurement stands in two of them: one is a copy of the other, or went on "
                    "from one",
                    where=source.store.folder,
                    got=begun[begin.id],
                    fix="Name only the one that has it all",
                )
            begun[begin.id] = source.name


def _refuse_several(
    title: str, sources: Sequence[_Source], of: Callable[[_Source], Iterable[object]]
) -> None:
    """Raise EvidenceError if sources don't all say the same."""
    told = [(value, source.name) for source in sources for value in of(source)]
    first = next(iter(told), None)
    other = next(((value, name) for value, name in told if first and value != first[0]), None)
    if first and other:
        raise EvidenceError(
            f"the evidence is of several {title}, and no certificate is",
            where=other[1],
            got=other[0] or "none",
            wanted=f"{first[0] or 'none'}, as in {first[1]}",
        )


def _editions(source: _Source) -> set[str]:
    return {
        f"{begin.body['spec']['edition']} ({begin.body['edition'][:12]})"
        for begin in _entries([source], "begin")
    }


def _subjects(source: _Source) -> list[Subject]:
    return [s for chain in source.chains for s in subjects_in(chain).values()]


def _device(subject: Subject) -> str:
    return f"{subject.device.get('kind', 'unknown')} {subject.device.get('name', 'unknown')}"


def _entries(sources: Iterable[_Source], type: str) -> Iterator[Entry]:
    for source in sources:
        for chain in source.chains:
            yield from chain.of_type.get(type, ())


def _write(sources: Sequence[_Source], folder: Path) -> Merged:
    blobs = Blobs(folder)
    missing = []
    for source in sources:
        for name in dict.fromkeys(name for chain in source.chains for name in named_blobs(chain)):
            try:
                blobs.put(source.store.blobs.get(name))
            except (EvidenceMissing, EvidenceTampered) as problem:
                missing.append(f"{source.name}: {problem}")
    journal = Journal(folder)
    header: dict[str, object] = {"layout": LAYOUT, "suite": _suite(), "merged": True}
    if (challenge := challenge_of(sources[0].store.journal)) is not None:
        header["challenge"] = challenge
    journal.append("header", "header", header)
    parts = []
    for source in sources:
        own = source.store.journal
        part = Part(
            name=source.name,
            journal=blobs.put(source.text),
            entries=len(own.entries),
            head=own.entries[-1].hash,
        )
        journal.append(PART, part.journal, msgspec.to_builtins(part))
        parts.append(part)
        _copy_claims(source.store, folder)
    # What was written is read as a judge would read it, before it is called merged.
    complete = {begin.body["what"] for begin in _answered(Store(folder).chains)}
    return Merged(
        parts=tuple(parts),
        measurements=len(complete),
        conflicts=(*_conflicts(sources), *missing),
    )


def _copy_claims(store: Store, folder: Path) -> None:
    """Keep what the runs of a part said of themselves, under the names that they have."""
    if store.bundle is not None:
        names = [name for name in store.bundle.names if name.startswith(RUNS)]
        claims = {name.removeprefix(RUNS): store.bundle.read(name) for name in names}
    else:
        claims = {path.name: path.read_bytes() for path in (store.folder / "runs").glob("*.json")}
    for name, content in claims.items():
        (folder / "runs").mkdir(exist_ok=True)
        (folder / "runs" / name).write_bytes(content)


def _suite() -> str:
    from pytest_ernie import __version__

    return __version__


def _answered(chains: Iterable[Journal]) -> Iterator[Entry]:
    """Yield the entries with which completed measurements began."""
    for chain in chains:
        done = {entry.id for entry in chain.of_type.get("result", ())}
        yield from (begin for begin in chain.of_type.get("begin", ()) if begin.id in done)


def _conflicts(sources: Sequence[_Source]) -> Iterator[str]:
    """Yield what a judge must know of evidence from several places, a sentence each."""
    answers: dict[str, list[tuple[str, str]]] = {}
    titles: dict[str, str] = {}
    for source in sources:
        for begin in _answered(source.chains):
            what = str(begin.body["what"])
            titles[what] = msgspec.convert(begin.body["spec"], What).title
            answers.setdefault(what, []).append((source.name, str(begin.body["subject"])))
    for what, told in answers.items():
        names = ", ".join(dict.fromkeys(name for name, _ in told))
        if len({name for name, _ in told}) < 2:
            continue
        if len({subject for _, subject in told}) > 1:
            yield (
                f"{titles[what]}: several devices or software states answer in {names}, so it will be "
                "INCONCLUSIVE"
            )
        else:
            yield f"{titles[what]}: measured in {names}; the first completed counts, all are kept"
    yield from _differences(sources)


def _differences(sources: Sequence[_Source]) -> Iterator[str]:
    suites = {str(entry.body.get("suite")) for entry in _entries(sources, "header")}
    if len(suites) > 1:
        yield f"recorded by several versions of the suite: {', '.join(sorted(suites))}"
    drivers = {
        str(subject.device["driver"])
        for source in sources
        for subject in _subjects(source)
        if "driver" in subject.device
    }
    if len(drivers) > 1:
        yield f"recorded with several drivers: {', '.join(sorted(drivers))}"
    for phase, sign in (("training", "trainer"), ("serving", "datatype")):
        toolchains = {
            subject.toolchain
            for source in sources
            for subject in _subjects(source)
            if sign in subject.launch and subject.toolchain
        }
        if len(toolchains) > 1:
            short = ", ".join(sorted(str(digest)[:12] for digest in toolchains))
            yield f"{phase} in several software states (digests of the installed files: {short})"
