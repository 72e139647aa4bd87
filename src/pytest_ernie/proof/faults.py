"""
Faults to plant on a real machine: trainers and engines that do something else than they are told.

A pytest plugin (``-p pytest_ernie.proof.faults``). Recipe, configuration and launch line in the evidence are
those of an honest run: the suite has to see the fault by what was measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.engines.protocol import Launch
from pytest_ernie.engines.transformers import INSIDE, Transformers
from pytest_ernie.registry import Registry
from pytest_ernie.toolchains import Toolchain
from pytest_ernie.trainers.protocol import TrainingJob, TrainingOutcome
from pytest_ernie.trainers.transformers import TransformersTrainer

LIMITED = Path(__file__).with_name("inside")
BATCH = "3"
"""Requests at once; one H200 held the limits with five to nine, by the processor of its host."""


class OtherTraining(TransformersTrainer):
    """Trains by a changed job, and shows the configuration of the one it was given."""

    def __init__(self, change: Callable[[TrainingJob], TrainingJob]) -> None:
        self._change = change

    def run(self, job: TrainingJob, toolchain: Toolchain, *rest: Any) -> TrainingOutcome:
        honest = self.preview(
            job, python=toolchain.python, version=None, site_environment=toolchain.env
        )
        outcome = super().run(self._change(job), toolchain, *rest)
        return msgspec.structs.replace(outcome, config=honest.config)


def _recipe(job: TrainingJob, **changes: Any) -> TrainingJob:
    return msgspec.structs.replace(job, recipe=msgspec.structs.replace(job.recipe, **changes))


def higher_rate(job: TrainingJob) -> TrainingJob:
    """A learning rate that is a tenth too high."""
    return _recipe(job, learning_rate=job.recipe.learning_rate * 1.1)


def bfloat16(job: TrainingJob) -> TrainingJob:
    """Everything in bfloat16."""
    return _recipe(job, precision="bfloat16")


def tf32(job: TrainingJob) -> TrainingJob:
    """Matrix products of float32 in TF32, which keeps 11 bits of 24."""
    return msgspec.structs.replace(job, settings={**job.settings, "tf32": True})


class SmallBatch(Transformers):
    """Answers at most three requests at once, whatever the machine can."""

    def start(self, launch: Launch, *, toolchain: Toolchain | None, **more: Any) -> Any:
        assert toolchain is not None
        planted = {
            "PYTHONPATH": os.pathsep.join((str(INSIDE), str(LIMITED))),
            "ERNIE_PLANTED_BATCH": BATCH,
        }
        changed = msgspec.structs.replace(toolchain, env=toolchain.env | planted)
        return super().start(launch, toolchain=changed, **more)


class Unquantized(Transformers):
    """Serves the weights as they were before they were quantized."""

    def start(self, launch: Launch, **more: Any) -> Any:
        plain = launch.checkpoint.removesuffix("-int8")
        changed = msgspec.structs.replace(launch, checkpoint=plain, datatype="bf16")
        return super().start(changed, **more)


TRAINING = {"learning-rate": higher_rate, "bfloat16": bfloat16, "tf32": tf32}
SERVING: dict[str, Callable[[], Transformers]] = {
    "small-batch": SmallBatch,
    "unquantized": Unquantized,
}
ASKED = {
    **dict.fromkeys(TRAINING, "loss"),
    "small-batch": "throughput and inference",
    "unquantized": "datatype",
}
"""Fault -> markers of the criteria that have to show it."""


def pytest_ernie_register(registry: Registry) -> None:
    """Add them under the names of their faults."""
    for name, change in TRAINING.items():
        registry.trainer(name, partial(OtherTraining, change))
    for name, engine in SERVING.items():
        registry.engine(name, engine)
