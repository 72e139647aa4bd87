"""
The candidate: its evidence first, its device second, and neither twice.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.errors import (
    ErnieError,
    EvidenceMissing,
    ServerDied,
    ServerNotStarted,
    TrainerDied,
)
from pytest_ernie.evidence import Record, Recording, Store, Subject, What
from pytest_ernie.evidence.writing import FULL, cannot_write
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.local import local_redaction
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.reference import Reference, reference_of
from pytest_ernie.measurements.serving import keep_logs
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.measurements.training_run import TrainingRun
from pytest_ernie.measurements.watched import watched
from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard import Criterion

if TYPE_CHECKING:
    from pytest_ernie.registry import Registry
    from pytest_ernie.settings import Settings


class Candidate(Bench):
    """
    The device under certification, live: what isn't in the evidence yet is measured and kept.

    A measurement that failed is remembered until the end of the run, so that forty criteria don't wait
    for the same failure forty times; the next run tries again.
    """

    name = "candidate"

    def __init__(self, settings: Settings, equipment: Equipment) -> None:
        super().__init__(settings.edition)
        self._settings = settings
        self._equipment = equipment
        redaction = local_redaction(settings, os.environ)
        self._store = Store(settings.evidence, redaction, settings.challenge)
        self._failed: dict[str, ErnieError] = {}
        self._remeasured: set[str] = set()
        self._restarts: dict[str, int] = {}
        self.measured = 0
        """How many measurements this run made."""

    @property
    def store(self) -> Store:
        return self._store

    @property
    def throughput_runs(self) -> int:
        return _throughput_runs(self._settings)

    def training_run(self, criterion: Criterion) -> TrainingRun:
        """Return the run; of a reference in the making, record the repeats of its loss as well."""
        run = super().training_run(criterion)
        if self._settings.record_reference and criterion.clause == "training.loss":
            plan = self._training_plan(criterion)
            for repeat in range(2, self.edition.rulings.loss.reference_runs + 1):
                self.record(msgspec.structs.replace(plan, repeat=repeat))
        return run

    def _training_plan(self, criterion: Criterion) -> TrainingPlan:
        plan = super()._training_plan(criterion)
        if not self._settings.stop_early:
            return plan
        try:
            followed = self._followed.training_run(criterion).losses
        except EvidenceMissing:
            return plan
        return msgspec.structs.replace(plan, stop_early=(followed, self.edition.rulings.loss))

    @cached_property
    def _followed(self) -> Reference:
        """The reference by which --stop-early ends a run."""
        reference = reference_of(self._settings)
        reference.refuse_certifying()
        return reference

    def record(self, plan: Plan) -> Record:
        """Return the record of both halves of the key, measured now if there is none."""
        what = plan.what
        if what.digest in self._failed:
            raise self._failed[what.digest]
        self._store.check_challenge()
        while True:
            try:
                return self._found_or_measured(plan)
            except ServerDied as died:
                if died.again:  # once in a run for each server: the pool counts
                    continue
                self._failed[what.digest] = died
                raise
            except TrainerDied as died:
                if self._may_restart(what):
                    continue
                self._failed[what.digest] = died
                raise
            except ErnieError as error:
                self._failed[what.digest] = error
                raise
            except OSError as problem:
                if problem.errno not in FULL:
                    raise
                full = self._failed[what.digest] = cannot_write(self._settings.evidence, problem)
                raise full from problem

    def _may_restart(self, what: What) -> bool:
        """Tell whether the site lets a trainer that died be started again, and count it."""
        trainer = self._equipment.site.trainer
        self._restarts[what.digest] = self._restarts.get(what.digest, 0) + 1
        return trainer is not None and self._restarts[what.digest] <= trainer.restarts

    def _found_or_measured(self, plan: Plan) -> Record:
        what, subject = plan.what, plan.subject(self._equipment)
        fresh = self._settings.fresh if what.digest not in self._remeasured else None
        found = None if fresh else self._store.find(what, subject)
        if found is not None:
            return found
        with plan.equipped(self._equipment), self._store.exclusive(what):
            found = None if fresh else self._store.find(what, subject)
            if found is not None:  # by another process, while this one waited
                return found
            self._measure(plan, what, subject, fresh)
            self._remeasured.add(what.digest)  # a second try after the server's death is fresh, too
            self.measured += 1
        found = self._store.find(what, subject)
        assert found is not None
        return found

    def _measure(self, plan: Plan, what: What, subject: Subject, fresh: str | None) -> None:
        """
        Share the machine with other measurements, or have it alone where seconds count.

        A record spans the measuring alone, not the waiting for others.
        """
        holdings, title = self._equipment.holdings, what.title

        def recording() -> AbstractContextManager[Recording]:
            digest = self._settings.edition_digest
            return self._store.recording(what, subject, digest, reason=fresh)

        if plan.timed:
            try:
                with holdings.machine("shared", title):
                    plan.make_ready(self._equipment)
            except ErnieError as problem:
                with recording() as kept:
                    if isinstance(problem, ServerNotStarted):
                        keep_logs(problem.logs, kept)
                    raise
        with holdings.machine("alone" if plan.timed else "shared", title), recording() as kept:
            if plan.timed:
                with watched(self._equipment, kept):
                    plan.measure(self._equipment, kept)
            else:
                plan.measure(self._equipment, kept)

    def training_inputs(self, model: str) -> dict[str, str | None]:
        """Return the digests of the training data and of the weights."""
        return {
            "training data": self._equipment.training_data_digest(model),
            "checkpoint": self._equipment.weights_digest(model),
        }

    @property
    def left_behind(self) -> tuple[str, ...]:
        """What stopped servers left on this machine, a line each."""
        return self._equipment.left_behind

    def close(self) -> None:
        """Stop what was started for measuring."""
        self._equipment.close()


class OfflineCandidate(Bench):
    """The candidate's evidence without its device: what isn't recorded can't be judged."""

    name = "candidate"
    left_behind: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.edition)
        self._settings = settings
        self._store = Store(settings.evidence, challenge=settings.challenge)
        self.measured = 0

    @property
    def store(self) -> Store:
        return self._store

    @property
    def throughput_runs(self) -> int:
        return _throughput_runs(self._settings)

    def record(self, plan: Plan) -> Record:
        """Return the only record of that measurement, whatever device it was made on."""
        if self._settings.challenge is not None:  # without one asked for, the evidence's own holds
            self._store.check_challenge()
        found = self._store.find(plan.what)
        if found is None:
            tried = self._store.failure_of(plan.what)
            raise EvidenceMissing(
                f"nothing is recorded for {plan.what.title}",
                where=self._settings.evidence,
                got=None if tried is None else f"an attempt that failed: {tried}",
                fix="Run without --offline on the device to measure it",
            )
        return found

    def close(self) -> None:
        """Nothing was started."""


def _throughput_runs(settings: Settings) -> int:
    """Return how often the whole workload is run: a reference's figure is a median (R14)."""
    rule = settings.edition.rulings.reference
    return rule.throughput_runs if settings.record_reference else 1


def candidate_of(
    settings: Settings, registry: Registry, progress: Progress = silent
) -> Candidate | OfflineCandidate:
    """Return the candidate that the settings ask for."""
    if settings.offline:
        return OfflineCandidate(settings)
    return Candidate(settings, Equipment(settings, registry, progress))
