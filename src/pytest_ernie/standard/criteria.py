"""
Criteria: clause x model x what varies. The edition says what exists; this file only multiplies.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from pytest_ernie.standard.dataset import Dataset
from pytest_ernie.standard.model import Edition, Model, Tier, Workload


class Criterion(Struct, frozen=True, kw_only=True):
    """
    One thing to be shown, one pytest item.

    ``tier`` is set where threshold or data type belong to one tier; a criterion that several tiers
    share carries none. ``tiers`` are the rows that need it.
    """

    clause: str
    model: str
    tiers: tuple[int, ...]
    tier: int | None = None
    method: str | None = None
    datatype: str | None = None
    length: int | None = None
    dataset: str | None = None
    share: float | None = None

    @property
    def id(self) -> str:
        """A name that a person can type for ``-k``: no spaces, no parentheses."""
        parts = (
            None if self.tier is None else f"tier{self.tier}",
            self.model,
            self.method,
            self.datatype,
            self.dataset,
            None if self.length is None else str(self.length),
        )
        return "-".join(part for part in parts if part)

    @property
    def name(self) -> str:
        """Clause and id, unique in an edition: ``training.loss[ERNIE-4.5-0.3B-sft]``."""
        return f"{self.clause}[{self.id}]"


def criteria(edition: Edition) -> tuple[Criterion, ...]:
    """Return every criterion of the edition, in the order of its clauses."""
    builders = {
        "training.loss": _training_loss,
        "training.throughput": _training_throughput,
        "training.context": _training_context,
        "inference.datatype": _inference_datatype,
        "inference.throughput": _inference_throughput,
        "inference.context": _inference_context,
        "inference.accuracy": _inference_accuracy,
    }
    return tuple(
        criterion
        for clause in edition.clauses
        if not clause.unspecified
        for model in edition.models
        if not model.clauses or clause.id in model.clauses
        for criterion in builders[clause.id](edition, model)
    )


def datasets_of(edition: Edition, model: Model) -> tuple[Dataset, ...]:
    """Return the question sets that the model answers (text models: text sets; VL: multimodal)."""
    return tuple(data for data in edition.datasets if data.modality == model.modality)


def workloads_of(edition: Edition, model: Model) -> tuple[Workload, ...]:
    """Return the workloads under which the model must keep its limits (R7b: VL models, both)."""
    return tuple(
        load
        for load in edition.workloads
        if load.modality == "text" or model.modality == "multimodal"
    )


def _shared_lengths(edition: Edition) -> dict[int, tuple[int, ...]]:
    """Return each context length with the tiers that need it."""
    lengths = sorted({length for tier in edition.tiers for length in tier.contexts})
    return {
        length: tuple(tier.number for tier in edition.tiers if length in tier.contexts)
        for length in lengths
    }


def _training_loss(edition: Edition, model: Model) -> Iterator[Criterion]:
    tiers = tuple(tier.number for tier in edition.tiers)
    for method in edition.methods:
        yield Criterion(clause="training.loss", model=model.name, method=method, tiers=tiers)


def _training_throughput(edition: Edition, model: Model) -> Iterator[Criterion]:
    for tier in edition.tiers:
        if tier.training_share is None:
            continue
        for method in edition.methods:
            yield Criterion(
                clause="training.throughput",
                model=model.name,
                method=method,
                tier=tier.number,
                tiers=(tier.number,),
                share=tier.training_share,
            )


def _training_context(edition: Edition, model: Model) -> Iterator[Criterion]:
    for method in edition.methods:
        for length, tiers in _shared_lengths(edition).items():
            yield Criterion(
                clause="training.context",
                model=model.name,
                method=method,
                length=length,
                tiers=tiers,
            )


def _of_tier(clause: str, model: Model, tier: Tier, **varying: object) -> Criterion:
    return Criterion(
        clause=clause,
        model=model.name,
        tier=tier.number,
        tiers=(tier.number,),
        datatype=tier.datatype,
        **varying,  # type: ignore[arg-type]  # a criterion's own fields
    )


def _inference_datatype(edition: Edition, model: Model) -> Iterator[Criterion]:
    for tier in edition.tiers:
        yield _of_tier("inference.datatype", model, tier)


def _inference_throughput(edition: Edition, model: Model) -> Iterator[Criterion]:
    for tier in edition.tiers:
        if tier.serving_share is not None:
            yield _of_tier("inference.throughput", model, tier, share=tier.serving_share)


def _inference_context(edition: Edition, model: Model) -> Iterator[Criterion]:
    for tier in edition.tiers:
        for length in tier.contexts:
            yield _of_tier("inference.context", model, tier, length=length)


def _inference_accuracy(edition: Edition, model: Model) -> Iterator[Criterion]:
    for tier in edition.tiers:
        for dataset in datasets_of(edition, model):
            yield _of_tier("inference.accuracy", model, tier, dataset=dataset.name)
