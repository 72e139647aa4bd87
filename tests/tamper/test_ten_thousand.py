"""
Ten thousand damaged bundles, and some hundreds that a forger edited at random and sealed anew.
"""

from __future__ import annotations

import random
import resource
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from doubles.forger import Workshop, files_of, packed_files, small_evidence
from doubles.mutations import MUTATIONS, mutated
from pytest_ernie.bundles.keys import new_key, public_key_id
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.bundles.verify import examine
from pytest_ernie.errors import ErnieError
from pytest_ernie.evidence.bundle import Seal

MUTANTS, EDITS = 10_000, 500
LONGEST_S, MOST_MIB = 10.0, 500.0


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One measurement of each kind."""
    return small_evidence(tmp_path_factory.mktemp("small") / "evidence")


def peak_mib() -> float:
    """Return the most that this process ever took, the test's own share included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("is_signed", [True, False])
def test_ten_thousand_mutants(
    is_signed: bool, small: Path, tmp_path: Path, record_property: Any
) -> None:
    """
    None is believed, none ends by an error that isn't meant, none takes ten seconds or 500 MB.
    """
    path, mutant = tmp_path / "chip.ernie", tmp_path / "mutant.ernie"
    Workshop(Path(shutil.copytree(small, tmp_path / "evidence"))).pack(path)
    trusted = {}
    if is_signed:
        public, _ = new_key(tmp_path / "vendor.key", {})
        sign_bundle(path, tmp_path / "vendor.key")
        trusted[public_key_id(public)] = "vendor"
    content, longest_s = path.read_bytes(), 0.0
    refused: Counter[str] = Counter()
    for seed in range(MUTANTS):
        name, changed = mutated(content, seed)
        mutant.write_bytes(changed)
        started_s = time.perf_counter()
        try:
            found = examine(mutant, trusted)
            believed = not found.findings and not found.signed.problem
            if is_signed:
                believed = believed and bool(found.signed.trusted)
        except ErnieError:
            believed = False
        longest_s = max(longest_s, time.perf_counter() - started_s)
        assert not believed, f"{name} of seed {seed} is believed"
        refused[name] += 1
    print(f"\n{sum(refused.values())} mutants, longest {longest_s:.3f} s, {peak_mib():.0f} MiB")

    assert {mutate.__name__ for mutate in MUTATIONS} == set(refused)
    assert longest_s < LONGEST_S
    assert peak_mib() < MOST_MIB


def edit_somewhere(chance: random.Random, value: Any) -> Any:
    """Return a JSON value with one thing in it replaced by something unexpected."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: edit_somewhere(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        return [*value[:place], edit_somewhere(chance, value[place]), *value[place + 1 :]]
    odd = [
        None,
        True,
        -1,
        0,
        10**18,
        1e300,
        -0.5,
        "",
        "x" * 1000,
        "\x1b[2J",
        [],
        {},
        [[]],
        {"a": {}},
    ]
    return chance.choice(odd)


def test_edits_that_were_sealed_anew(small: Path, tmp_path: Path) -> None:
    """
    A forger may edit anything and seal it: the verifier never breaks, whatever it finds.
    """
    honest = Workshop(small)
    files = files_of(honest.pack(tmp_path / "chip.ernie"))
    found = done = 0
    for seed in range(EDITS):
        chance = random.Random(seed)
        workshop = Workshop(small)
        entry = chance.choice(workshop.of(chance.choice(["subject", "begin", "sample", "result"])))
        body = edit_somewhere(chance, entry["body"])
        if not isinstance(body, dict) or body == entry["body"]:
            continue
        entry["body"] = body
        workshop.make_anew()
        seal = Seal(entries=len(workshop.entries), head=workshop.entries[-1]["hash"])
        forged = {**files, "evidence/journal.jsonl": workshop.text()}
        path = packed_files(forged, tmp_path / "forged.ernie", seal)
        done += 1
        try:
            found += bool(examine(path).findings)
        except ErnieError:
            found += 1
    print(f"\n{found} of {done} edits were found")

    assert done > EDITS // 2
    assert found > 0
