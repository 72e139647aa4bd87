"""
Training measurements: the 500-step run that loss and throughput share, and the runs at a length.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pytest_ernie.errors import StoppedEarly, TrainerDied
from pytest_ernie.evidence import Recording, Subject, What
from pytest_ernie.measurements.attempts import (
    KeepingSteps,
    attempts_in,
    keep_left_logs,
    last_checkpoint,
    watched_by,
)
from pytest_ernie.measurements.early import StopEarly
from pytest_ernie.measurements.equipment import SCRATCH, Equipment
from pytest_ernie.measurements.memory import HostMemory
from pytest_ernie.measurements.training_setup import Setup, setup_of
from pytest_ernie.standard import Recipe
from pytest_ernie.standard.model import LossRule
from pytest_ernie.trainers.cause import device_memory_ran_out
from pytest_ernie.trainers.curve import read_curve
from pytest_ernie.trainers.data import data_digest, without_pictures
from pytest_ernie.trainers.protocol import TokenCount, TrainingOutcome

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
    repeat: int | None = None
    """Number of a further recording of a reference; None for the first."""
    stop_early: tuple[Mapping[int, float], LossRule] | None = None
    """The reference's losses and the rule, by which a run that can no longer pass is ended."""
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
            repeat=self.repeat,
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
        """
        Run the trainer, keep its log, and count the tokens that its samples really hold.

        Every few steps the losses go into the journal. An earlier attempt that was cut short is gone on
        from if the recipe has checkpoints, and begun anew if not.
        """
        scratch = equipment.settings.evidence / SCRATCH
        workdir = scratch / recording.id
        workdir.mkdir(parents=True)
        setup = self.setup(equipment)
        layout = setup.recorded(self.recipe)
        data = self._data(equipment, workdir)
        tokens = equipment.trainer.count_tokens(
            equipment.trainer_toolchain,
            equipment.checkpoint(self.recipe.model),
            data,
            sequence_length=self.recipe.sequence_length,
        )
        resumed = _resumed(setup, scratch, recording)
        keeping, memory = KeepingSteps(recording), HostMemory(samples=not self.timed)
        early = self._early(setup)
        job = setup.job(
            self.recipe,
            checkpoint=str(equipment.checkpoint(self.recipe.model)),
            data=str(data),
            workdir=workdir,
            device=equipment.device,
            threads=equipment.site.threads,
            multimodal=self.multimodal,
        )
        job = msgspec.structs.replace(
            job,
            watch=watched_by(keeping, memory, *([early] if early else [])),
            resume_from=str(resumed[1]) if resumed else None,
        )
        outcome = equipment.trainer.run(job, equipment.trainer_toolchain, equipment.progress)
        keeping.flush()
        left = [scratch / id for id in recording.continues]
        keep_left_logs(recording, left)
        recording.blob("sample tokens", msgspec.json.encode(tokens.per_sample))
        peak_gib = self._keep(outcome, recording, early)
        recording.finish(
            {
                **_outcome(outcome),
                "cards": setup.all_cards,
                "layout": layout,
                "samples": len(tokens.per_sample),
                "tokens": tokens.total,
                "sample_tokens_min": min(tokens.per_sample),
                **_filling(tokens, self.recipe.sequence_length),
                "training_data_sha256": data_digest(data),
                "recipe": self.recipe.identity,
                "attempts": list(recording.continues),
                "resumed_from": resumed[0] if resumed else 0,
                "memory_peak_gib": peak_gib,
                "host_memory_peak_gib": memory.peak_gib,
            }
        )
        for folder in (workdir, *left):
            shutil.rmtree(folder, ignore_errors=True)

    def _early(self, setup: Setup) -> StopEarly | None:
        return None if self.stop_early is None else StopEarly(*self.stop_early, setup.all_cards)

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

    def _keep(
        self, outcome: TrainingOutcome, recording: Recording, early: StopEarly | None = None
    ) -> float | None:
        """
        Keep log and configuration; return the device's memory peak as far as the log tells it.

        A run that was cut short is no result: StoppedEarly, TrainerDied. One that died of a loss that is
        no number has shown what it can, and so has one for whose length the device has too little memory.
        """
        log = Path(outcome.log)
        recording.blob("log", log)
        recording.blob("config", outcome.config.encode())
        for name, path in outcome.worker_logs.items():
            recording.blob(name, Path(path))
        if early is not None and early.said is not None:
            raise StoppedEarly(early.said)
        curve = read_curve(log.read_bytes())
        if outcome.exit_code == 0 or any(loss is None for loss in curve.loss):
            return curve.memory_peak_gib
        if self.length is not None and device_memory_ran_out(outcome.cause):
            return curve.memory_peak_gib
        last = f" after step {curve.steps[-1]}" if curve.steps else " before its first step"
        raise TrainerDied(
            f"the trainer ended with exit code {outcome.exit_code}{last}: {outcome.cause}"
        )


def _resumed(setup: Setup, scratch: Path, recording: Recording) -> tuple[int, Path] | None:
    if setup.checkpoint_steps is None:
        return None
    return last_checkpoint(scratch, attempts_in(recording.samples, but=recording.id))


def _outcome(outcome: TrainingOutcome) -> dict[str, Any]:
    return {
        "exit_code": outcome.exit_code,
        "cause": outcome.cause,
        "command": outcome.command,
        "environment": outcome.environment,
        "lora_start_sha256": outcome.lora_start,
        "started_unix_s": outcome.started_unix_s,
        "ended_unix_s": outcome.ended_unix_s,
    }


def _filling(tokens: TokenCount, sequence_length: int) -> dict[str, Any]:
    """Return how far samples fill the sequence that they are padded to, and how many fill it wholly."""
    samples = len(tokens.per_sample)
    return {
        "sample_tokens_max": max(tokens.per_sample),
        "samples_filled": sum(own == sequence_length for own in tokens.per_sample),
        "padding_share": 1 - tokens.total / (samples * sequence_length),
    }
