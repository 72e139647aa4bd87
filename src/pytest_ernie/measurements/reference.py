"""
The reference: somebody else's evidence, looked up by the same keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.errors import EvidenceError, EvidenceMissing, ReferenceBeingRecorded
from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.training import TrainingPlan
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


def reference_of(settings: Settings) -> Reference:
    """Return the reference that the settings name; asking it for anything says if there is none."""
    return Reference(settings)
