"""
What can be asked of a candidate and of a reference alike; they differ only in where records come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from statistics import median

from pytest_ernie.errors import EvidenceMissing, MeasurementError
from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements import accuracy, serving, throughput
from pytest_ernie.measurements.challenged import check_needles
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.measurements.training_run import TrainingRun, read_training_run
from pytest_ernie.standard import Criterion, Edition, Recipe, Workload, workloads_of


class Bench(ABC):
    """
    One side of a comparison. Every method returns what was measured, or raises why it can't.
    """

    name: str
    """"candidate" or "reference", as messages call it."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._throughputs: dict[str, throughput.Throughput] = {}

    def take_over(self, other: Bench) -> None:
        """Know what another bench of the same evidence has searched already: a search takes seconds."""
        self._throughputs.update(other._throughputs)

    @property
    @abstractmethod
    def store(self) -> Store:
        """The evidence that this side reads."""

    @abstractmethod
    def record(self, plan: Plan) -> Record:
        """Return the record of a plan; raises EvidenceError or MeasurementError."""

    def training_run(self, criterion: Criterion) -> TrainingRun:
        """Return the run of the recipe's 500 steps that loss and throughput share."""
        plan = self._training_plan(criterion)
        return read_training_run(self.store, self.record(plan), plan.recipe)

    def _training_plan(self, criterion: Criterion) -> TrainingPlan:
        return TrainingPlan(
            edition=self.edition.name,
            recipe=self._recipe(criterion),
            multimodal=self._is_multimodal(criterion),
        )

    def training_context(self, criterion: Criterion) -> TrainingRun:
        """Return the run at the criterion's length, which the rehearsal divides to fit a CPU."""
        assert criterion.length is not None
        recipe = self._there(
            criterion,
            self.edition.filled_recipe(criterion.model, criterion.method or "", criterion.length),
        )
        plan = TrainingPlan(
            edition=self.edition.name,
            recipe=recipe,
            length=criterion.length,
            multimodal=self._is_multimodal(criterion),
        )
        return read_training_run(self.store, self.record(plan), recipe)

    def training_context_if_any(self, criterion: Criterion) -> TrainingRun | None:
        """Return the run at the length, or None where this side has none (R12 compares if it can)."""
        try:
            return self.training_context(criterion)
        except EvidenceMissing:
            return None

    def trained_if_any(self, criterion: Criterion) -> Record | None:
        """
        Return what this side recorded of the criterion's training, None where it recorded nothing.

        EvidenceError where it trained by another recipe.
        """
        try:
            if criterion.length is None:
                return self.training_run(criterion).record
            return self.training_context(criterion).record
        except EvidenceMissing:
            return None

    def training_inputs(self, model: str) -> dict[str, str | None]:
        """Return the digests of what a training of the model would start from; empty if unknown."""
        return {}

    def served(self, criterion: Criterion) -> serving.Served:
        """Return what a server of the criterion's data type shows of itself."""
        return serving.read_served(self.record(serving.FactsPlan.of(self.edition, criterion)))

    def context(self, criterion: Criterion) -> serving.Context:
        """Return what a server did with a prompt of the criterion's length."""
        plan = serving.ContextPlan.of(self.edition, criterion)
        record = self.record(plan)
        check_needles(record, plan, self.store.challenge)
        return serving.read_context(record)

    def accuracy(self, criterion: Criterion) -> accuracy.Answers:
        """Return the score of every question of the criterion's data set."""
        return accuracy.read_answers(self.record(accuracy.AccuracyPlan.of(self.edition, criterion)))

    def peak_throughput(self, criterion: Criterion) -> throughput.Throughput:
        """
        Return the highest load within the limits on each workload of the model (R6, R7b).

        Of several runs (a reference's) the one with the median of the peaks counts (R14).
        """
        known = self._throughputs.get(criterion.name)
        if known is not None:
            return known
        model = self.edition.model(criterion.model)
        runs = [
            throughput.Throughput(
                by_workload=tuple(
                    self._measured_loads(criterion, workload, repeat)
                    for workload in workloads_of(self.edition, model)
                )
            )
            for repeat in range(1, self.throughput_runs + 1)
        ]
        middle = median(run.tokens_per_s for run in runs)
        counting = min(runs, key=lambda run: abs(run.tokens_per_s - middle))
        self._throughputs[criterion.name] = counting
        return counting

    @property
    def throughput_runs(self) -> int:
        """How often serving throughput is measured on this side."""
        return 1

    def _measured_loads(
        self, criterion: Criterion, workload: Workload, repeat: int
    ) -> throughput.WorkloadLoads:
        """Search the highest load that keeps the limits, and run the whole workload at it (R6)."""
        return throughput.searched(
            throughput.WorkloadLoads.empty(self.edition, criterion, workload),
            self.store,
            self.record,
            serving.Configuration.of(self.edition, criterion),
            workload,
            repeat,
        )

    def _is_multimodal(self, criterion: Criterion) -> bool:
        return self.edition.model(criterion.model).modality == "multimodal"

    def _recipe(self, criterion: Criterion) -> Recipe:
        return self._there(criterion, self.edition.recipe(criterion.model, criterion.method or ""))

    def _there(self, criterion: Criterion, recipe: Recipe | None) -> Recipe:
        if recipe is None:
            raise MeasurementError(
                f"the edition {self.edition.name} has no recipe for {criterion.method} of "
                f"{criterion.model}"
            )
        return recipe
