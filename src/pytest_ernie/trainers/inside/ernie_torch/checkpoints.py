"""
Checkpoints: all that another process needs to go on as if nothing had happened.

That is the weights that learn, the optimizer's moments, the state of the random numbers, and the job. The
place in the data and the learning rate follow from the step. Replicas are copies of each other, so the
first one's will do.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import torch

from .job import Job, JobError
from .machine import Machine
from .optimiser import Optimiser

STATE, JOB = "state.pt", "job.json"
NAME = "checkpoint-"
UNFINISHED = ".part"
KEPT = 2
"""The machine may die while the later one is written."""
ITS_OWN = ("checkpoint", "data", "output", "lora_start", "checkpoint_steps", "resume_from")
"""Fields of a job that may change between two attempts: where things lie, and what is kept."""


def is_due(job: Job, step: int) -> bool:
    """Tell whether a checkpoint is to be written after that step; after the last one it serves nobody."""
    return bool(job.checkpoint_steps) and step % job.checkpoint_steps == 0 and step < job.steps


def folder_of(job: Job, step: int) -> Path:
    """Return where the checkpoint of a step lies."""
    return Path(job.output) / f"{NAME}{step}"


def save(job: Job, step: int, optimiser: Optimiser, machine: Machine) -> None:
    """Write the checkpoint of a step; it bears its name only when it is whole. Older ones are removed."""
    if machine.rank:
        return
    whole = folder_of(job, step)
    part = whole.with_name(whole.name + UNFINISHED)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    state = {"step": step, "random": machine.random_state(), **optimiser.state()}
    with (part / STATE).open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    (part / JOB).write_text(json.dumps(_lasting(job)), encoding="utf-8")
    shutil.rmtree(whole, ignore_errors=True)
    part.rename(whole)
    for older in _written(job)[:-KEPT]:
        shutil.rmtree(older, ignore_errors=True)


def restore(job: Job, optimiser: Optimiser, machine: Machine) -> int:
    """
    Take over the checkpoint that the job goes on from; return its step.

    JobError if it can't be read, is another job's, or holds other weights.
    """
    folder = Path(job.resume_from)
    try:
        before = json.loads((folder / JOB).read_text(encoding="utf-8"))
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except (OSError, ValueError, RuntimeError) as problem:
        raise JobError(f"the checkpoint {folder.name} can't be read: {problem}") from None
    now = _lasting(job)
    if other := [name for name in now if before.get(name) != now[name]]:
        raise JobError(f"the checkpoint {folder.name} is another job's: {', '.join(other)} differ")
    try:
        optimiser.restore(state)
        machine.restore_random(state["random"])
        return int(state["step"])
    except (KeyError, ValueError, RuntimeError) as problem:
        raise JobError(f"the checkpoint {folder.name} holds other weights: {problem}") from None


def _lasting(job: Job) -> dict[str, object]:
    return {name: value for name, value in asdict(job).items() if name not in ITS_OWN}


def _written(job: Job) -> list[Path]:
    """Return the whole checkpoints, the oldest first."""
    steps = [
        (int(number), folder)
        for folder in Path(job.output).glob(f"{NAME}*")
        if (number := folder.name.removeprefix(NAME)).isdigit()
    ]
    return [folder for _, folder in sorted(steps)]
