"""
Runs of a certification that are cut short at random, and what must hold of their evidence.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

import pytest_ernie
from doubles.laboratory import SITE
from doubles.nursery import TESTS, Nursery
from doubles.witness import NAME as WITNESS
from pytest_ernie.evidence import Store, What
from pytest_ernie.evidence.journal import Entry

EVERYTHING = ("-m", "tier1")
SOME = (*EVERYTHING, "-k", "not reasoning and not chinese and not instructions")
"""One of the four question sets."""
PATIENCE_S = 120


Shape = dict[str, Any]
"""What of a record is the same whenever it was made whole."""


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """A certification that nobody interfered with."""

    shapes: dict[str, Shape]
    """What every record looks like, by its key's digest."""
    folder: Path
    run_s: float
    journal_bytes: int
    chosen: tuple[str, ...]


class Campaign:
    """One certification in a folder of its own, run as often as it takes."""

    def __init__(
        self,
        folder: Path,
        nursery: Nursery,
        evidence: Path | None = None,
        chosen: tuple[str, ...] = SOME,
    ) -> None:
        self.folder = folder
        self._chosen = chosen
        self.evidence = evidence or folder / "evidence"
        self._nursery = nursery
        self._known = b""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "site.toml").write_text(SITE.format(python=sys.executable))

    @property
    def arguments(self) -> list[str]:
        """What pytest is given."""
        return [
            *(str(TESTS.parent / "conformance"), "--rootdir", str(self.folder)),
            *("-p", "doubles.laboratory", "-p", "doubles.witness", "-p", "no:cacheprovider"),
            *("--device=cpu", "--site=site.toml", *self._chosen, "--record-reference"),
            f"--evidence={self.evidence}",
        ]

    def start(self, file_bytes: int | None = None) -> int:
        """Start a run; return its process id once it is under way."""
        before = self._runs()
        process = self._nursery.start(self.folder, self.arguments, file_bytes)
        deadline = time.monotonic() + PATIENCE_S
        while self._runs() == before and time.monotonic() < deadline:
            time.sleep(0.002)
        return process

    def finish(self, file_bytes: int | None = None) -> int:
        """Run to the end; return pytest's exit code."""
        self.start(file_bytes)
        return self._nursery.wait()

    def killed_after(self, seconds: float) -> bool:
        """Start a run and kill it so long after it is under way; False if it had ended by itself."""
        process = self.start()
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        return self._nursery.wait() == -signal.SIGKILL

    def said(self) -> str:
        """What the runs printed, in one line."""
        return " ".join((self.folder / "out.txt").read_text(errors="replace").split())

    def check(self, whole: Whole) -> None:
        """Nothing kept is lost or changed, and nothing is believed that isn't whole."""
        path = self.evidence / "journal.jsonl"
        text = path.read_bytes() if path.exists() else b""
        assert text.startswith(self._known), "what was written has changed"
        self._known = text[: text.rfind(b"\n") + 1]
        store = Store(self.evidence)
        assert store.journal.gaps == []
        assert store.journal.altered == {}
        kept = Counter((entry.type, entry.id) for entry in store.journal.entries)
        for (type, id), count in self._witnessed().items():
            assert kept[type, id] >= count, f"the {type} of {id} was lost"
        for what in believed(store):
            wanted = whole.shapes[what.digest]
            shape = shape_of(store, what)
            # Beside its own material a record may keep the logs of attempts that were cut short.
            own = {name: shape["blobs"].get(name) for name in wanted["blobs"]}
            assert {**shape, "blobs": own} == wanted, f"half of {what.title} is believed"

    def _runs(self) -> int:
        return self._lines().count("run")

    def _lines(self) -> list[str]:
        path = self.folder / WITNESS
        return path.read_text().splitlines() if path.exists() else []

    def _witnessed(self) -> Counter[tuple[str, str]]:
        told = (line.split() for line in self._lines() if line != "run")
        return Counter((words[0], words[1]) for words in told)


def believed(store: Store) -> list[What]:
    """Every key for which the store gives a record."""
    specs = {
        entry.body["what"]: msgspec.convert(entry.body["spec"], What)
        for entry in store.journal.of_type.get("begin", ())
    }
    return [what for what in specs.values() if store.find(what) is not None]


def shape_of(store: Store, what: What) -> Shape:
    """Return a record's names, answers and blobs; times and ports differ between runs."""
    record = store.find(what)
    assert record is not None
    answered = {sample["id"]: sample.get("answer") for sample in record.samples if "id" in sample}
    return {
        "data": sorted(record.data),
        "answered": answered,
        "needles": [needle["wanted"] for needle in record.data.get("needles", ())],
        "blobs": {
            name: hashlib.sha256(store.blobs.get(digest)).hexdigest()
            for name, digest in record.blobs.items()
        },
    }


def whole_run(folder: Path, nursery: Nursery, chosen: tuple[str, ...] = SOME) -> Whole:
    """Run without interference, and look at what came out."""
    campaign = Campaign(folder, nursery, chosen=chosen)
    campaign.start()
    began = time.monotonic()
    assert campaign._nursery.wait() == 0, campaign.said()
    took_s = time.monotonic() - began
    store = Store(campaign.evidence)
    return Whole(
        shapes={what.digest: shape_of(store, what) for what in believed(store)},
        folder=campaign.folder,
        run_s=took_s,
        journal_bytes=store.journal.path.stat().st_size,
        chosen=chosen,
    )


def killed_often(folder: Path, nursery: Nursery, whole: Whole, *, kills: int, seed: int) -> int:
    """
    Kill runs at that many random moments; return how many certifications it took.

    Each goes on from what the last one kept. Once one ends by itself everything must have been
    measured exactly once, and the next certification begins.
    """
    draw = random.Random(seed)
    done = campaigns = 0
    while done < kills:
        campaigns += 1
        campaign = Campaign(folder / f"{seed}-{campaigns}", nursery, chosen=whole.chosen)
        while done < kills and campaign.killed_after(draw.uniform(0, whole.run_s)):
            done += 1
            campaign.check(whole)
        finished(campaign, whole)
    return campaigns


def finished(campaign: Campaign, whole: Whole) -> None:
    """Let a certification end: all of it is there, and nothing was measured twice."""
    assert campaign.finish() == 0, campaign.said()
    campaign.check(whole)
    store = Store(campaign.evidence)
    assert {what.digest for what in believed(store)} == set(whole.shapes)
    results = Counter(_what_of(store, entry) for entry in store.journal.of_type["result"])
    assert set(results.values()) == {1}


def _what_of(store: Store, result: Entry) -> str:
    begin = next(e for e in store.journal.of_id[result.id] if e.type == "begin")
    return str(begin.body["what"])


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of runs: this checkout's code, and nobody's leases or caches."""
    ours = Path(pytest_ernie.__file__).parents[1]
    return {
        **os.environ,
        "PYTHONPATH": f"{TESTS}{os.pathsep}{ours}",
        "PYTEST_ERNIE_CACHE": str(folder / "cache"),
        "PYTEST_ERNIE_LEASES": str(folder / "leases"),
    }


def tear(campaign: Campaign, *, keep: int) -> None:
    """Cut the journal as if its last entries had never come to the disk; for tests of the check."""
    path = campaign.evidence / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:keep]))


def journal_of(campaign: Campaign) -> list[dict[str, Any]]:
    """Return the journal's entries as plain JSON."""
    path = campaign.evidence / "journal.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()]
