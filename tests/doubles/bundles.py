"""
Small evidence and its bundle, for tests of packing, reading and tampering.
"""

from __future__ import annotations

from pathlib import Path

from pytest_ernie.bundles.pack import Packing, pack
from pytest_ernie.bundles.suite import Suite
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.evidence.bundle import Bundle

DEVICE = {"kind": "gpu", "name": "Chip X1", "count": 8, "driver": "1.2"}
SUITE = Suite(version="0.1.0", commit="c" * 40, dirty=False)


def subject(**device: object) -> Subject:
    """The chip that was measured, with other facts if need be."""
    return Subject(device={**DEVICE, **device}, toolchain="t" * 64, checkpoint="w" * 64)


def context_of(length: int) -> What:
    """Return the key of a measurement."""
    return What(
        kind="serving.context",
        edition="ernie-4.5",
        model="ERNIE-4.5-0.3B",
        datatype="wint8",
        length=length,
        workload="a" * 64,
    )


def evidence(folder: Path, lengths: tuple[int, ...] = (8192, 32768)) -> Path:
    """Record one measurement for each length, with a log."""
    store = Store(folder)
    for length in lengths:
        with store.recording(context_of(length), subject(), "e" * 64) as recording:
            recording.sample({"asked": length})
            recording.blob("log", f"server of {length}\n".encode() * 40)
            recording.finish({"length": length, "accepted": True})
    return folder


def packed(folder: Path, name: str = "chip.ernie") -> Bundle:
    """Return the bundle of that evidence."""
    return pack(evidence(folder / "evidence"), folder / name, Packing(suite=SUITE))
