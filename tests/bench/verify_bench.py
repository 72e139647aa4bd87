"""
How long ``pytest-ernie verify`` takes, and how much memory, for the evidence of all five models.

    python tests/bench/verify_bench.py [--questions 50] [--times 5] [--folder KEPT]

185 criteria, throughput runs of the whole workload, 500-step curves, made up by ``doubles.demonstration``;
what verify says at the end is the story's: nothing is wrong with the evidence, and not every verdict is PASS.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from doubles.demonstration import EDITION, build
from doubles.forger import SUITE, claimed_run
from pytest_ernie.bundles.keys import new_key
from pytest_ernie.bundles.pack import Packing, pack
from pytest_ernie.bundles.rederive import Question, rederive
from pytest_ernie.bundles.runs import write_run
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.evidence import Store

LOADED = (
    "tier2-ERNIE-4.5-0.3B",
    "tier2-ERNIE-4.5-21B",
    "tier2-ERNIE-4.5-300B",
    "tier2-ERNIE-4.5-28B",
)
"""Whose throughput is measured on either side: four text workloads, and one of images."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=50, help="of each data set")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="verify-bench-"))
    bundle, reference = folder / "chip.ernie", folder / "a100.ernie"
    if not bundle.exists():
        make(folder, options.questions)
    print(f"{bundle.stat().st_size / 2**20:.1f} MiB and {reference.stat().st_size / 2**20:.1f} MiB")
    taken, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(options.times):
        started_s = time.perf_counter()
        command = [sys.executable, "-m", "pytest_ernie.cli", "verify", str(bundle)]
        given = ["--reference", str(reference), "--edition", str(folder / EDITION)]
        done = subprocess.run([*command, *given], capture_output=True, text=True, check=False)
        taken.append(time.perf_counter() - started_s)
    told = done.stdout.splitlines()
    print("\n".join(told[:4] + told[-12:]), done.stderr, sep="\n")
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / options.times
    print(f"median {median(taken):.1f} s of {', '.join(f'{s:.1f}' for s in taken)}")
    print(f"processor {cpu_s:.1f} s, {peak_mib:.0f} MiB")
    return 0


def make(folder: Path, questions: int) -> None:
    """Make both bundles."""
    evidence, benchmark = build(folder, requests=None, questions=questions, loaded=LOADED)
    edition = str(folder / EDITION)
    packing = Packing(suite=SUITE, edition=edition)
    pack(benchmark, folder / "a100.ernie", packing)
    question = Question(
        evidence=str(evidence), reference=str(folder / "a100.ernie"), edition=edition
    )
    judged = rederive(question)
    head = Store(benchmark).journal.entries[-1].hash
    run = claimed_run(tuple(judged.values()), edition="demonstration", device="gpu", reference=head)
    write_run(evidence, run)
    pack(evidence, folder / "chip.ernie", packing)
    new_key(folder / "vendor.key", {})
    sign_bundle(folder / "chip.ernie", folder / "vendor.key")


if __name__ == "__main__":
    raise SystemExit(main())
