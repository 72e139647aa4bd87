"""
ERNIEKit and its successor PaddleFormers: one trainer under two command names.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from pytest_ernie.errors import ToolchainError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.installed import folders_of, versions_in
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.broken_wheels import MEND, broken_wheel
from pytest_ernie.trainers.hosts import LOOPBACK
from pytest_ernie.trainers.key_names import in_erniekits_words, speaks_erniekit
from pytest_ernie.trainers.lora_start import FOLDER, write_start
from pytest_ernie.trainers.protocol import (
    TokenCount,
    TrainingJob,
    TrainingOutcome,
    TrainingPreview,
)
from pytest_ernie.trainers.recipe_yaml import as_yaml, settings
from pytest_ernie.trainers.running import (
    QUIET,
    home_in,
    run_to_the_end,
    shown_cards,
    with_its_programs,
)
from pytest_ernie.trainers.tokens import count_tokens

Command = Literal["paddleformers-cli", "erniekit"]

DETERMINISM = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "NCCL_ALGO": "Tree",
    "FLAGS_embedding_deterministic": "1",
    "FLAGS_cudnn_deterministic": "1",
    "PYTHONHASHSEED": "0",
}
PACKAGE: dict[Command, str] = {"paddleformers-cli": "paddleformers", "erniekit": "erniekit"}
"""The distribution that brings the command."""
LOG_VARIABLE: dict[Command, str] = {
    "paddleformers-cli": "PADDLEFORMERS_DIST_LOG",
    "erniekit": "ERNIEKIT_DIST_LOG",
}
"""Where the front end puts its workers' logs."""
SLURM = "SLURM_"
"""How its variables begin; they tell of the job and its user, and are no evidence."""
MODEL, CONFIG, LAUNCHER = "model", "train.yaml", "launcher"
"""What lies in a run's folder: links to the weights, the settings, the workers' logs."""
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
        folders = folders_of(toolchain)
        self._check_installed(toolchain, folders)
        version = versions_in(folders).get(PACKAGE[self._command])
        preview = self.preview(
            job, python=toolchain.python, version=version, site_environment=toolchain.env
        )
        _linked(Path(job.checkpoint).absolute(), workdir / MODEL)
        given = None
        if job.recipe.lora_start is not None and not speaks_erniekit(self._command, version):
            given = write_start(workdir / FOLDER, Path(job.checkpoint), job.recipe)
        (workdir / CONFIG).write_text(preview.config, encoding="utf-8")
        environment = with_its_programs(
            inherited() | _of_slurm(job) | preview.environment, toolchain
        )
        outcome = run_to_the_end(job, preview.command, environment, preview.config, progress)
        return msgspec.structs.replace(
            outcome,
            environment={k: v for k, v in outcome.environment.items() if not k.startswith(SLURM)},
            worker_logs=_worker_logs(workdir),
            lora_start=given,
        )

    def count_tokens(
        self, toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
    ) -> TokenCount:
        """Count what this trainer feeds of each sample, its template's tokens included."""
        return count_tokens(toolchain, checkpoint, data, sequence_length=sequence_length)

    def preview(
        self,
        job: TrainingJob,
        *,
        python: str,
        version: str | None,
        site_environment: Mapping[str, str] | None = None,
    ) -> TrainingPreview:
        """
        Return configuration, command and variables of a run by that version of the trainer.

        The chip's variables are those of its documents, then the site's; what makes runs equal, quiet and
        kept stands above both. TrainerError if the recipe doesn't fit the device, the cards or the version.
        """
        workdir = Path(job.workdir).absolute()
        values = settings(job, workdir / MODEL)
        if speaks_erniekit(self._command, version):
            values = in_erniekits_words(values, version or "")
        # Started by the interpreter, since a script's first line may name one that moved.
        front_end = (python, str(Path(python).parent / self._command))
        command = (*front_end, "train", str(workdir / CONFIG))
        logs = str(workdir / LAUNCHER)
        return TrainingPreview(
            config=as_yaml(values),
            command=job.hosts.command(command, logs, LOG_VARIABLE[self._command]),
            environment={
                **job.device_environment,
                **(site_environment or {}),
                **_environment(job, self._command),
            },
            starts=_launcher_line(job, logs),
        )

    def _check_installed(self, toolchain: Toolchain, folders: list[Path]) -> None:
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
        if self._command == "erniekit" and (lack := broken_wheel(folders)):
            raise ToolchainError(lack, where=f"toolchain {toolchain.name}", got=folder, fix=MEND)


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


def _environment(job: TrainingJob, command: Command) -> dict[str, str]:
    """Return what a run sets besides what it inherits; TrainerError if there are no cards."""
    workdir = Path(job.workdir).absolute()
    address, _, port = (job.hosts.master or f"{LOOPBACK}:{_free_port()}").rpartition(":")
    environment = DETERMINISM | QUIET
    environment |= {
        "LOG_LOSS_MD5": "1",
        "PYTHONUNBUFFERED": "1",
        "NNODES": str(job.hosts.count),
        "RANK": str(job.hosts.rank),
        "MASTER_ADDR": address,
        # The launcher's default, 8080, is often taken.
        "MASTER_PORT": port,
        LOG_VARIABLE[command]: str(workdir / LAUNCHER / f"host-{job.hosts.rank}"),
        "PF_HOME": str(workdir / "home"),
        **home_in(workdir),
    }
    if job.threads is not None:
        environment["OMP_NUM_THREADS"] = str(job.threads)
    if job.paddle_device == "cpu":
        # Without a card the launcher builds an empty --gpus and stops; each number is a process.
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(job.cards) or "0"
        if len(job.cards) > 1:
            environment["PADDLE_DISTRI_BACKEND"] = "gloo"
        return environment
    return environment | shown_cards(job)


def _of_slurm(job: TrainingJob) -> dict[str, str]:
    """Return what srun needs to know of the job that it starts hosts in."""
    if job.hosts.started_by != "slurm":
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith(SLURM)}


def _launcher_line(job: TrainingJob, logs: str) -> str:
    """Return what the front end makes of the variables, for people to read."""
    kind = {"cpu": "gpu", "iluvatar_gpu": "gpu"}.get(job.paddle_device, job.paddle_device)
    cards = ",".join(job.cards) or "0"
    master = job.hosts.master or f"{LOOPBACK}:PORT"
    return (
        f"python -m paddle.distributed.launch --log_dir {logs}/host-{job.hosts.rank} --{kind}s {cards} "
        f"--master {master} --nnodes {job.hosts.count} --rank {job.hosts.rank} --run_mode=collective"
    )


def _worker_logs(workdir: Path) -> dict[str, str]:
    """Return every worker's log that this host sees, by host and number: ``host-0 worker 3``."""
    return {
        f"{log.parent.name} worker {log.name.removeprefix('workerlog.')}": str(log)
        for log in sorted((workdir / LAUNCHER).glob("host-*/workerlog.*"))
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
