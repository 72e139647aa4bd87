"""
A real vLLM, killed with SIGKILL in the middle of a throughput run.

The run is a process of its own, as a user starts it; the test only looks at its journal and at the
processes below it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_ernie.toolchains import provision

WITHIN_S = 900.0
"""Two starts, a search and a whole run on a busy machine of two cores."""
UNDER_WAY_S = 1.0
CHOICE = ("-m", "tier2", "-k", "inference and throughput")


class Run:
    """A certification's throughput criterion, running."""

    def __init__(self, folder: Path, conformance: Path, restarts: int) -> None:
        self.folder = folder
        (folder / "site.toml").write_text(
            f'[engine]\nkind = "vllm"\npython = "{provision("server-cpu").python}"\n'
            f"restarts = {restarts}\n"
        )
        command = (
            *(sys.executable, "-m", "pytest", str(conformance), f"--rootdir={folder}"),
            *("--device=cpu", "--site=site.toml", "-p", "no:cacheprovider"),
            *("--junitxml=junit.xml", *CHOICE),
        )
        self.output = (folder / "output.txt").open("wb")
        self.process = subprocess.Popen(command, cwd=folder, stdout=self.output, stderr=self.output)

    def entries(self) -> list[dict[str, Any]]:
        journal = self.folder / "ernie-evidence" / "journal.jsonl"
        if not journal.exists():
            return []
        return [json.loads(line) for line in journal.read_text().splitlines()]

    def under_load(self, done: int) -> bool:
        """Whether ``done`` loads are measured and the next one is under way."""
        entries = self.entries()
        loads = [e["id"] for e in entries if e["type"] == "begin" and _kind(e) == "serving.load"]
        ended = {e["id"] for e in entries if e["type"] in ("result", "failure")}
        measuring = len(loads) > done and loads[-1] not in ended
        return measuring and self.child("hot.worker") is not None and self.server() is not None

    def server(self) -> psutil.Process | None:
        """The API server."""
        return self.child("vllm.entrypoints.openai.api_server")

    def child(self, word: str) -> psutil.Process | None:
        """Return a process below the run whose command line holds that word."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if any(word in part for part in process.cmdline()):
                    return process
            except psutil.Error:
                continue
        return None

    def kill_under_load(self, done: int) -> None:
        """Wait for that moment, and kill."""
        deadline = time.monotonic() + WITHIN_S
        while not self.under_load(done):
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)
        server = self.server()
        assert server is not None
        time.sleep(UNDER_WAY_S)
        os.kill(server.pid, signal.SIGKILL)

    def end(self) -> str:
        """Return what the run printed; it must end by itself."""
        self.process.wait(WITHIN_S)
        return self.text()

    def text(self) -> str:
        return (self.folder / "output.txt").read_text()

    def verdict(self) -> dict[str, Any]:
        from xml.etree import ElementTree

        tree = ElementTree.parse(self.folder / "junit.xml")
        judged = [p.get("value") for p in tree.iter("property") if p.get("name") == "ernie"]
        assert len(judged) == 1
        verdict: dict[str, Any] = json.loads(str(judged[0]))["verdict"]
        return verdict


def _kind(entry: dict[str, Any]) -> str:
    return str(entry["body"]["spec"]["kind"])


@pytest.fixture
def start(tmp_path: Path, conformance_folder: Path):
    """Start runs; whatever still runs at the end is ended, and nothing of it may be left."""
    runs: list[Run] = []

    def begin(restarts: int) -> Run:
        runs.append(Run(tmp_path, conformance_folder, restarts))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.terminate()
        run.process.wait(60)
        run.output.close()
    here = str(tmp_path / "ernie-evidence")
    assert [p for p in psutil.process_iter() if _works_below(p, here)] == []


def _works_below(process: psutil.Process, folder: str) -> bool:
    try:
        return process.cwd().startswith(folder)
    except psutil.Error:
        return False


def test_a_killed_server_ends_inconclusive_and_keeps_what_was_measured(start) -> None:
    """
    Without restarts: the cause is named, nothing hangs, the loads before it stay measured.
    """
    run = start(restarts=0)
    run.kill_under_load(done=1)
    killed = time.monotonic()
    output = run.end()
    took_s = time.monotonic() - killed

    verdict = run.verdict()
    assert verdict["word"] == "INCONCLUSIVE", output
    assert "the server died" in verdict["message"]  # at a load, or just between two of them
    assert "it was killed (SIGKILL)" in verdict["message"]
    assert "it isn't started again" in verdict["message"]
    assert took_s < 60
    entries = run.entries()
    assert [e["body"]["kind"] for e in entries if e["type"] == "failure"] == ["ServerDied"]
    assert len([e for e in entries if e["type"] == "result"]) >= 1


def test_a_killed_server_is_started_again_once_and_the_verdict_says_so(start) -> None:
    """
    With one restart: the load is measured anew on the new server, and judged.
    """
    run = start(restarts=1)
    run.kill_under_load(done=1)
    output = run.end()

    verdict = run.verdict()
    notes = [note for note in verdict["notes"] if "the server died" in note]
    assert len(notes) == 1, output
    assert notes[0].startswith("in an earlier attempt ")
    assert "it isn't started again" not in output
    folders = list((run.folder / "ernie-evidence" / "scratch").glob("server-*"))
    assert len(folders) == 2


def test_a_server_that_is_killed_again_stays_down(start) -> None:
    """
    One restart is one.
    """
    run = start(restarts=1)
    run.kill_under_load(done=0)
    while len([e for e in run.entries() if e["type"] == "failure"]) < 1:
        time.sleep(0.05)
    run.kill_under_load(done=1)
    output = run.end()

    assert run.verdict()["word"] == "INCONCLUSIVE", output
    assert "it isn't started again" in run.verdict()["message"]
    kinds = [e["body"]["kind"] for e in run.entries() if e["type"] == "failure"]
    assert kinds == ["ServerDied", "ServerDied"]
