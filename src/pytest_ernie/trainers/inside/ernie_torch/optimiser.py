"""
AdamW as PaddleFormers sets it up, over fp32 weights whatever the model computes in.

Weights in bf16 have an fp32 master copy, and their gradients are added up in fp32 (amp_master_grad).
"""

from __future__ import annotations

from typing import Any

import torch

from .job import Job
from .machine import Machine

UNDECAYED = ("bias", "norm")
"""A weight whose name holds one of these isn't decayed."""


class Optimiser:
    """Holds the weights that learn, adds up their gradients, and takes steps."""

    def __init__(self, model: torch.nn.Module, job: Job, machine: Machine) -> None:
        self._machine = machine
        self._accumulation = job.accumulation
        self._largest_norm = job.max_grad_norm
        learning = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self._masters = {name: _master(p) for name, p in learning}
        self._copies = [(p, self._masters[name]) for name, p in learning if _is_copied(p)]
        for parameter, master in self._copies:
            parameter.register_post_accumulate_grad_hook(_handing_over(master))
        groups = [
            {"params": self._named(decayed), "weight_decay": job.weight_decay if decayed else 0.0}
            for decayed in (True, False)
        ]
        self._adam = torch.optim.AdamW(
            groups,
            lr=job.learning_rate,
            betas=(job.adam_beta1, job.adam_beta2),
            eps=job.adam_epsilon,
        )

    def _named(self, decayed: bool) -> list[torch.Tensor]:
        return [
            master
            for name, master in self._masters.items()
            if decayed != any(word in name for word in UNDECAYED)
        ]

    @property
    def trained(self) -> int:
        """Return how many numbers learn."""
        return sum(master.numel() for master in self._masters.values())

    def step(self, learning_rate: float) -> float:
        """
        Take a step along the mean gradient of micro batches and processes, clipped; return its norm.

        Clipped as Paddle clips: by limit / max(norm, limit), with nothing added to the norm.
        """
        gradients = [m.grad for m in self._masters.values() if m.grad is not None]
        for gradient in gradients:
            self._machine.mean(gradient)
        if self._accumulation > 1:
            torch._foreach_mul_(gradients, 1.0 / self._accumulation)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        limit = torch.tensor(self._largest_norm, device=norm.device)
        torch._foreach_mul_(gradients, limit / torch.maximum(norm, limit))
        for group in self._adam.param_groups:
            group["lr"] = learning_rate
        self._adam.step()
        self._hand_down()
        self._adam.zero_grad(set_to_none=True)
        return float(norm)

    def state(self) -> dict[str, Any]:
        """Return weights and moments, as ``restore`` takes them."""
        weights = {name: master.detach() for name, master in self._masters.items()}
        return {"weights": weights, "adam": self._adam.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what ``state`` returned; KeyError, ValueError or RuntimeError where it doesn't fit."""
        weights = state["weights"]
        if weights.keys() != self._masters.keys():
            raise ValueError(f"{len(weights)} by name, {len(self._masters)} learn")
        with torch.no_grad():
            for name, master in self._masters.items():
                master.copy_(weights[name])
        self._hand_down()
        self._adam.load_state_dict(state["adam"])

    def _hand_down(self) -> None:
        """Give the model what its fine weights have become."""
        with torch.no_grad():
            for parameter, master in self._copies:
                parameter.copy_(master)


def _is_copied(parameter: torch.Tensor) -> bool:
    return bool(parameter.dtype != torch.float32)


def _master(parameter: torch.Tensor) -> torch.Tensor:
    if not _is_copied(parameter):
        return parameter
    return parameter.detach().float().clone().requires_grad_()


def _handing_over(master: torch.Tensor):  # type: ignore[no-untyped-def]  # a hook's type is PyTorch's own
    def hand_over(parameter: torch.Tensor) -> None:
        gradient = parameter.grad
        assert gradient is not None
        if master.grad is None:
            master.grad = gradient.float()
        else:
            master.grad += gradient
        parameter.grad = None

    return hand_over
