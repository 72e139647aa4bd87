"""
A run that is watched: every step is told, and who has had enough ends all that was started.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil

from pytest_ernie.progress import silent
from pytest_ernie.standard import load
from pytest_ernie.trainers.protocol import Enough, TrainingJob, TrainingOutcome, Watch
from pytest_ernie.trainers.recipe_yaml import settings
from pytest_ernie.trainers.running import run_to_the_end
from pytest_ernie.trainers.step_line import Step

TRAINER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child.pid", "w").write(str(child.pid))
for step in range(1, 501):
    print(f"[INFO] - loss: {2 - step / 1000}, learning_rate: 1e-05, global_step: {step}", flush=True)
    time.sleep(0.01 if step < 5 else 0.5)
"""


def job(workdir: Path, **more: object) -> TrainingJob:
    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft")
    fields = {"recipe": recipe, "checkpoint": "c", "data": "d.jsonl", "workdir": str(workdir)}
    return TrainingJob(**{**fields, "paddle_device": "cpu", **more})  # type: ignore[arg-type]  # fields of TrainingJob


def run(workdir: Path, watch: Watch) -> TrainingOutcome:
    command = (sys.executable, "-c", TRAINER)
    return run_to_the_end(job(workdir, watch=watch), command, dict(os.environ), "", silent)


def test_who_has_had_enough_ends_the_run_and_its_children(tmp_path: Path) -> None:
    """The reason is the outcome's cause, the log is whole up to there, and nothing goes on."""
    seen: list[Step] = []

    def watch(step: Step) -> None:
        seen.append(step)
        if step.step == 3:
            raise Enough("it can no longer pass")

    outcome = run(tmp_path, watch)

    assert (outcome.exit_code < 0, outcome.cause) == (True, "it can no longer pass")
    assert [(step.step, step.loss) for step in seen] == [(1, 1.999), (2, 1.998), (3, 1.997)]
    assert "global_step: 3" in Path(outcome.log).read_text()
    assert not psutil.pid_exists(int((tmp_path / "child.pid").read_text()))


def test_checkpoints_are_written_only_where_the_recipe_has_them(tmp_path: Path) -> None:
    """They cost seconds that count; two are kept, since a machine may die while one is written."""
    plain = settings(job(tmp_path), tmp_path / "model")
    assert plain["save_strategy"] == "no"
    assert "save_steps" not in plain
    assert "resume_from_checkpoint" not in plain

    going_on = {"checkpoint_steps": 100, "resume_from": str(tmp_path / "checkpoint-200")}
    cards = {"paddle_device": "gpu", "visible_variable": "CUDA_VISIBLE_DEVICES", "micro_batch": 4}
    two = settings(job(tmp_path, **going_on, **cards, cards=("0", "1")), tmp_path / "model")
    kept = {name: two[name] for name in ("save_strategy", "save_steps", "save_total_limit")}
    assert kept == {"save_strategy": "steps", "save_steps": 100, "save_total_limit": 2}
    assert two["resume_from_checkpoint"] == str(tmp_path / "checkpoint-200")
    assert "load_checkpoint_format" not in two


def test_one_process_writes_checkpoints_that_it_can_read_back(tmp_path: Path) -> None:
    """In a form without a process group; of LoRA none, since going on would leave the base random."""
    going_on = {"checkpoint_steps": 100, "resume_from": str(tmp_path / "checkpoint-200")}

    sft = settings(job(tmp_path, **going_on), tmp_path / "model")
    assert sft["save_checkpoint_format"] == sft["load_checkpoint_format"] == "sharding_io"
    assert sft["save_to_hf"] is False

    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft_lora")
    lora = settings(job(tmp_path, recipe=recipe, **going_on), tmp_path / "model")
    assert lora["save_strategy"] == "no"
    assert "resume_from_checkpoint" not in lora
