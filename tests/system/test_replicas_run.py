"""
A whole run on two cards with FastDeploy's double: one server a card, one client for both (R6).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from doubles.fastdeploy import install
from pytest_ernie import rehearsal
from pytest_ernie.evidence import Store
from pytest_ernie.load.protocol import LoadResult

TESTS = Path(__file__).resolve().parent.parent
EDITION = Path(rehearsal.__file__).parents[1] / "standard/editions/rehearsal.toml"
SMALL = {
    'name = "rehearsal"': 'name = "replicas"',
    "prompts = 256": "prompts = 24",
    "output_tokens_min = 16": "output_tokens_min = 8",
    "output_tokens_max = 64": "output_tokens_max = 8",
    "output_tokens_mean = 32": "output_tokens_mean = 8",
    "concurrency_start = 1": "concurrency_start = 4",
    "concurrency_most = 16": "concurrency_most = 4",
    "search_requests_max = 20000": "search_requests_max = 24",
}
"""Of the rehearsal's edition: a run that ends within seconds."""
SITE = """
cards = ["0", "1"]

[device]
name = "a card of the double"
count = 2
driver = "1"
read = false

[engine]
python = "{python}"
tensor_parallel = 1
max_num_seqs = 16

[models."ERNIE-4.5-tiny"]
checkpoint = "{checkpoint}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, conformance_folder: Path) -> Path:
    """After data type and throughput of tier II were measured on two cards."""
    folder = tmp_path_factory.mktemp("run")
    python = install(folder / "toolchain", version="2.4.0")
    text = EDITION.read_text(encoding="utf-8")
    for old, new in SMALL.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "edition.toml").write_text(text, encoding="utf-8")
    site = SITE.format(python=python, checkpoint=rehearsal.checkpoint())
    (folder / "site.toml").write_text(site, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(conformance_folder / "test_inference.py")),
            *("--rootdir", str(folder), "-p", "no:cacheprovider", "-m", "tier2"),
            *("-k", "datatype or throughput", "--device=gpu", "--site=site.toml"),
            f"--edition={folder / 'edition.toml'}",
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]),
            "PYTEST_ERNIE_LEASES": str(folder / "leases"),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (folder / "output.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder


def results(folder: Path, kind: str) -> list[dict[str, Any]]:
    """What completed measurements of a kind recorded; at least one."""
    journal = folder / "ernie-evidence" / "journal.jsonl"
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    ids = {e["id"] for e in entries if e["type"] == "begin" and e["body"]["spec"]["kind"] == kind}
    found = [e["body"] for e in entries if e["type"] == "result" and e["id"] in ids]
    assert found, (folder / "output.txt").read_text(encoding="utf-8")
    return found


def test_each_server_has_a_card_of_its_own(folder: Path) -> None:
    """
    Two are started for all criteria together, and none twice.
    """
    (facts,) = results(folder, "serving.facts")

    starts = list((folder / "ernie-evidence" / "scratch").glob("server-*"))
    assert 2 == len(starts)
    assert {"server_log of replica 1", "server_log of replica 2"} <= facts["blobs"].keys()


def test_both_answer_one_client(folder: Path) -> None:
    """
    No request fails.
    """
    store = Store.existing(folder / "ernie-evidence")
    for load in results(folder, "serving.load"):
        requests = store.blobs.get(load["blobs"]["requests"])
        result = msgspec.json.decode(requests, type=LoadResult)
        assert [] == [record.error for record in result.records if record.error]


def test_nothing_is_left(folder: Path) -> None:
    """
    No process of either server.
    """
    left = [
        process.info["pid"]
        for process in psutil.process_iter(["pid", "cmdline"])
        if str(folder) in " ".join(process.info["cmdline"] or ())
    ]

    assert [] == left


def test_the_configuration_is_recorded(folder: Path) -> None:
    """
    Where its values are from: here the site file said all of it.
    """
    (facts,) = results(folder, "serving.facts")

    assert ["max_num_seqs", "tensor_parallel"] == facts["data"]["configuration"]["site"]
