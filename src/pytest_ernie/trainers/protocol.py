"""
What a trainer is asked and what it answers, whichever front end does the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard.recipe import Recipe
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.hosts import ONE, Hosts
from pytest_ernie.trainers.layouts import Layout
from pytest_ernie.trainers.step_line import Step

LOG = "train.log"
"""Name of the log in the work folder, so that a run that was killed leaves it where it is looked for."""
OUTPUT = "output"
"""Folder for checkpoints in the work folder, ``checkpoint-STEP`` each."""


class Enough(Exception):
    """Raised by whoever watches a run, to end it; its text is the reason."""


Watch = Callable[[Step], None]
"""Told of every step as soon as the log shows it; may raise ``Enough``."""


class TrainingJob(msgspec.Struct, frozen=True, kw_only=True):
    """One training run: the recipe, what it starts from, and the cards it may use."""

    recipe: Recipe
    checkpoint: str
    """Folder of the base model."""
    data: str
    """JSON lines, ``{"src": [...], "tgt": [...]}`` each."""
    workdir: str
    """Empty folder for the configuration, the log and whatever the trainer writes."""
    paddle_device: str
    """PaddlePaddle's name of the device: cpu, gpu, xpu, npu, iluvatar_gpu, ..."""
    cards: tuple[str, ...] = ()
    """Ids of the cards, as ``visible_variable`` takes them; empty on a CPU."""
    visible_variable: str | None = None
    """Which variable shows cards to a process, such as CUDA_VISIBLE_DEVICES."""
    threads: int | None = None
    """OMP_NUM_THREADS; None leaves it to the trainer."""
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    multimodal: bool = False
    """The model takes images, and the data may hold some."""
    micro_batch: int | None = None
    """Samples at once on a replica; None: the recipe's."""
    settings: dict[str, str | int | float | bool] = {}
    """What the chip needs besides (recompute, sharding); may not touch what the recipe says."""
    watch: Watch | None = None
    """Who is told of each step. A trainer that can't tell leaves it be, and runs to the end."""
    checkpoint_steps: int | None = None
    """Steps between the checkpoints that a restart may go on from; None: none are written."""
    resume_from: str | None = None
    """A checkpoint of an earlier attempt to go on from."""
    hosts: Hosts = ONE
    """Each has as many cards as this one."""
    device_environment: dict[str, str] = {}
    """Variables that the chip's documents ask for; the site's own come after them."""

    @property
    def layout(self) -> Layout:
        """How the model is split over the cards."""
        return Layout(
            tensor_parallel=self.tensor_parallel,
            pipeline_parallel=self.pipeline_parallel,
            micro_batch=self.micro_batch,
        )

    @property
    def all_cards(self) -> int:
        """Cards of all hosts; a CPU counts as one."""
        return max(1, len(self.cards)) * self.hosts.count


class TrainingOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run left behind; whether it is good isn't said here."""

    exit_code: int
    log: str
    """Path of the log, stdout and stderr together."""
    started_unix_s: float
    ended_unix_s: float
    command: tuple[str, ...]
    environment: dict[str, str]
    """Every variable the trainer saw, except who the user is and where their home lies."""
    config: str
    """Text of the YAML file."""
    cause: str | None
    """Why it failed, in one line; None if it exited with 0."""
    lora_start: str | None = None
    """Digest of the adapter that LoRA was given to start from; None: the trainer drew its own."""
    worker_logs: dict[str, str] = {}
    """Paths of each worker's own log by its name, as far as this host sees them."""


class TrainingPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a trainer would be started with."""

    config: str
    """Text of the configuration file."""
    command: tuple[str, ...]
    environment: dict[str, str]
    """Variables that are set besides those that are inherited."""
    starts: str
    """The line that the front end makes of it."""
    file: str = "train.yaml"
    """Where the configuration lies in the run's folder."""
    links: str = "model"
    """Where links to the checkpoint's files lie in it; empty if it is read where it is."""


@runtime_checkable
class Previews(Protocol):
    """A trainer that can show what it would run without running it."""

    def preview(
        self,
        job: TrainingJob,
        *,
        python: str,
        version: str | None,
        site_environment: Mapping[str, str] | None = None,
    ) -> TrainingPreview:
        """Return configuration, command and environment; TrainerError as for a real run."""
        ...


class TokenCount(msgspec.Struct, frozen=True, kw_only=True):
    """What the samples of a data set truly hold, after they were cut to the sequence length."""

    total: int
    per_sample: tuple[int, ...]
    """Tokens of each sample, those of the chat template included, padding not."""


class Trainer(Protocol):
    """Trains a model by a recipe in a toolchain."""

    @property
    def name(self) -> str:
        """Return the name that a site file uses."""
        ...

    def count_tokens(
        self, toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
    ) -> TokenCount:
        """Count the tokens that a run over this data would train on."""
        ...

    def run(
        self, job: TrainingJob, toolchain: Toolchain, progress: Progress = silent
    ) -> TrainingOutcome:
        """
        Run the job to its end, well or badly, or until the job's ``watch`` has had enough.

        TrainerError if the job can't even be tried; a run that fails is an outcome with a cause.
        """
        ...
