"""
A training whose processes are killed in the middle, for real, and the run that goes on from its checkpoint.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie import rehearsal
from pytest_ernie.toolchains import provision

SITE = """
threads = 1

[trainer]
kind = "{kind}"
python = "{python}"

[models."ERNIE-4.5-tiny"]
checkpoint = "{checkpoint}"
training_data = "{data}"

[models."ERNIE-4.5-tiny".training.{method}]
checkpoint_steps = 100
"""
KILLED_AFTER = 217


def trainers_of(folder: Path) -> list[int]:
    """The processes that were started for a run in that folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(int(process.name))
    return found


def kill_the_trainer(pytester: pytest.Pytester, run: subprocess.Popen[bytes]) -> None:
    """SIGKILL all of it as soon as its log shows the step."""
    scratch = pytester.path / "ernie-evidence" / "scratch"
    while run.poll() is None:
        for log in scratch.glob("*/train.log"):
            if re.search(rf"global_step: {KILLED_AFTER},", log.read_text(errors="replace")):
                for process in trainers_of(log.parent):
                    os.kill(process, signal.SIGKILL)
                return
        time.sleep(0.1)
    pytest.fail("the run ended before its trainer could be killed")


@pytest.mark.parametrize(
    ("kind", "toolchain", "method"),
    [
        ("transformers", "trainer-torch-cpu", "sft"),
        ("transformers", "trainer-torch-cpu", "sft_lora"),
        ("paddleformers", "trainer-cpu", "sft"),
    ],
)
def test_a_killed_run_goes_on_and_follows_the_reference(
    pytester: pytest.Pytester, conformance_folder: Path, kind: str, toolchain: str, method: str
) -> None:
    """
    The first pytest says what died; the second goes on from step 200, passes, and says so.

    The joined curve is the shipped reference's, which nobody interrupted.
    """
    (pytester.path / "site.toml").write_text(
        SITE.format(
            kind=kind,
            python=provision(toolchain).python,
            method=method,
            checkpoint=rehearsal.checkpoint(),
            data=rehearsal.supervised_data(),
        )
    )
    asked = (
        *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider"),
        *("--device=cpu", "--site=site.toml", "-m", "loss", "-k", f"{method}]"),
        "--junitxml=result.xml",
    )

    with (pytester.path / "first.log").open("wb") as told:
        first = subprocess.Popen(
            [sys.executable, "-m", "pytest", *asked], cwd=pytester.path, stdout=told, stderr=told
        )
    kill_the_trainer(pytester, first)
    assert first.wait() == 1
    assert "INCONCLUSIVE" in (pytester.path / "result.xml").read_text()

    second = pytester.runpytest_subprocess(*asked)

    second.assert_outcomes(passed=1)
    verdict = verdict_of(pytester.path / "result.xml")
    assert verdict["word"] == "PASS"
    assert "it went on from the checkpoint of step 200" in str(verdict["notes"])
    assert verdict["numbers"]["largest_difference"] < 1e-4


def verdict_of(junit: Path) -> dict[str, Any]:
    """What the only criterion's verdict says."""
    from xml.etree import ElementTree

    tree = ElementTree.parse(junit)
    (found,) = [p.get("value") for p in tree.iter("property") if p.get("name") == "ernie"]
    verdict: dict[str, Any] = json.loads(str(found))
    return verdict.get("verdict", verdict)
