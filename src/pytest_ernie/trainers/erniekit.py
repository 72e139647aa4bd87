"""
ERNIEKit and its successor PaddleFormers: one trainer under two command names.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal

from pytest_ernie.errors import ToolchainError, TrainerError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.protocol import TokenCount, TrainingJob, TrainingOutcome
from pytest_ernie.trainers.recipe_yaml import as_yaml, settings
from pytest_ernie.trainers.running import QUIET, run_to_the_end
from pytest_ernie.trainers.tokens import count_tokens

Command = Literal["paddleformers-cli", "erniekit"]

DETERMINISM = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "NCCL_ALGO": "Tree",
    "FLAGS_embedding_deterministic": "1",
    "FLAGS_cudnn_deterministic": "1",
    "PYTHONHASHSEED": "0",
}
GENERATED = ".auto_generated.metadata"


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
        return run_to_the_end(job, command, environment, config, progress)

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
