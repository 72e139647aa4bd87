"""
The steps, and a line about each in the words of PaddleFormers' log.
"""

from __future__ import annotations

import hashlib
import math
import struct
import sys
import time
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from . import checkpoints, losses, model, schedule
from .job import Job, JobError
from .machine import GIB, Machine
from .optimiser import Optimiser
from .samples import Encode, Sample, micro_batches, read_conversations, stream

SAVING = "Saving model checkpoint to"
"""What PaddleFormers says, too: whoever reads the log takes the step after it for one that waited."""


def train(rank: int, job: Job, rendezvous: str) -> None:
    """Train by the job as process ``rank`` of its processes; only the first one tells of it."""
    machine = Machine(job, rank)
    tell = _Log(rank)
    tell(f"PyTorch {torch.__version__} on {machine.name}, {machine.device}")
    machine.join(rendezvous)
    try:
        _train(job, machine, tell)
    finally:
        # Also where memory ran out: then it is the figure that is asked for.
        for name, peak in machine.memory_peak().items():
            tell(f"{name}_bytes: {peak}")
    machine.leave()


def _train(job: Job, machine: Machine, tell: _Log) -> None:
    net = model.load(job, machine.device)
    causal = net.get_base_model() if job.method == "sft_lora" else net
    optimiser = Optimiser(net, job, machine)
    tell(f"{optimiser.trained:,} weights learn, {job.accumulation} micro batches a step")
    conversations = read_conversations(Path(job.data))
    samples = stream(conversations, tokenizer(job.checkpoint), job.sequence_length, job.seed)
    steps = micro_batches(
        samples,
        size=job.micro_batch,
        accumulation=job.accumulation,
        processes=job.processes,
        rank=machine.rank,
    )
    done = 0
    if job.resume_from:
        done = checkpoints.restore(job, optimiser, machine)
        tell(f"going on from the checkpoint of step {done}")
    left = islice(steps, done, None)
    machine.wait()
    before_s = time.perf_counter()
    for step in range(done + 1, job.steps + 1):
        loss = _step(job, machine, causal, next(left))
        norm = optimiser.step(schedule.learning_rate(job, step))
        machine.wait()
        now_s = time.perf_counter()
        bits = machine.product_bits(causal.dtype)
        tell(step_line(job, step, loss, now_s - before_s, norm, machine.memory_peak(), bits))
        before_s = now_s
        if not math.isfinite(loss):
            raise JobError(f"the loss of step {step} is {loss}")
        if checkpoints.is_due(job, step):
            tell(f"{SAVING} {checkpoints.folder_of(job, step).name}")
            checkpoints.save(job, step, optimiser, machine)


def _step(job: Job, machine: Machine, causal: Any, step: list[list[Sample]]) -> float:
    """Add up the gradients of a step's micro batches; return their mean loss over all processes."""
    total = torch.zeros((), device=machine.device)
    for micro_batch in step:
        ids, labels = losses.padded(micro_batch, machine.device)
        hidden = causal.model(input_ids=ids, use_cache=False).last_hidden_state
        loss = losses.mean_loss(hidden, causal.lm_head, labels, job.loss_chunk_tokens)
        loss.backward()
        total += loss.detach() / len(step)
    return float(machine.mean(total))


def step_line(
    job: Job,
    step: int,
    loss: float,
    runtime_s: float,
    norm: float,
    memory: dict[str, int],
    product_bits: int,
) -> str:
    """
    Return what PaddleFormers would say of a step, memory in GiB included, and what its products keep.

    The tokens per second are nominal: padding counts, and every sample is as long as the longest may be.
    """
    samples_per_s = job.global_batch / runtime_s
    values = {
        "loss": f"{loss:.8f}",
        "learning_rate": f"{schedule.learning_rate(job, step + 1):.3e}",
        "global_step": step,
        "loss_md5": hashlib.md5(struct.pack("<f", loss), usedforsecurity=False).hexdigest(),
        "interval_runtime": f"{runtime_s:.4f}",
        "interval_samples_per_second": f"{samples_per_s:.4f}",
        "interval_tokens_per_second_per_device": (
            f"{samples_per_s * job.sequence_length / job.processes:.4f}"
        ),
        "interval_steps_per_second": f"{1 / runtime_s:.4f}",
        "gradient_norm": f"{norm:.6g}",
        **{name: f"{value / GIB:.4f}" for name, value in memory.items()},
        "matrix_product_bits": product_bits,
    }
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def tokenizer(checkpoint: str) -> Encode:
    """Return what makes ids of a text, special tokens written in it included."""
    file = Path(checkpoint) / "tokenizer.json"
    if file.is_file():
        from tokenizers import Tokenizer

        fast = Tokenizer.from_file(str(file))
        return lambda text: list(fast.encode(text, add_special_tokens=False).ids)
    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True)
    return lambda text: list(slow.encode(text, add_special_tokens=False))


class _Log:
    """Lines on stdout, with PaddleFormers' head; other processes than the first are silent."""

    def __init__(self, rank: int) -> None:
        self._silent = rank > 0

    def __call__(self, text: str) -> None:
        if self._silent:
            return
        now = datetime.now(tz=timezone.utc).astimezone()
        stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}"
        sys.stdout.write(f"[{stamp}] [    INFO] - {text}\n")
        sys.stdout.flush()
