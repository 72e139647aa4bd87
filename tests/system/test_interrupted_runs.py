"""
Ctrl-C and SIGKILL in the middle of a measurement: no child is left, nothing completed is lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import pytest_ernie
from doubles.laboratory import SITE
from pytest_ernie.evidence import Store
from pytest_ernie.measurements.attempts import earlier_attempts

TESTS = Path(__file__).resolve().parent.parent
CONFORMANCE = TESTS.parent / "conformance"
PATIENCE_S = 60


class Run:
    """A pytest of its own in a folder of its own, whose double trainer hangs in its LoRA run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "site.toml").write_text(SITE.format(python=sys.executable))
        self.plant(train={"hang_in": "sft_lora", "hang_after": 25})

    def plant(self, **faults: object) -> None:
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def start(self) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "pytest", str(CONFORMANCE), "--rootdir", str(self.folder)),
            *("-p", "doubles.laboratory", "-p", "no:cacheprovider", "--device=cpu"),
            *("--site=site.toml", "-m", "training and tier1", "--record-reference"),
        ]
        ours = Path(pytest_ernie.__file__).parents[1]  # and no other one that is installed
        environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{ours}"}
        with (self.folder / "out.txt").open("wb") as out:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdout=out,
                stderr=out,
                # A shell that runs these tests in the background leaves SIGINT ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def child(self) -> psutil.Process:
        """Wait until the hanging child exists and return it."""
        marker = self.folder / "child.pid"
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if marker.exists() and marker.read_text():
                return psutil.Process(int(marker.read_text()))
            time.sleep(0.05)
        raise AssertionError((self.folder / "out.txt").read_text())

    def completed(self) -> list[str]:
        entries = Store.existing(self.folder / "ernie-reference").journal.entries
        done = {e.id for e in entries if e.type == "result"}
        return [
            f"{e.body['spec']['kind']} {e.body['spec']['method']}"
            for e in entries
            if e.type == "begin" and e.id in done
        ]

    def attempts(self) -> list[int]:
        """The last steps that were kept of runs that were cut short, as the completed ones tell."""
        store = Store.existing(self.folder / "ernie-reference")
        records = [store.find(what) for what in store.measured()]
        return [a.last_step for record in records if record for a in earlier_attempts(record)]


def gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=20)
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_child_and_the_next_one_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    """
    The child ends with the run however that ends; the next run measures only what is missing.
    """
    run = Run(tmp_path)
    with run.start() as pytest_process:
        try:
            child = run.child()
            finished = run.completed()
            assert "training.run sft" in finished
            pytest_process.send_signal(number)
            pytest_process.wait(timeout=PATIENCE_S)
        finally:
            pytest_process.kill()

    assert gone(child)
    assert finished == run.completed()
    run.plant()
    with run.start() as second:
        assert second.wait(timeout=PATIENCE_S) == 0, (tmp_path / "out.txt").read_text()
    again = run.completed()
    # Two lengths for each method and three recordings of each run, nothing measured twice.
    assert len(again) == len(set(again)) + 2 + 4
    assert again[: len(finished)] == finished
    assert run.attempts() == [20]  # of the 25 steps, what was written ten at a time
