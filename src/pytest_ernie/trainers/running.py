"""
A trainer's process from start to end: its log followed step by step, its outcome told.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pytest_ernie.errors import TrainerError
from pytest_ernie.progress import Progress
from pytest_ernie.toolchains.environment import PERSONAL
from pytest_ernie.toolchains.process import Running, start
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.cause import cause_of
from pytest_ernie.trainers.curve import UnreadableLineError, read_step
from pytest_ernie.trainers.protocol import LOG, Enough, TrainingJob, TrainingOutcome, Watch

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONNOUSERSITE": "1",
}
"""No downloads and no telemetry, and no packages from the user's home."""
CAUSE_LINES = 400


def home_in(workdir: Path) -> dict[str, str]:
    """Return the variables that keep what libraries write in the run's own folder."""
    home = str(workdir / "home")
    return {"HF_HOME": home, "XDG_CACHE_HOME": home}


def shown_cards(job: TrainingJob) -> dict[str, str]:
    """Return the variable that shows the job's cards to a process; TrainerError if there are none."""
    if job.visible_variable is None or not job.cards:
        raise TrainerError(
            "no cards are given to train on",
            where=f"{job.recipe.model} {job.recipe.method}",
            got=f"device {job.paddle_device}, cards {job.cards}, variable {job.visible_variable}",
            fix="Name the cards in the site file",
        )
    return {job.visible_variable: ",".join(job.cards)}


def with_its_programs(environment: dict[str, str], toolchain: Toolchain) -> dict[str, str]:
    """Return variables whose PATH begins with the toolchain's programs."""
    folders = (str(Path(toolchain.python).parent), environment.get("PATH", ""))
    return {**environment, "PATH": os.pathsep.join(filter(None, folders))}


def run_to_the_end(
    job: TrainingJob,
    command: tuple[str, ...],
    environment: dict[str, str],
    config: str,
    progress: Progress,
) -> TrainingOutcome:
    """Run the command in the job's folder, well or badly; Ctrl-C ends all its processes first."""
    workdir = Path(job.workdir).absolute()
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


def _followed(running: Running, following: _Following) -> tuple[int, str | None]:
    """Return the exit code, and the reason if whoever watches ended the run."""
    try:
        return running.follow(following), None
    except Enough as reason:  # everything that was started has ended by now
        return running.poll() or -signal.SIGTERM, str(reason)


class _Following:
    """Reads the log as it grows, tells the last step's numbers, and each step to whoever watches."""

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


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - CAUSE_LINES * 500))
        return file.read().decode("utf-8", "replace")
