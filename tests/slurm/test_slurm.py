"""
Shards under a real Slurm: a node that dies costs only time, and the certificate is that of one machine.

Some two minutes, so it runs by itself only: ``tox -e slurm``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cluster import Cluster

import pytest_ernie
from doubles.laboratory import SITE
from pytest_ernie.bundles.runs import Run, claims
from pytest_ernie.evidence import Store

TESTS = Path(__file__).resolve().parent.parent
CHOSEN = "tier2 and not (throughput and inference)"
ENOUGH_S = 300.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three idle nodes; in a short folder, since the path of munge's socket may have 107 letters."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        found = Cluster(Path(folder))
        try:
            yield found
        finally:
            found.close()


class Site:
    """A lab with doubles for trainer and server, and a folder that all nodes share."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        (folder / "site.toml").write_text(SITE.format(python=sys.executable))
        ours = Path(pytest_ernie.__file__).parents[1]
        self.environment = {
            **cluster.environment,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{ours}",
            "PYTEST_ERNIE_CACHE": str(folder / "cache"),
            "PYTEST_ERNIE_LEASES": str(folder / "leases"),
        }
        self.pytest = [
            *("-p", "doubles.laboratory", "-p", "no:cacheprovider"),
            *(f"--rootdir={folder}", str(TESTS.parent / "conformance")),
        ]
        self.run_pytest("--record-reference", "--evidence=reference")
        self.plant(train={"outliers": 11, "takes_s": 2})

    def plant(self, **faults: object) -> None:
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def run_pytest(self, *arguments: str) -> None:
        """Run it here, as on one machine."""
        given = ("-m", CHOSEN, "--device=cpu", "--site=site.toml", *self.pytest, *arguments)
        self._call("pytest", *given)

    def submit(self, *more: str) -> list[str]:
        """Submit, or submit again; return what is said."""
        stated = ("-m", CHOSEN, "--device=cpu", "--site=site.toml", "--gres=accelerator:1")
        command = ("pytest_ernie.cli", "submit", "--slurm", "--shards=3", *stated, *more)
        done = self._call(*command, "--", "--reference=reference", *self.pytest)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def merged(self, output: str) -> None:
        folders = [f"ernie-shards/shard-{n}" for n in (1, 2, 3)]
        done = self._call("pytest_ernie.cli", "merge", *folders, "-o", output)
        assert done.returncode == 0, done.stdout + done.stderr

    def certificate(self, evidence: str, *more: str) -> list[tuple[str, str, str, str]]:
        """Judge, and return word, sentence and figures of every criterion."""
        self.run_pytest("--reference=reference", f"--evidence={evidence}", *more)
        paths = sorted((self.folder / evidence / "runs").glob("*.json"))
        last = msgspec.json.decode(paths[-1].read_bytes(), type=Run)
        return sorted(
            (name, told.verdict.word.value, told.verdict.message, told.verdict.measured)
            for name, told in claims((last,)).items()
        )

    def results(self, shard: int) -> list[str]:
        """Ids of what a shard has measured."""
        folder = self.folder / f"ernie-shards/shard-{shard}"
        return [e.id for e in Store(folder).journal.entries if e.type == "result"]

    def log(self, shard: int) -> str:
        return (self.folder / f"ernie-shards/logs/shard-{shard}.out").read_text()

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path, cluster: Cluster) -> Site:
    """Nothing is measured yet but the reference."""
    return Site(tmp_path, cluster)


def test_a_node_that_dies_changes_nothing_in_the_certificate(cluster: Cluster, site: Site) -> None:
    """
    Three shards, one node off in the middle, its task requeued: merged, and judged as one machine's run is.
    """
    assert site.submit()[-1].startswith("submitted shards 1, 2, 3 as job ")
    cluster.wait_for(lambda: site.results(2), ENOUGH_S)
    node = next(line.split()[2] for line in cluster.queue() if line.startswith("2 RUNNING"))
    cluster.stop(node)
    kept = site.results(2)
    cluster.wait_for(lambda: not any(line.startswith("2 RUNNING") for line in cluster.queue()))
    cluster.start(node)
    cluster.wait_for(lambda: cluster.queue() == [], ENOUGH_S)

    assert site.log(2).count("shard 2 on ") == 2
    assert "start 1" in site.log(2)
    assert site.results(2)[: len(kept)] == kept
    assert all(": done: " in line for line in site.submit()[:3])
    site.merged("all")
    together = site.certificate("all", "--offline")
    assert together == site.certificate("alone")
    words = [word for _, word, *_ in together]
    assert (len(words), words.count("FAIL")) == (18, 2)
    assert words.count("PASS") >= 14


def test_only_the_shard_that_was_lost_is_submitted_again(cluster: Cluster, site: Site) -> None:
    """
    A site that requeues nothing: the same command again, and one shard goes on from what it had kept.
    """
    site.submit("--sbatch=--no-requeue")
    cluster.wait_for(lambda: site.results(3), ENOUGH_S)
    node = next(line.split()[2] for line in cluster.queue() if line.startswith("3 RUNNING"))
    cluster.stop(node)
    kept = site.results(3)
    cluster.wait_for(lambda: cluster.queue() == [], ENOUGH_S)
    cluster.start(node)

    said = site.submit("--sbatch=--no-requeue")

    assert [line.partition(":")[2].split()[0] for line in said[:3]] == ["done:", "done:", "ended"]
    assert said[3].startswith("submitted shards 3 as job ")
    cluster.wait_for(lambda: cluster.queue() == [], ENOUGH_S)
    assert site.results(3)[: len(kept)] == kept
    assert site.submit("--sbatch=--no-requeue")[-1].startswith("then: pytest-ernie merge ")
