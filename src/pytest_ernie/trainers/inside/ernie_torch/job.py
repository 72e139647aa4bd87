"""
The job as the adapter writes it: one JSON object, nothing in it optional, nothing unknown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, get_type_hints


class JobError(Exception):
    """The job can't be run as it is; its text says why."""


@dataclass(frozen=True)
class Job:
    """One training run: what the recipe says, and how this machine computes it."""

    checkpoint: str
    data: str
    method: str
    steps: int
    sequence_length: int
    micro_batch: int
    global_batch: int
    learning_rate: float
    min_learning_rate: float
    schedule: str
    warmup_steps: int
    weight_decay: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    max_grad_norm: float
    seed: int
    precision: str
    lora_rank: int
    """0 for full fine-tuning."""
    lora_start: str
    """File of the adapter to start from; empty: drawn as PaddlePaddle draws it on a CPU."""
    device: str
    """PyTorch's name: cpu, cuda, npu, xpu, ..."""
    plugin: str
    """Module whose import teaches PyTorch the device; empty if none is needed."""
    processes: int
    """Copies of the model, one on each card."""
    tf32: bool
    deterministic: bool
    gradient_checkpointing: bool
    loss_chunk_tokens: int
    """Tokens whose logits exist at once."""
    attention: str
    """PyTorch's implementation: sdpa, eager, or what the device's plugin adds."""
    output: str
    """Folder of the checkpoints."""
    checkpoint_steps: int
    """Steps between checkpoints; 0: none are written."""
    resume_from: str
    """A checkpoint to go on from; empty: the run begins with step 1."""

    @property
    def accumulation(self) -> int:
        """Return the micro batches that each process adds up for a step."""
        return self.global_batch // (self.micro_batch * self.processes)


def read_job(text: str) -> Job:
    """Return the job; JobError names the first thing that is missing, unknown or of a wrong type."""
    try:
        raw = json.loads(text)
    except ValueError as problem:
        raise JobError(f"the job is no JSON: {problem}") from None
    if not isinstance(raw, dict):
        raise JobError("the job is no JSON object")
    types = get_type_hints(Job)
    names = [field.name for field in fields(Job)]
    for name in names:
        if name not in raw:
            raise JobError(f"the job has no {name}")
    for name in raw:
        if name not in names:
            raise JobError(f"the job has an unknown {name}")
    job = Job(**{name: _typed(name, raw[name], types[name]) for name in names})
    _check(job)
    return job


def _typed(name: str, value: Any, wanted: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise JobError(f"{name} is {value!r}, no {wanted.__name__}")
    return value


def _check(job: Job) -> None:
    known = {
        "method": ("sft", "sft_lora"),
        "schedule": ("constant", "linear", "cosine"),
        "precision": ("float32", "bfloat16"),
    }
    for name, choices in known.items():
        if getattr(job, name) not in choices:
            raise JobError(f"{name} is {getattr(job, name)!r}, none of {', '.join(choices)}")
    counts = ("steps", "sequence_length", "micro_batch", "global_batch", "processes")
    for name in (*counts, "loss_chunk_tokens"):
        if getattr(job, name) < 1:
            raise JobError(f"{name} is {getattr(job, name)}, at least 1 is needed")
    if job.checkpoint_steps < 0:
        raise JobError(f"checkpoint_steps is {job.checkpoint_steps}")
    if (job.method == "sft_lora") != (job.lora_rank > 0):
        raise JobError(f"lora_rank {job.lora_rank} doesn't fit {job.method}")
    if job.global_batch % (job.micro_batch * job.processes):
        raise JobError(
            f"global_batch {job.global_batch} is no multiple of micro_batch {job.micro_batch} x "
            f"{job.processes} processes"
        )
