"""
ERNIEKit and its successor PaddleFormers: one trainer under two command names.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path
from typing import Literal

from pytest_ernie.errors import ToolchainError, TrainerError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.environment import PERSONAL, inherited
from pytest_ernie.toolchains.process import Running, start
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.cause import cause_of
from pytest_ernie.trainers.curve import UnreadableLineError, read_step
from pytest_ernie.trainers.protocol import (
    LOG,
    Enough,
    TokenCount,
    TrainingJob,
    TrainingOutcome,
    Watch,
)
from pytest_ernie.trainers.recipe_yaml import as_yaml, settings
from pytest_ernie.trainers.tokens import count_tokens

Command = Literal["paddleformers-cli", "erniekit"]

DETERMINISM = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "NCCL_ALGO": "Tree",
    "FLAGS_embedding_deterministic": "1",
    "FLAGS_cudnn_deterministic": "1",
    "PYTHONHASHSEED": "0",
}
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONNOUSERSITE": "1",
}
"""No downloads and no telemetry, and no packages from the user's home."""
GENERATED = ".auto_generated.metadata"
CAUSE_LINES = 400


class ErnieKitTrainer:
    """Trains by ``erniekit train`` or ``paddleformers-cli train``, which read the same YAML."""

    def __init__(self, command: Command) -> None:
        self._command = command

    @property
    def name(self) -> str:
        """Return the command's name."""
        return self._command

    def run(
        self, job: TrainingJob, toolchain: Toolchain, progress: Progress = silent
    ) -> TrainingOutcome:
        """
        Run the job to its end, well or badly; Ctrl-C ends all its processes first.

        TrainerError if the recipe doesn't fit the device or the cards, ToolchainError if the
        toolchain lacks the command.
        """
        workdir = Path(job.workdir).absolute()
        model = _linked(Path(job.checkpoint).absolute(), workdir / "model")
        config = as_yaml(settings(job, model))
        (workdir / "train.yaml").write_text(config, encoding="utf-8")
        command = (*self._front_end(toolchain), "train", str(workdir / "train.yaml"))
        environment = _environment(job, toolchain)
        log = workdir / LOG
        stage = f"train {job.recipe.method}"
        progress(stage, total=job.recipe.steps, detail="starting")
        started = time.time()
        code, cause = _followed(
            start(command, env=environment, cwd=workdir, log=log),
            _Following(stage, job.recipe.steps, progress, job.watch),
        )
        return TrainingOutcome(
            exit_code=code,
            log=str(log),
            started_unix_s=started,
            ended_unix_s=time.time(),
            command=command,
            environment={k: v for k, v in sorted(environment.items()) if k not in PERSONAL},
            config=config,
            cause=cause or cause_of(code, _tail(log)),
        )

    def count_tokens(
        self, toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
    ) -> TokenCount:
        """Count what this trainer feeds of each sample, its template's tokens included."""
        return count_tokens(toolchain, checkpoint, data, sequence_length=sequence_length)

    def _front_end(self, toolchain: Toolchain) -> tuple[str, str]:
        folder = Path(toolchain.python).parent
        # The front end starts its launcher as plain "python", found by PATH: without one beside
        # the interpreter, whichever python the system has would train.
        for name in (self._command, "python"):
            if not (folder / name).is_file():
                raise ToolchainError(
                    f"its environment has no {name}",
                    where=f"toolchain {toolchain.name}",
                    got=folder,
                    fix="Name the interpreter of a virtual environment in which it is installed",
                )
        # Started by the interpreter, since a script's first line may name one that moved.
        return (toolchain.python, str(folder / self._command))


def _followed(running: Running, following: _Following) -> tuple[int, str | None]:
    """Return the exit code, and the reason if whoever watches ended the run."""
    try:
        return running.follow(following), None
    except Enough as reason:  # everything that was started has ended by now
        return running.poll() or -signal.SIGTERM, str(reason)


class _Following:
    """Reads the log as it grows and tells the last step's numbers."""

    def __init__(self, stage: str, steps: int, progress: Progress, watch: Watch | None) -> None:
        self._stage, self._steps, self._progress = stage, steps, progress
        self._watch = watch
        self._unread = b""

    def __call__(self, output: bytes) -> None:
        *lines, self._unread = (self._unread + output).split(b"\n")
        for line in lines:
            try:
                step = read_step(line)
            except UnreadableLineError:
                continue  # read_curve names it; here it only means no news
            if step is None:
                continue
            loss = "not finite" if step.loss is None else f"{step.loss:.4f}"
            speed = "" if step.tokens_per_s is None else f", {step.tokens_per_s:,.0f} tok/s"
            self._progress(
                self._stage, done=step.step, total=self._steps, detail=f"loss {loss}{speed}"
            )
            if self._watch is not None:
                self._watch(step)


def _linked(checkpoint: Path, folder: Path) -> Path:
    """
    Return a folder that shows the checkpoint's files, for the trainer to write beside them.

    Loading leaves an index next to the weights: a read-only checkpoint would fail, its digest would
    change, and an index of older weights would be believed.
    """
    folder.mkdir()
    for file in checkpoint.iterdir():
        if not file.name.endswith(GENERATED):
            (folder / file.name).symlink_to(file)
    return folder


def _environment(job: TrainingJob, toolchain: Toolchain) -> dict[str, str]:
    workdir = Path(job.workdir).absolute()
    environment = inherited() | toolchain.env
    folder = str(Path(toolchain.python).parent)
    environment["PATH"] = os.pathsep.join(filter(None, (folder, environment.get("PATH", ""))))
    environment |= DETERMINISM | QUIET
    environment |= {
        "LOG_LOSS_MD5": "1",
        "PYTHONUNBUFFERED": "1",
        "MASTER_ADDR": "127.0.0.1",
        # The launcher's default, 8080, is often taken.
        "MASTER_PORT": str(_free_port()),
        "PADDLEFORMERS_DIST_LOG": str(workdir / "launcher"),
        "PF_HOME": str(workdir / "home"),
        "HF_HOME": str(workdir / "home"),
        "XDG_CACHE_HOME": str(workdir / "home"),
    }
    if job.threads is not None:
        environment["OMP_NUM_THREADS"] = str(job.threads)
    if job.paddle_device == "cpu":
        # Without a card the launcher builds an empty --gpus and stops.
        environment["CUDA_VISIBLE_DEVICES"] = "0"
    elif job.visible_variable is None or not job.cards:
        raise TrainerError(
            "no cards are given to train on",
            where=f"{job.recipe.model} {job.recipe.method}",
            got=f"device {job.paddle_device}, cards {job.cards}, variable {job.visible_variable}",
            fix="Name the cards in the site file",
        )
    else:
        environment[job.visible_variable] = ",".join(job.cards)
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - CAUSE_LINES * 500))
        return file.read().decode("utf-8", "replace")
