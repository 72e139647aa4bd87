"""
The batch script: what Slurm reads of it, and what the shell runs.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import UsageProblem
from pytest_ernie.slurm.script import Request, batch_script

REQUEST = Request(
    name="ernie-1",
    folder="/shared/shards",
    working_folder="/shared",
    python="/opt/python",
    pytest=("-m", "tier2 and not loss", "--device=xpu"),
)


def script(shards: tuple[int, ...] = (1, 3), cards: int = 8, **fields: Any) -> str:
    return batch_script(msgspec.structs.replace(REQUEST, **fields), shards, cards)


def options(text: str) -> list[str]:
    """What sbatch reads: the lines before the first command."""
    return [
        line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")
    ]


def test_what_slurm_is_asked_for() -> None:
    """
    A task for each shard, requeued if its host dies, alone on it, its log appended to.
    """
    assert options(script(gres="xpu")) == [
        "--job-name=ernie-1",
        "--array=1,3",
        "--output=/shared/shards/logs/shard-%a.out",
        "--open-mode=append",
        "--requeue",
        "--nodes=1",
        "--ntasks-per-node=1",
        "--chdir=/shared",
        "--exclusive",
        "--gres=xpu:8",
    ]


@pytest.mark.parametrize(
    ("fields", "there", "absent"),
    [
        ({}, [], ["--gres=xpu:8"]),
        ({"gres": "xpu:2"}, ["--gres=xpu:2"], []),
        ({"gres": "xpu", "cards": 0}, [], ["--gres=xpu:0"]),
        ({"share_nodes": True}, [], ["--exclusive"]),
        ({"nodes": 2}, ["--nodes=2"], ["--nodes=1"]),
        ({"sbatch": ("--partition=a", "--comment=a b")}, ["--partition=a", '--comment="a b"'], []),
    ],
)
def test_what_a_site_may_ask_for(
    fields: dict[str, Any], there: list[str], absent: list[str]
) -> None:
    """
    Cards by their generic resource, hosts, company, and whatever else sbatch knows.
    """
    read = options(script(**fields))

    assert set(there) <= set(read)
    assert not set(absent) & set(read)


def run(text: str, folder: Path, **environment: str) -> list[str]:
    """Run a script as a task of an array; return what it calls in place of python."""
    path = folder / "job.sh"
    path.write_text(text)
    out = subprocess.run(
        ["/bin/bash", str(path)],
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return out.stdout.splitlines()


def called(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_shell_runs_an_ordinary_pytest(tmp_path: Path) -> None:
    """
    Its words arrive as they were given, spaces included, and the shard is the task's number.
    """
    python = called(tmp_path, "python", 'printf "%s\\n" "$@"')
    text = script(python=python, folder="/a b/shards", working_folder="/a b")

    lines = run(text, tmp_path, SLURM_ARRAY_TASK_ID="3", SLURM_JOB_NODELIST="n2")

    assert lines == [
        "shard 3 on n2, start 0",
        *("-m", "pytest", "-m", "tier2 and not loss", "--device=xpu"),
        "--shard=3//a b/shards/plan.json",
        "--evidence=/a b/shards/shard-3",
    ]


def test_the_hosts_of_a_shard_meet_at_the_first(tmp_path: Path) -> None:
    """
    Multi-host training: address, port and count from the scheduler's environment.
    """
    python = called(
        tmp_path, "python", 'echo "$MASTER_ADDR $MASTER_PORT $NNODES $PYTEST_ERNIE_LEASES"'
    )
    called(
        tmp_path, "scontrol", '[ "$*" = "show hostnames a[07-09]" ] && printf "a07\\na08\\na09\\n"'
    )
    text = script(python=python, nodes=3, leases="/run/our leases")

    lines = run(
        text,
        tmp_path,
        SLURM_ARRAY_TASK_ID="1",
        SLURM_JOB_NODELIST="a[07-09]",
        SLURM_JOB_NUM_NODES="3",
        SLURM_JOB_ID="40007",
    )

    assert lines[1:] == ["a07 20007 3 /run/our leases"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sbatch": ("--comment=a\n#SBATCH --uid=0",)}, "a line break can't stand in an option"),
        ({"folder": "/shared/%j"}, "Slurm would read the % in this path"),
    ],
)
def test_what_slurm_would_read_otherwise_is_refused(fields: dict[str, Any], words: str) -> None:
    """
    No line may become two, and no path another.
    """
    with pytest.raises(UsageProblem, match=words):
        script(**fields)
