"""
References at hand: what each holds, on what it was recorded, and whether it can certify (R14).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from pytest_ernie.bundles.signing import Signed, signed, trusted_keys
from pytest_ernie.errors import ErnieError
from pytest_ernie.evidence import Store
from pytest_ernie.evidence.bundle import SUFFIX
from pytest_ernie.standard import editions, load


class Reference(Struct, frozen=True, kw_only=True):
    """One reference, as a list shows it."""

    path: Path
    editions: tuple[str, ...]
    devices: tuple[str, ...]
    measurements: dict[str, int]
    """How many were completed, by kind."""
    signed: Signed
    why_not: tuple[str, ...]
    """Why it can't certify, a sentence each; empty if it can."""


def references_in(folder: Path) -> Iterator[Reference | tuple[Path, str]]:
    """Yield every bundle and evidence folder directly in ``folder``; what can't be read, with its reason."""
    for path in sorted(folder.iterdir()):
        if path.suffix == SUFFIX or (path / "journal.jsonl").is_file():
            try:
                yield read_reference(path)
            except ErnieError as problem:
                yield path, str(problem)


def read_reference(path: Path, trust: tuple[Path, ...] = ()) -> Reference:
    """Return what a bundle or a folder would be worth as a reference."""
    store = Store.existing(path)
    begun = [(chain, entry) for chain in store.chains for entry in chain.of_type.get("begin", ())]
    names = tuple(sorted({str(entry.body["spec"]["edition"]) for _, entry in begun}))
    edition = load(names[0]) if len(names) == 1 and names[0] in editions() else None
    vouched = (
        Signed() if store.bundle is None else signed(store.bundle, trusted_keys(edition, trust))
    )
    devices = sorted({str(s.device.get("name", "an unnamed device")) for s in store.subjects()})
    done = Counter(
        str(entry.body["spec"]["kind"])
        for chain, entry in begun
        if any(e.type == "result" for e in chain.of_id[entry.id])
    )
    why_not = []
    if edition is None or not edition.certifies:
        why_not.append("it isn't of an edition that certifies")
    else:
        hardware = edition.rulings.reference.hardware
        if other := [name for name in devices if not any(part in name for part in hardware)]:
            why_not.append(f"it was recorded on {', '.join(other)}, not on {' or '.join(hardware)}")
    if not vouched.trusted:
        why_not.append(f"no trusted key signed it ({vouched.words})")
    return Reference(
        path=path,
        editions=names,
        devices=tuple(devices),
        measurements=dict(sorted(done.items())),
        signed=vouched,
        why_not=tuple(why_not),
    )


def in_words(reference: Reference) -> Iterator[str]:
    """Yield the lines of one reference."""
    yield f"{reference.path.name}: edition {', '.join(reference.editions)}"
    yield f"  recorded on {', '.join(reference.devices)}"
    counted = ", ".join(f"{count} {kind}" for kind, count in reference.measurements.items())
    yield f"  holds {counted or 'no completed measurement'}"
    yield f"  {reference.signed.words}"
    for reason in reference.why_not:
        yield f"  can't certify: {reason}"
    if not reference.why_not:
        yield "  can certify (R14)"
