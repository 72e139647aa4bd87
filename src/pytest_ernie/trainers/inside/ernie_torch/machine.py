"""
The device that PyTorch computes on, by its name, so that a chip's plugin is enough.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import torch

from .job import Job, JobError

GIB = 2**30
BACKENDS = {"cpu": "gloo", "cuda": "nccl", "npu": "hccl", "xpu": "xccl", "hpu": "hccl"}
"""What gradients are added up with, where there are several processes."""
PROBE = 256
"""Rows and columns of the product that tells its precision: as large as takes the fast units."""
MANTISSA = 24
"""Bits of float32, the one that isn't stored included."""


class Machine:
    """One process's device, and what it tells of its memory."""

    def __init__(self, job: Job, rank: int) -> None:
        if job.plugin:
            try:
                importlib.import_module(job.plugin)
            except ImportError as problem:
                raise JobError(f"{job.plugin} can't be imported: {problem}") from None
        if job.device != "cpu":
            self._require(job)
        self.kind = job.device
        self.rank, self.processes = rank, job.processes
        self.device = torch.device("cpu" if job.device == "cpu" else f"{job.device}:{rank}")
        self._module: Any = getattr(torch, job.device) if job.device != "cpu" else None
        if self._module is not None:
            self._module.set_device(self.device)
        self._compute_as_told(job)

    @staticmethod
    def _require(job: Job) -> None:
        module = getattr(torch, job.device, None)
        if module is None or not module.is_available():
            raise JobError(
                f"this PyTorch {torch.__version__} has no device {job.device}"
                + (f" (with {job.plugin})" if job.plugin else "")
            )
        if module.device_count() < job.processes:
            raise JobError(
                f"{job.processes} cards are asked for, PyTorch sees {module.device_count()}"
            )

    def _compute_as_told(self, job: Job) -> None:
        torch.backends.cuda.matmul.allow_tf32 = job.tf32
        torch.backends.cudnn.allow_tf32 = job.tf32
        if job.deterministic:
            # Only warns where a kernel has no such version: the run is to be seen, not refused.
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.utils.deterministic.fill_uninitialized_memory = False
        torch.manual_seed(job.seed)

    @property
    def name(self) -> str:
        """Return the chip's name, as its driver tells it."""
        if self._module is None:
            return "CPU"
        return str(self._module.get_device_name(self.device))

    def wait(self) -> None:
        """Wait until the device has done what it was given."""
        if self._module is not None:
            self._module.synchronize()

    def memory_peak(self) -> dict[str, int]:
        """Return the most bytes that were allocated and reserved; empty on a CPU."""
        found = {}
        for name in ("max_memory_allocated", "max_memory_reserved"):
            read = getattr(self._module, name, None)
            if read is not None:
                found[name] = int(read(self.device))
        return found

    def random_state(self) -> dict[str, torch.Tensor]:
        """Return the state of PyTorch's random numbers, the host's and the device's."""
        state = {"host": torch.get_rng_state()}
        if self._module is not None:
            state["device"] = self._module.get_rng_state(self.device)
        return state

    def restore_random(self, state: dict[str, torch.Tensor]) -> None:
        """Take over what ``random_state`` returned."""
        torch.set_rng_state(state["host"])
        if self._module is not None:
            self._module.set_rng_state(state["device"], self.device)

    def product_bits(self, dtype: torch.dtype) -> int:
        """
        Return how many bits of its numbers a matrix product keeps: float32 24, TF32 11, bfloat16 8.

        No setting is believed: 1 + 2^-1, 1 + 2^-2, ... are multiplied by one, and what comes back counts.
        """
        finer = torch.arange(PROBE, device=self.device) % MANTISSA + 1
        given = torch.diag(1 + torch.exp2(-finer.float())).to(dtype)
        one = torch.eye(PROBE, dtype=dtype, device=self.device)
        product = torch.nn.functional.linear(given, one).diagonal().double()
        kept = (product - 1 == torch.exp2(-finer.double()))[:MANTISSA].tolist()
        return 1 + (kept.index(False) if False in kept else MANTISSA)

    def join(self, rendezvous: str) -> None:
        """Find the other processes; they meet at a file, so no port is opened for it."""
        if self.processes == 1:
            return
        # Both libraries would take the interface of the host's name.
        for library in ("GLOO", "NCCL"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", "lo")
        torch.distributed.init_process_group(
            BACKENDS.get(self.kind, self.kind),
            init_method=f"file://{rendezvous}",
            rank=self.rank,
            world_size=self.processes,
        )

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes, in place."""
        if self.processes > 1:
            torch.distributed.all_reduce(value)
            value /= self.processes
        return value

    def leave(self) -> None:
        """Part from the other processes."""
        if self.processes > 1:
            torch.distributed.destroy_process_group()
