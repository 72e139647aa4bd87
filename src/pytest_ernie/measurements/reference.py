"""
The reference: somebody else's evidence, looked up by the same keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.errors import (
    EvidenceError,
    EvidenceMissing,
    ReferenceBeingRecorded,
    UsageProblem,
)
from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.measurements.training_run import TrainingRun, read_training_run
from pytest_ernie.standard import Criterion
from pytest_ernie.standard.recipe import differences

if TYPE_CHECKING:
    from pytest_ernie.settings import Settings


class Reference(Bench):
    """
    Evidence recorded on the benchmark's hardware, or on whatever a bring-up compares with.
    """

    name = "reference"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.edition)
        self._settings = settings
        self._opened: Store | None = None

    @property
    def store(self) -> Store:
        if self._settings.record_reference:
            raise ReferenceBeingRecorded
        if self._settings.reference is None:
            raise EvidenceMissing(
                "no reference was given",
                fix="Record one on the benchmark's hardware with --record-reference, and name its "
                "folder with --reference",
            )
        if self._opened is None:
            self._opened = Store.existing(self._settings.reference)
        return self._opened

    @cached_property
    def _further(self) -> tuple[Store, ...]:
        """Further references, which only show how far references agree with each other."""
        return tuple(Store.existing(folder) for folder in self._settings.more_references)

    def training_run(self, criterion: Criterion) -> TrainingRun:
        """Return the first recording, with all others beside it."""
        first = super().training_run(criterion)
        plan = self._training_plan(criterion)
        repeats = tuple(
            read_training_run(store, record, plan.recipe)
            for store, record in self._repeats(plan, first.record)
        )
        return msgspec.structs.replace(first, repeats=repeats)

    def _repeats(self, plan: TrainingPlan, first: Record) -> Iterator[tuple[Store, Record]]:
        """Yield the recordings besides the first, of its folder and of the further ones."""
        for store in (self.store, *self._further):
            number = 2 if store is self.store else 1
            while (record := store.find(_numbered(plan, number).what)) is not None:
                _refuse_other_run(record, first, store)
                yield store, record
                number += 1

    def refuse_certifying(self) -> None:
        """Raise UsageProblem if what is compared with this could certify (R14): --stop-early may not."""
        rule = self.edition.rulings.reference
        names = [str(subject.device.get("name", "")) for subject in self.store.subjects()]
        on_its_hardware = all(any(part in name for part in rule.hardware) for name in names)
        if self.edition.certifies and on_its_hardware:
            raise UsageProblem(
                "--stop-early can't be used in a run that could certify: throughput, and whoever takes it "
                "for a reference, needs every step",
                got=f"a reference of {', '.join(sorted(set(names)))}",
                fix="Leave --stop-early out",
            )

    @property
    def throughput_runs(self) -> int:
        return self.edition.rulings.reference.throughput_runs

    def record(self, plan: Plan) -> Record:
        """Return the reference's only record of that measurement."""
        store = self.store
        found = store.find(plan.what)
        if found is None:
            self._refuse_other_recipe(plan)
            near = store.near(plan.what)
            raise EvidenceMissing(
                f"the reference holds no {plan.what.title}"
                + (f" (the nearest one differs in {near})" if near else ""),
                where=store.folder,
                fix="Record it on the reference's machine with --record-reference",
            )
        return found

    def _refuse_other_recipe(self, plan: Plan) -> None:
        """
        Raise EvidenceError if the reference trained this by another recipe, naming the difference (R14).
        """
        if not isinstance(plan, TrainingPlan):
            return
        for what in self.store.measured():
            if msgspec.structs.replace(what, recipe=plan.what.recipe) != plan.what:
                continue
            other = self.store.find(what)
            if other is None or what == plan.what:
                continue
            told = differences(plan.recipe.identity, other.data.get("recipe") or {})
            known = "recipe" in other.data
            raise EvidenceError(
                "candidate and reference don't train by the same recipe, so they can't be compared",
                where=plan.what.title,
                got=f"{'; '.join(told)} in the reference" if known else "another recipe's digest",
                wanted="the edition's recipe on both sides",
                fix="Record the reference anew with this version of the suite",
            )


def _numbered(plan: TrainingPlan, number: int) -> TrainingPlan:
    """Return the plan of a further recording; the first bears no number."""
    return msgspec.structs.replace(plan, repeat=number if number > 1 else None)


def _refuse_other_run(record: Record, first: Record, store: Store) -> None:
    """Raise EvidenceError if a further recording had other weights or data than the first."""
    for what, own, other in (
        ("checkpoint", record.subject.checkpoint, first.subject.checkpoint),
        (
            "training data",
            record.data.get("training_data_sha256"),
            first.data.get("training_data_sha256"),
        ),
    ):
        if own != other:
            raise EvidenceError(
                f"two recordings of the reference don't have the same {what}, so they show no noise",
                where=store.folder,
                fix="Leave that folder out of --reference",
            )


def reference_of(settings: Settings) -> Reference:
    """Return the reference that the settings name; asking it for anything says if there is none."""
    return Reference(settings)
