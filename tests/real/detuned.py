"""
A plugin with planted faults that no configuration shows: below the recipe, below the launch line.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.engines.vllm import Vllm
from pytest_ernie.registry import Registry
from pytest_ernie.trainers.erniekit import ErnieKitTrainer
from pytest_ernie.trainers.protocol import TrainingJob, TrainingOutcome


class TooFast(ErnieKitTrainer):
    """Trains with a learning rate that is a tenth too high, and says nothing of it."""

    def __init__(self) -> None:
        super().__init__("paddleformers-cli")

    def run(self, job: TrainingJob, *rest: Any, **more: Any) -> TrainingOutcome:
        rate = job.recipe.learning_rate * 1.1
        recipe = msgspec.structs.replace(job.recipe, learning_rate=rate)
        return super().run(msgspec.structs.replace(job, recipe=recipe), *rest, **more)


class Unquantized(Vllm):
    """Serves bf16 whatever data type is asked for."""

    def start(self, launch: Launch, **more: Any) -> Server:
        return super().start(msgspec.structs.replace(launch, datatype="bf16"), **more)


def pytest_ernie_register(registry: Registry) -> None:
    registry.trainer("too-fast", TooFast)
    registry.engine("unquantized", Unquantized)
