"""
Attempts at one training run: what an attempt that was cut short leaves, and how the next one uses it.

While a run is watched its losses go into the journal every few steps, so that whatever kills pytest, the
trainer or the host, the finished part is evidence already. The next attempt begins anew, or goes on
from a checkpoint if the recipe says so; either way the record holds the losses of all attempts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_ernie.evidence import Record, Recording
from pytest_ernie.trainers.protocol import LOG, OUTPUT, Enough, Watch
from pytest_ernie.trainers.step_line import Step

KEPT_EVERY = 10
"""Steps between two entries of the journal."""

LEFT_LOG = "log of attempt "
"""How the names of the logs begin that earlier attempts left."""


class Attempt(Struct, frozen=True, kw_only=True):
    """What is known of an attempt that was cut short: its losses by step, NaN where not finite."""

    id: str
    losses: dict[int, float]

    @property
    def last_step(self) -> int:
        """The last step that was kept, 0 if none was."""
        return max(self.losses, default=0)


class KeepingSteps:
    """Writes each step's loss into the journal, a few at a time; call ``flush`` at the end."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._unwritten: list[Step] = []

    def __call__(self, step: Step) -> None:
        self._unwritten.append(step)
        if len(self._unwritten) >= KEPT_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what isn't written yet."""
        if self._unwritten:
            self._recording.sample(
                {
                    "attempt": self._recording.id,
                    "steps": [step.step for step in self._unwritten],
                    "losses": [step.loss for step in self._unwritten],
                }
            )
            self._unwritten = []


def watched_by(*watchers: Watch) -> Watch:
    """Return what tells all of them; the first that has had enough ends the run, the others still hear."""

    def tell(step: Step) -> None:
        enough: Enough | None = None
        for watcher in watchers:
            try:
                watcher(step)
            except Enough as reason:
                enough = enough or reason
        if enough is not None:
            raise enough

    return tell


def attempts_in(samples: Iterable[dict[str, Any]], *, but: str) -> tuple[Attempt, ...]:
    """Return the attempts that samples tell of, in their order, without the one of that id."""
    losses: dict[str, dict[int, float]] = {}
    for sample in samples:
        if "attempt" not in sample or sample["attempt"] == but:
            continue
        of_attempt = losses.setdefault(str(sample["attempt"]), {})
        for step, loss in zip(sample["steps"], sample["losses"], strict=True):
            of_attempt[int(step)] = math.nan if loss is None else float(loss)
    return tuple(Attempt(id=id, losses=found) for id, found in losses.items())


def earlier_attempts(record: Record) -> tuple[Attempt, ...]:
    """Return the attempts before the one that completed; none in records of older versions."""
    return attempts_in(record.samples, but=record.id)


def pieced_together(
    own: dict[int, float], resumed_from: int, attempts: tuple[Attempt, ...]
) -> dict[int, float]:
    """
    Return the losses of a run that went on after step ``resumed_from`` of an earlier attempt.

    The steps up to there are those of the last attempt that has them; steps that nobody has stay
    missing, for whoever judges to see.
    """
    whole = dict(own)
    for step in range(1, resumed_from + 1):
        if step not in whole:
            having = (a.losses[step] for a in reversed(attempts) if step in a.losses)
            if (loss := next(having, None)) is not None:
                whole[step] = loss
    return dict(sorted(whole.items()))


def last_checkpoint(scratch: Path, attempts: Iterable[Attempt]) -> tuple[int, Path] | None:
    """
    Return the step and folder of the last checkpoint that is known to be whole, or None.

    Training goes on only once a checkpoint is written, so one is whole if its attempt showed a later
    step. ``scratch`` holds a work folder for each attempt.
    """
    found: list[tuple[int, Path]] = []
    for attempt in attempts:
        for folder in (scratch / attempt.id / OUTPUT).glob("checkpoint-*"):
            number = folder.name.rpartition("-")[2]
            if number.isdigit() and int(number) < attempt.last_step:
                found.append((int(number), folder))
    return max(found, default=None)


def keep_left_logs(recording: Recording, folders: Iterable[Path]) -> None:
    """Keep the logs that earlier attempts left in their work folders."""
    for number, folder in enumerate(folders, 1):
        if (folder / LOG).is_file():
            recording.blob(f"{LEFT_LOG}{number}", folder / LOG)
