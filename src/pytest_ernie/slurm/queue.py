"""
Asking Slurm: sbatch, squeue and sacct, and the ways in which they answer.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import Struct

from pytest_ernie.errors import UsageProblem

PATIENCE_S = 120.0
"""A controller under load answers late; after this long it doesn't."""


class Answer(NamedTuple):
    """What a command of Slurm's said."""

    code: int
    out: str
    err: str


Ask = Callable[[Sequence[str]], Answer]
"""Run a command; a test's double stands here."""


class Task(Struct, frozen=True, kw_only=True):
    """A shard that Slurm still has: waiting, running, ending."""

    shard: int
    job: str
    state: str
    """Slurm's word: PENDING, RUNNING, COMPLETING …"""
    nodes: str
    reason: str

    @property
    def words(self) -> str:
        """What to tell of it."""
        if self.state == "PENDING":
            held = "held" in self.reason.lower()
            mend = f"; scontrol release {self.job} lets it go" if held else ""
            return f"waiting in job {self.job} ({self.reason}{mend})"
        where = f" on {self.nodes}" if self.nodes else ""
        return f"{self.state.lower()} in job {self.job}{where}"


def ask_slurm(command: Sequence[str]) -> Answer:
    """Run a command of Slurm's; UsageProblem if it isn't here or doesn't answer."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except FileNotFoundError:
        raise UsageProblem(
            f"there is no {command[0]} here", fix="Submit on a host where Slurm's commands are"
        ) from None
    except subprocess.TimeoutExpired:
        raise UsageProblem(
            "Slurm doesn't answer", where=command[0], got=f"nothing in {PATIENCE_S:.0f} s"
        ) from None
    return Answer(done.returncode, done.stdout, done.stderr)


def submit(script: str, ask: Ask) -> str:
    """
    Submit a script; return the job's number.

    ``--parsable`` answers ``12``, or ``12;cluster`` where there are several clusters.
    """
    command = ("sbatch", "--parsable", script)
    answer = ask(command)
    job = answer.out.strip().splitlines()[-1].partition(";")[0] if answer.out.strip() else ""
    if answer.code != 0 or not job.isdigit():
        raise UsageProblem(
            "Slurm refused the job",
            where=script,
            got=_first(answer.err) or answer.out.strip() or f"exit code {answer.code}",
        )
    return job


def tasks(name: str, ask: Ask) -> tuple[Task, ...]:
    """
    Return what Slurm still has of the jobs of that name.

    By name, since asking by number for a job that is over and forgotten is an error. UsageProblem if
    the queue can't be read: what may be running must not be submitted again.
    """
    command = ("squeue", "--noheader", "--array", f"--name={name}", "--format=%F|%K|%T|%N|%r")
    answer = ask(command)
    if answer.code != 0:
        raise UsageProblem(
            "the queue can't be read, so nothing tells what still runs",
            where="squeue",
            got=_first(answer.err) or f"exit code {answer.code}",
        )
    found = []
    for line in answer.out.splitlines():
        fields = line.strip().split("|", 4)
        if len(fields) != 5:
            continue
        job, places, state, nodes, reason = fields
        for place in _places(places):
            found.append(
                Task(shard=place, job=f"{job}_{place}", state=state, nodes=nodes, reason=reason)
            )
    return tuple(found)


def _places(text: str) -> list[int]:
    """Return the numbers of ``3``, and of what older versions don't take apart: ``1-3,5%2``."""
    found: list[int] = []
    for part in text.strip("[]").partition("%")[0].split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            found += range(int(first), int(last or first) + 1)
    return found


def how_it_ended(jobs: Sequence[str], shard: int, ask: Ask) -> str | None:
    """
    Return how Slurm's accounting says that a shard's last task ended; None where it keeps no accounts.

    ``CANCELLED by 1000``, ``NODE_FAIL``, ``TIMEOUT`` …
    """
    for job in reversed(jobs):
        fields = "--format=JobID,State,ExitCode,NodeList"
        command = ("sacct", "--noheader", "--parsable2", "--allocations", "--duplicates")
        try:
            answer = ask((*command, f"--jobs={job}_{shard}", fields))
        except UsageProblem:
            return None
        lines = [line.split("|") for line in answer.out.splitlines() if line.count("|") == 3]
        if answer.code == 0 and lines:
            _, state, code, nodes = lines[-1]
            return f"{state}, exit code {code}, on {nodes}"
    return None


def _first(text: str) -> str:
    """Return the line of an error that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
