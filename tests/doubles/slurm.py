"""
A Slurm that answers as the real one does (22.05), with the ways in which it differs from site to site.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pytest_ernie.slurm.queue import Answer


class FakeSlurm:
    """
    Takes jobs and tells of them. Quirks: ``cluster`` (sbatch names it), ``packed`` (squeue doesn't take
    waiting arrays apart), ``accounts`` (False: accounting storage is disabled), ``refuses`` (sbatch's words),
    ``down`` (no controller).
    """

    def __init__(self) -> None:
        self.cluster = ""
        self.packed = False
        self.accounts = True
        self.refuses = ""
        self.down = False
        self.scripts: list[str] = []
        self.states: dict[tuple[str, int], tuple[str, str, str]] = {}
        """Of each task: state, hosts, reason."""
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        self.asked.append(tuple(command))
        if self.down:
            words = f"{command[0]}: error: Unable to contact slurm controller (connect failure)"
            return Answer(1, "", f"slurm_load_jobs error: {words}\n")
        return {"sbatch": self._sbatch, "squeue": self._squeue, "sacct": self._sacct}[command[0]](
            command
        )

    def end(self, job: str, shard: int, state: str = "COMPLETED") -> None:
        """Let a task end; the queue forgets it, the accounts don't."""
        self.states[job, shard] = (state, "n1", "None")

    def _sbatch(self, command: Sequence[str]) -> Answer:
        assert command[1] == "--parsable"
        if self.refuses:
            return Answer(1, "", f"sbatch: error: Batch job submission failed: {self.refuses}\n")
        self.scripts.append(Path(command[2]).read_text())
        job = str(len(self.scripts) + 11)
        found = re.search(r"^#SBATCH --array=(.*)$", self.scripts[-1], re.MULTILINE)
        assert found is not None
        for place in found[1].split(","):
            self.states[job, int(place)] = ("PENDING", "", "Priority")
        warning = "sbatch: warning: can't honor --ntasks-per-node\n"
        return Answer(0, f"{job};{self.cluster}\n" if self.cluster else f"{job}\n", warning)

    def _squeue(self, command: Sequence[str]) -> Answer:
        over = ("COMPLETED", "FAILED", "NODE_FAIL", "CANCELLED by 1000", "TIMEOUT")
        living = {task: told for task, told in self.states.items() if told[0] not in over}
        if self.packed:
            places = [str(place) for (_, place), told in living.items() if told[0] == "PENDING"]
            job = next(iter(living))[0]
            return Answer(0, f"{job}|[{','.join(places)}%2]|PENDING||Priority\n", "")
        lines = [f"{job}|{place}|{'|'.join(told)}" for (job, place), told in living.items()]
        return Answer(0, "".join(f"{line}\n" for line in lines), "")

    def _sacct(self, command: Sequence[str]) -> Answer:
        if not self.accounts:
            return Answer(1, "", "Slurm accounting storage is disabled\n")
        asked = next(word for word in command if word.startswith("--jobs=")).removeprefix("--jobs=")
        job, _, place = asked.partition("_")
        told = self.states.get((job, int(place)))
        return Answer(0, f"{asked}|{told[0]}|0:9|{told[1]}\n" if told else "", "")
