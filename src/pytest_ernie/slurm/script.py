"""
The batch script of an array job: one task for each shard, an ordinary pytest invocation in each.

Options are those of sbatch's manual page (Slurm 22.05).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pytest_ernie.errors import UsageProblem

SHARD = '"$SLURM_ARRAY_TASK_ID"'

HOSTS = """\
# Several hosts: the first one is where trainers meet; each task has a port of its own.
if [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ]; then
    MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
    MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
    NNODES=$SLURM_JOB_NUM_NODES
    export MASTER_ADDR MASTER_PORT NNODES
fi
"""


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of Slurm for every shard of a submission."""

    name: str
    """Of the job; the queue is asked by it."""
    folder: str
    """Shared by all hosts: plan, logs and evidence."""
    working_folder: str
    """Where pytest runs, as if it had been called there by hand."""
    python: str
    pytest: tuple[str, ...]
    """Words of the pytest invocation, without shard and evidence."""
    gres: str | None = None
    """Name of the generic resource that cards are, or name:count to say how many."""
    nodes: int = 1
    share_nodes: bool = False
    sbatch: tuple[str, ...] = ()
    """Further options of sbatch, as they are."""
    leases: str | None = None
    """Folder of leases that all jobs of one host see; None for the usual one."""


def evidence_of(folder: Path, shard: int) -> Path:
    """Return where a shard's evidence lies."""
    return folder / f"shard-{shard}"


def log_of(folder: Path, shard: int) -> Path:
    """Return what a shard's runs print; one after the other, if it was run again."""
    return folder / "logs" / f"shard-{shard}.out"


def batch_script(request: Request, shards: Sequence[int], cards: int) -> str:
    """
    Return the script that runs these shards, each on as many cards.

    UsageProblem for a text that would end a line of it.
    """
    words = (request.folder, request.working_folder, request.gres or "", *request.sbatch)
    if any("\n" in word or "\r" in word for word in (request.name, *words)):
        raise UsageProblem("a line break can't stand in an option of sbatch")
    if "%" in request.folder or "%" in request.working_folder:
        raise UsageProblem(
            "Slurm would read the % in this path as a part of the job's number",
            where=request.folder,
        )
    folder = Path(request.folder)
    options = [
        f"--job-name={request.name}",
        f"--array={','.join(map(str, shards))}",
        f"--output={folder}/logs/shard-%a.out",
        "--open-mode=append",
        "--requeue",
        f"--nodes={request.nodes}",
        "--ntasks-per-node=1",
        f"--chdir={request.working_folder}",
    ]
    if not request.share_nodes:
        options.append("--exclusive")
    if request.gres and (":" in request.gres or cards):
        of_them = request.gres if ":" in request.gres else f"{request.gres}:{cards}"
        options.append(f"--gres={of_them}")
    lines = [f"#SBATCH {_option(option)}" for option in (*options, *request.sbatch)]
    command = " ".join(map(shlex.quote, (request.python, "-m", "pytest", *request.pytest)))
    own = f"--shard={SHARD}/{shlex.quote(str(folder / 'plan.json'))}"
    evidence = f"--evidence={shlex.quote(str(folder))}/shard-{SHARD}"
    leases = [f"export PYTEST_ERNIE_LEASES={shlex.quote(request.leases)}"] if request.leases else []
    return "\n".join(
        [
            "#!/bin/bash",
            *lines,
            'echo "shard $SLURM_ARRAY_TASK_ID on $SLURM_JOB_NODELIST, start ${SLURM_RESTART_COUNT:-0}"',
            *(HOSTS.splitlines() if request.nodes > 1 else ()),
            *leases,
            f"exec {command} {own} {evidence}",
            "",
        ]
    )


def _option(text: str) -> str:
    """Quote what stands behind an option's sign of equality, as sbatch reads its lines."""
    name, sign, value = text.partition("=")
    if sign and (" " in value or "#" in value):
        return f'{name}="{value}"'
    return text
