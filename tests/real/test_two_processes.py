"""
Two processes of the real trainer under paddle.distributed.launch, as far as a CPU allows.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie import rehearsal
from pytest_ernie.standard import load
from pytest_ernie.toolchains import provision
from pytest_ernie.trainers.erniekit import ErnieKitTrainer
from pytest_ernie.trainers.protocol import TrainingJob, TrainingOutcome


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    """Five steps on two replicas of four samples."""
    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft")
    assert recipe is not None
    job = TrainingJob(
        recipe=msgspec.structs.replace(recipe, steps=5, warmup_steps=1),
        checkpoint=str(rehearsal.checkpoint()),
        data=str(rehearsal.supervised_data()),
        workdir=str(tmp_path_factory.mktemp("two")),
        paddle_device="cpu",
        cards=("0", "1"),
        micro_batch=4,
        threads=1,
    )
    return ErnieKitTrainer("paddleformers-cli").run(job, provision("trainer-cpu"))


def test_both_workers_start_and_their_logs_are_kept(outcome: TrainingOutcome) -> None:
    """The launcher gives each a number and a log of its own."""
    assert ["host-0 worker 0", "host-0 worker 1"] == list(outcome.worker_logs)
    assert all(Path(path).stat().st_size for path in outcome.worker_logs.values())


def test_they_share_the_batch(outcome: TrainingOutcome) -> None:
    """Eight samples a step are two replicas of four."""
    assert "per_device_train_batch_size: 4\n" in outcome.config
    assert "gradient_accumulation_steps: 1\n" in outcome.config


def test_they_meet_and_stop_where_weights_go_through_a_card(outcome: TrainingOutcome) -> None:
    """
    Process group and topology are there; PaddlePaddle hands weights from worker to worker on a card only.

    When this fails because training goes on, a CPU has learned it: then let it train.
    """
    first = Path(outcome.worker_logs["host-0 worker 0"]).read_text(
        encoding="utf-8", errors="replace"
    )

    assert "data_parallel" in first or "sharding" in first
    assert "ValueError: No available device found." == outcome.cause
