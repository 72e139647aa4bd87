"""
What the suite asks of a trainer: run one recipe, and say how it went.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard.model import Recipe
from pytest_ernie.toolchains.toolchain import Toolchain


class TrainingJob(Struct, frozen=True, kw_only=True):
    """
    One run: what to train, on what data, on which cards.
    """

    recipe: Recipe
    checkpoint: str
    """Folder of the weights to start from."""
    data: str
    """jsonl, a line a sample: ``{"src": [...], "tgt": [...]}``."""
    workdir: str
    """An empty folder for logs and outputs."""
    paddle_device: str
    """Paddle's name of the device: cpu, gpu, xpu, npu, ..."""
    cards: tuple[str, ...]
    """Ids of the cards, as the visible-devices variable takes them."""
    visible_variable: str | None
    threads: int | None
    """Threads of the processor, None for the library's own choice."""


class TrainingOutcome(Struct, frozen=True, kw_only=True):
    """
    How a run ended; its numbers are in its log.
    """

    exit_code: int
    log: str
    """Path of the raw log, stdout and stderr together."""
    started_unix_s: float
    ended_unix_s: float
    command: tuple[str, ...]
    environment: dict[str, str]
    """The variables that the suite set, and no others."""
    config: str
    """The configuration file's text."""
    cause: str | None
    """Why it failed, in one line; None on exit code 0."""


class Trainer(Protocol):
    """Runs training jobs."""

    @property
    def name(self) -> str: ...

    def run(
        self, job: TrainingJob, toolchain: Toolchain, progress: Progress = silent
    ) -> TrainingOutcome:
        """Run the job to its end, whatever the end; TrainerError if it can't even be tried."""
        ...
