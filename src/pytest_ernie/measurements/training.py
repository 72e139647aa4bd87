"""
Training measurements: the 500-step run that loss and throughput share, and the runs at a length.
"""

from __future__ import annotations

import math
import os
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from msgspec import Struct

from pytest_ernie.errors import TrainerError
from pytest_ernie.evidence import Record, Recording, Store, Subject, What
from pytest_ernie.measurements.equipment import SCRATCH, Equipment
from pytest_ernie.measurements.training_setup import Setup, setup_of
from pytest_ernie.standard import Recipe
from pytest_ernie.trainers.curve import Curve, read_curve
from pytest_ernie.trainers.data import data_digest, without_pictures
from pytest_ernie.trainers.protocol import TokenCount, TrainingJob, TrainingOutcome

UNCUT = 2**31 - 1
"""A sequence length that cuts nothing."""


class TrainingPlan(Struct, frozen=True, kw_only=True):
    """
    A training run. ``length`` is None for the 500-step run; otherwise every sample is filled to
    ``recipe.sequence_length`` tokens, which stands for ``length`` tokens of the standard.
    """

    edition: str
    recipe: Recipe
    length: int | None = None
    multimodal: bool = False

    def setup(self, equipment: Equipment) -> Setup:
        """Return layout, cards and hosts; SiteError where the site file lacks something."""
        return setup_of(
            self.recipe,
            length=self.length or self.recipe.sequence_length,
            device=equipment.device.kind,
            site=equipment.site,
            cards=equipment.cards,
            environment=os.environ,
        )

    @property
    def what(self) -> What:
        """Key by model, method, length and the digest of the recipe."""
        return What(
            kind="training.run" if self.length is None else "training.context",
            edition=self.edition,
            model=self.recipe.model,
            method=self.recipe.method,
            length=self.length,
            recipe=self.recipe.digest,
        )

    def subject(self, equipment: Equipment) -> Subject:
        """Device, the trainer's installed files, weights, training data, cards and their layout."""
        setup = self.setup(equipment)
        return Subject(
            device=equipment.device_facts,
            toolchain=equipment.trainer_toolchain.digest,
            checkpoint=equipment.weights_digest(self.recipe.model),
            launch={
                "trainer": equipment.trainer.name,
                "training_data": equipment.training_data_digest(self.recipe.model),
                "cards": setup.cards,
                "threads": equipment.site.threads,
                **setup.key,
            },
        )

    @property
    def timed(self) -> bool:
        """Tokens per second are counted in the 500-step run; at a length only the loss is."""
        return self.length is None

    def equipped(self, equipment: Equipment) -> AbstractContextManager[None]:
        """Hold all of the site's cards until the run has ended."""
        checkpoint = equipment.checkpoint(self.recipe.model)
        return equipment.holdings.for_training(self.what.title, checkpoint)

    def make_ready(self, equipment: Equipment) -> None:
        """Do nothing: the trainer is part of what is measured."""

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Run the trainer, keep its log, and count the tokens that its samples really hold."""
        workdir = equipment.settings.evidence / SCRATCH / recording.id
        workdir.mkdir(parents=True)
        setup = self.setup(equipment)
        layout = setup.recorded(self.recipe)
        toolchain = equipment.trainer_toolchain
        checkpoint = equipment.checkpoint(self.recipe.model)
        data = self._data(equipment, workdir)
        tokens = equipment.trainer.count_tokens(
            toolchain, checkpoint, data, sequence_length=self.recipe.sequence_length
        )
        job = TrainingJob(
            recipe=self.recipe,
            checkpoint=str(checkpoint),
            data=str(data),
            workdir=str(workdir),
            paddle_device=equipment.device.paddle_name,
            cards=setup.cards,
            visible_variable=equipment.device.visible_variable,
            threads=equipment.site.threads,
            multimodal=self.multimodal,
            tensor_parallel=setup.layout.tensor_parallel,
            pipeline_parallel=setup.layout.pipeline_parallel,
            micro_batch=setup.layout.micro_batch,
            settings=setup.layout.settings,
            hosts=setup.hosts,
            device_environment=setup.environment,
        )
        outcome = equipment.trainer.run(job, toolchain, equipment.progress)
        recording.blob("sample tokens", msgspec.json.encode(tokens.per_sample))
        self._keep(outcome, recording)
        recording.finish(
            {
                "exit_code": outcome.exit_code,
                "cause": outcome.cause,
                "command": outcome.command,
                "environment": outcome.environment,
                "started_unix_s": outcome.started_unix_s,
                "ended_unix_s": outcome.ended_unix_s,
                "cards": setup.all_cards,
                "layout": layout,
                "samples": len(tokens.per_sample),
                "tokens": tokens.total,
                "sample_tokens_min": min(tokens.per_sample),
                **_filling(tokens, self.recipe.sequence_length),
                "training_data_sha256": data_digest(data),
                "recipe": self.recipe.identity,
            }
        )
        shutil.rmtree(workdir, ignore_errors=True)

    def _data(self, equipment: Equipment, workdir: Path) -> Path:
        data = equipment.training_data(self.recipe.model)
        if self.length is None:
            return data
        from pytest_ernie.trainers.long_samples import write_long_samples

        if self.multimodal:
            data = without_pictures(data, workdir / "texts.jsonl")
        sizes = equipment.trainer.count_tokens(
            equipment.trainer_toolchain,
            equipment.checkpoint(self.recipe.model),
            data,
            sequence_length=UNCUT,
        ).per_sample
        return write_long_samples(
            data,
            sizes,
            workdir / "long.jsonl",
            tokens=self.recipe.sequence_length,
            samples=self.recipe.steps * self.recipe.global_batch,
        )

    @staticmethod
    def _keep(outcome: TrainingOutcome, recording: Recording) -> None:
        """
        Keep log and configuration, and refuse a run that died before it could show anything.

        A run that died of a loss that is no number has shown what it can: that is a result.
        """
        log = Path(outcome.log)
        recording.blob("log", log)
        recording.blob("config", outcome.config.encode())
        for name, path in outcome.worker_logs.items():
            recording.blob(name, Path(path))
        if outcome.exit_code == 0:
            return
        curve = read_curve(log.read_bytes())
        if any(loss is None for loss in curve.loss):
            return
        last = f" after step {curve.steps[-1]}" if curve.steps else " before its first step"
        raise TrainerError(
            f"the trainer ended with exit code {outcome.exit_code}{last}: {outcome.cause}"
        )


def _filling(tokens: TokenCount, sequence_length: int) -> dict[str, Any]:
    """Return how far samples fill the sequence that they are padded to, and how many fill it wholly."""
    samples = len(tokens.per_sample)
    return {
        "sample_tokens_max": max(tokens.per_sample),
        "samples_filled": sum(own == sequence_length for own in tokens.per_sample),
        "padding_share": 1 - tokens.total / (samples * sequence_length),
    }


class TrainingRun(Struct, frozen=True, kw_only=True):
    """
    What a run showed: losses by step, and tokens per second and card counted in two ways (R5).
    """

    record: Record
    curve: Curve
    losses: dict[int, float]
    sample_tokens_min: int
    effective_tokens_per_s: float
    """Tokens that were trained, padding excluded, per second of steps, warm-up included, per card."""
    nominal_tokens_per_s: float
    """What the trainer logs: padding counted; mean over the steps, per card."""
    exit_code: int


def read_training_run(store: Store, record: Record, recipe: Recipe) -> TrainingRun:
    """Return a recorded run, its curve read anew from the log."""
    curve = read_curve(store.blobs.get(record.blobs["log"]))
    known_s = [runtime for runtime in curve.runtime_s if runtime is not None]
    wall_s = sum(known_s) if len(known_s) == len(curve.steps) else math.nan
    tokens_a_sample = record.data["tokens"] / record.data["samples"]
    tokens = tokens_a_sample * recipe.global_batch * len(curve.steps)
    nominal = [value for value in curve.tokens_per_s if value is not None]
    return TrainingRun(
        record=record,
        curve=curve,
        losses=curve.by_step(),
        sample_tokens_min=record.data["sample_tokens_min"],
        effective_tokens_per_s=tokens / wall_s / record.data["cards"] if wall_s > 0 else math.nan,
        nominal_tokens_per_s=fmean(nominal) if nominal else math.nan,
        exit_code=record.data["exit_code"],
    )
