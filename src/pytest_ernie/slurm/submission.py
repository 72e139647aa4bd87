"""
A submission: a folder that all hosts share, with the plan, the logs, and the evidence of every shard.

A shard is done when all of its criteria were measured, whatever the verdicts: to measure a FAIL again would
be best of two (R15). What was lost, or left something unmeasured, is submitted again and goes on from what it
had kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_ernie.bundles.runs import FOLDER as RUNS
from pytest_ernie.bundles.runs import Run, claims
from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence import Store
from pytest_ernie.planned import measured_questions
from pytest_ernie.questions import Question
from pytest_ernie.shards import Shard, ShardPlan, read_plan
from pytest_ernie.slurm.queue import Ask, Task, how_it_ended, submit, tasks
from pytest_ernie.slurm.script import Request, batch_script, evidence_of
from pytest_ernie.standard import Edition, criteria
from pytest_ernie.verdicts import Word

LAYOUT = 1
COMPLETE = (Word.PASS, Word.FAIL, Word.RECORDED, Word.UNSPECIFIED)
"""Verdicts that rest on a completed measurement; INCONCLUSIVE may, too (no reference)."""


class Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submission's folder says of itself."""

    layout: int = LAYOUT
    request: Request
    jobs: tuple[str, ...] = ()
    """Numbers of the array jobs, in their order."""


class State(Struct, frozen=True, kw_only=True):
    """Where a shard stands."""

    shard: Shard
    words: str
    again: bool
    """It has to be submitted (again)."""
    done: bool


class Submission:
    """
    One certification in Slurm's hands; ``ask`` reaches Slurm.
    """

    def __init__(self, folder: Path, edition: Edition, ask: Ask) -> None:
        self.folder = folder
        self._edition = edition
        self._ask = ask
        self.kept: Kept = self._read()
        self.plan: ShardPlan = read_plan(folder / "plan.json")

    @classmethod
    def begin(
        cls, folder: Path, request: Request, plan: ShardPlan, edition: Edition, ask: Ask
    ) -> Submission:
        """
        Make the folder, or open it if it holds the same submission.

        UsageProblem if it holds another one.
        """
        from pytest_ernie.shard_plans import write_plan

        path = folder / "submission.json"
        if path.exists():
            found = cls(folder, edition, ask)
            if found.kept.request != request or _split(found.plan) != _split(plan):
                raise UsageProblem(
                    "this folder holds another submission",
                    where=folder,
                    fix="Repeat its command to go on with it, or name another --folder",
                )
            return found
        try:
            (folder / "logs").mkdir(parents=True, exist_ok=True)
            write_plan(plan, folder / "plan.json")
            path.write_bytes(_json(Kept(request=request)))
        except OSError as problem:
            raise UsageProblem(
                f"the submission can't be written ({problem.strerror})", where=folder
            ) from None
        return cls(folder, edition, ask)

    def states(self) -> tuple[State, ...]:
        """Return where every shard stands, in their order."""
        queued = {task.shard: task for task in tasks(self.kept.request.name, self._ask)}
        return tuple(self._state(shard, queued.get(shard.number)) for shard in self.plan.shards)

    def scripts(self, shards: Sequence[Shard]) -> list[str]:
        """Return a script for each number of cards: the tasks of one array job all get the same."""
        by_cards: dict[int, list[int]] = {}
        for shard in shards:
            by_cards.setdefault(shard.cards, []).append(shard.number)
        request = self.kept.request
        return [batch_script(request, numbers, cards) for cards, numbers in by_cards.items()]

    def submit(self, shards: Sequence[Shard]) -> tuple[str, ...]:
        """Submit these shards; return the numbers of the jobs."""
        jobs = []
        for script in self.scripts(shards):
            path = self.folder / f"job-{len(self.kept.jobs) + 1}.sh"
            path.write_text(script, encoding="utf-8")
            jobs.append(submit(str(path), self._ask))
            self.kept = msgspec.structs.replace(self.kept, jobs=(*self.kept.jobs, jobs[-1]))
            self._write()
        return tuple(jobs)

    def _state(self, shard: Shard, task: Task | None) -> State:
        if task is not None:
            return State(shard=shard, words=task.words, again=False, done=False)
        told = self._claimed(shard.number)
        words = [told.get(name, Word.NOT_RUN) for name in shard.criteria]
        often = Counter(word.value for word in words)
        counted = ", ".join(f"{count} {word}" for word, count in sorted(often.items()))
        if all(word in COMPLETE for word in words) or self._measured(shard, told):
            return State(shard=shard, words=f"done: {counted}", again=False, done=True)
        if not self.kept.jobs:
            return State(shard=shard, words="not submitted yet", again=True, done=False)
        ended = how_it_ended(self.kept.jobs, shard.number, self._ask)
        ending = f" ({ended})" if ended else ""
        if not told:
            return State(
                shard=shard, words=f"ended without a verdict{ending}", again=True, done=False
            )
        return State(shard=shard, words=f"not complete: {counted}{ending}", again=True, done=False)

    def _claimed(self, number: int) -> dict[str, Word]:
        """Return what a shard's runs last said of each criterion."""
        paths = sorted((evidence_of(self.folder, number) / RUNS).glob("*.json"))
        runs = tuple(msgspec.json.decode(path.read_bytes(), type=Run) for path in paths)
        return {name: judgement.verdict.word for name, judgement in claims(runs).items()}

    def _measured(self, shard: Shard, told: dict[str, Word]) -> bool:
        """Tell whether nothing is left to measure, although some of it came to no conclusion."""
        if not set(shard.criteria) <= told.keys() or Word.NOT_RUN in told.values():
            return False
        edition = self._edition
        measured = measured_questions(Store(evidence_of(self.folder, shard.number)), edition)
        own = (c for c in criteria(edition) if c.name in shard.criteria)
        return all(Question.of(criterion) in measured for criterion in own)

    def _read(self) -> Kept:
        path = self.folder / "submission.json"
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except (OSError, msgspec.DecodeError) as problem:
            raise UsageProblem(f"this is no submission ({problem})", where=path) from None
        if kept.layout != LAYOUT:
            raise UsageProblem(
                "the submission has a layout that this version doesn't know",
                where=path,
                got=kept.layout,
                wanted=LAYOUT,
            )
        return kept

    def _write(self) -> None:
        path = self.folder / "submission.json"
        part = path.with_suffix(".part")
        part.write_bytes(_json(self.kept))
        part.replace(path)


def _split(plan: ShardPlan) -> list[tuple[str, ...]]:
    """Return what a plan is about; hours may be known better the second time."""
    return sorted(shard.criteria for shard in plan.shards)


def _json(kept: Kept) -> bytes:
    return msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n"
