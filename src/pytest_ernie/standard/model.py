"""
The certification standard as data: what an edition file holds, and nothing that decides.

Every field is required unless the standard itself leaves it out, unknown keys are refused, and a
number that breaks its own rule is refused while the file is read, never later.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pytest_ernie.standard.dataset import AccuracyRule as AccuracyRule
from pytest_ernie.standard.dataset import Dataset as Dataset
from pytest_ernie.standard.dataset import Evaluation as Evaluation
from pytest_ernie.standard.datatypes import DataType as DataType
from pytest_ernie.standard.datatypes import DataTypeRule as DataTypeRule
from pytest_ernie.standard.fields import (
    Count,
    Data,
    Method,
    Modality,
    NaturalNumber,
    Positive,
    Sentence,
    fraction,
)
from pytest_ernie.standard.noise import LayoutNoise
from pytest_ernie.standard.recipe import Recipe, SupervisedData

Phase = Literal["training", "inference", "reinforcement"]
ClauseId = Literal[
    "training.loss",
    "training.throughput",
    "training.context",
    "inference.datatype",
    "inference.throughput",
    "inference.context",
    "inference.accuracy",
    "reinforcement",
]


def _window(first_step: int, last_step: int) -> None:
    if first_step > last_step:
        raise ValueError(f"window {first_step}..{last_step} is empty")


class Tier(Data, frozen=True, kw_only=True):
    """A row of the standard's table (R1: a row is met when all of its criteria are)."""

    number: Annotated[int, Meta(ge=1, le=3)]
    name: Literal["I", "II", "III"]
    datatype: DataType
    contexts: Annotated[tuple[Count, ...], Meta(min_length=1)]
    """Context lengths in tokens (R12), ascending."""
    training_share: float | None = None
    """Share of the benchmark's training token/s; None where the standard says 无要求."""
    serving_share: float | None = None
    """Share of the benchmark's TPS of one machine; None where the standard says 无性能要求."""

    def __post_init__(self) -> None:
        fraction(self.training_share, "training_share")
        fraction(self.serving_share, "serving_share")
        if list(self.contexts) != sorted(set(self.contexts)):
            raise ValueError(f"contexts must ascend without repeats, got {list(self.contexts)}")
        if self.name != "I" * self.number:
            raise ValueError(f"tier {self.name} has the number {self.number}")
        if self.number > 1 and (self.training_share is None or self.serving_share is None):
            raise ValueError(f"tier {self.name} lacks training_share or serving_share")


class Clause(Data, frozen=True, kw_only=True):
    """A sentence of the standard, in its own words."""

    id: ClauseId
    phase: Phase
    text: Sentence
    summary: Sentence
    """One English sentence for the report."""
    unspecified: bool = False
    """The standard has the column but left it empty (reinforcement learning)."""

    def __post_init__(self) -> None:
        if self.unspecified != (self.id == "reinforcement"):
            raise ValueError(f"{self.id} can't be unspecified = {str(self.unspecified).lower()}")


class Limits(Data, frozen=True, kw_only=True):
    """Latency bounds of the throughput test; the mean over requests decides (R7)."""

    decode_tokens_per_s: Positive
    """Floor of the decode speed of one request."""
    ttft_s: Positive
    """Ceiling of the time to first token of text prompts, seconds."""
    ttft_multimodal_s: Positive | None = None
    """Ceiling for prompts with an image, seconds; None for text models."""


class Model(Data, frozen=True, kw_only=True):
    """A certifiable model, under the standard's own name."""

    name: Sentence
    modality: Modality
    architecture: Literal["dense", "moe"]
    limits: Limits
    checkpoint: Sentence
    """Where its weights are published (a repository name), or ``rehearsal`` for the shipped one."""
    clauses: tuple[ClauseId, ...] = ()
    """The clauses that a stand-in is asked about, where another stands in for the rest; empty: all."""

    def __post_init__(self) -> None:
        if (self.modality == "multimodal") != (self.limits.ttft_multimodal_s is not None):
            raise ValueError(
                f"{self.name} is {self.modality}: limits.ttft_multimodal_s is "
                + ("missing" if self.modality == "multimodal" else "not allowed")
            )


class Workload(Data, frozen=True, kw_only=True):
    """Prompts of the throughput clause and how their answers' lengths are fixed (R9)."""

    name: Sentence
    modality: Modality
    source: Sentence
    prompts: Count
    seed: NaturalNumber
    output_tokens_min: Count
    output_tokens_max: Count
    output_tokens_mean: Positive
    """About the mean length of an answer; it guides the search for the highest load, no verdict."""
    concurrency_start: Count
    """The first load of that search, requests in flight."""
    concurrency_most: Count
    """The highest load that is tried."""

    def __post_init__(self) -> None:
        if self.output_tokens_min > self.output_tokens_max:
            raise ValueError(
                f"output_tokens_min {self.output_tokens_min} is above output_tokens_max "
                f"{self.output_tokens_max}"
            )
        if self.concurrency_start > self.concurrency_most:
            raise ValueError(
                f"concurrency_start {self.concurrency_start} is above concurrency_most "
                f"{self.concurrency_most}"
            )


class LossRule(Data, frozen=True, kw_only=True):
    """R2 window, R3 outliers, R4 divergence of the loss clause."""

    first_step: Count
    last_step: Count
    tolerance: Positive
    """Largest |candidate - reference| of a step that is no outlier."""
    max_outliers: NaturalNumber
    divergence_growth: Positive
    """Theil-Sen slope of |difference| times the window's steps, above which the curve may diverge."""
    divergence_significance: float
    """Level of the one-sided Mann-Kendall test that must agree."""
    reference_runs: Count
    """Recordings of a reference's run; more than one show how far it agrees with itself."""
    layout_noise: LayoutNoise

    def __post_init__(self) -> None:
        fraction(self.divergence_significance, "divergence_significance")
        _window(self.first_step, self.last_step)


class TrainingThroughputRule(Data, frozen=True, kw_only=True):
    """R5: effective tokens per second and card over these steps, warm-up included."""

    first_step: Count
    last_step: Count
    share_confidence: float
    """Of the share's interval, which is shown."""

    def __post_init__(self) -> None:
        fraction(self.share_confidence, "share_confidence")
        _window(self.first_step, self.last_step)


class TrainingContextRule(Data, frozen=True, kw_only=True):
    """R12: a run of its own with samples truly filled to the length."""

    steps: Count
    global_batch: Count
    """Samples a step; they are as long as the length, so fewer than in the loss run do."""
    tolerance: Positive
    filled_share: float
    """Least share of the length that the tokens of a sample must fill."""
    length_divisor: Count
    """1, or what the rehearsal divides the length by to fit a CPU."""

    def __post_init__(self) -> None:
        fraction(self.filled_share, "filled_share")


class ServingContextRule(Data, frozen=True, kw_only=True):
    """R12: a prompt that fills the window is accepted, counted and answered."""

    output_tokens: Count
    filled_share: float
    needle_depths: Annotated[tuple[float, ...], Meta(min_length=1)]
    """Where the needles lie, as fractions of the prompt."""
    needles_lost_max: NaturalNumber
    """How many fewer needles than the reference may be found."""
    reference_needles_min: NaturalNumber
    """Fewer found by the reference itself prove nothing: INCONCLUSIVE."""

    def __post_init__(self) -> None:
        fraction(self.filled_share, "filled_share")
        for depth in self.needle_depths:
            fraction(depth, "needle_depths")


class ServingThroughputRule(Data, frozen=True, kw_only=True):
    """R6 to R9 of the serving throughput clause."""

    failed_share_max: Annotated[float, Meta(ge=0, le=1)]
    full_length_share_min: float
    """Least share of answers that reach their fixed length on an engine without min_tokens."""
    latency_percentile_shown: Literal[50, 90, 99]
    search_confidence: float
    """How sure each finding of the search for the highest load must be."""
    search_requests_max: Count
    client_cpu_share_max: float
    """Share of one core above which the load client itself may have been the bottleneck."""
    client_waited_share_max: float
    """Share of the time in which it was ready to run and had no processor."""
    client_roofline_share_max: float
    """The same of the events a second that the client can take on this host."""
    client_lateness_share_max: float
    """Requests may leave so late on average, as a share of the first-token limit."""
    client_in_flight_share_min: float
    """So much of the load must truly have been in flight."""

    def __post_init__(self) -> None:
        for name in (
            "full_length_share_min",
            "search_confidence",
            "client_cpu_share_max",
            "client_waited_share_max",
            "client_roofline_share_max",
            "client_lateness_share_max",
            "client_in_flight_share_min",
        ):
            fraction(getattr(self, name), name)


class TrustedKey(Data, frozen=True, kw_only=True):
    """A key whose owner may vouch for a reference, or certify (R14, R16)."""

    name: Sentence
    """Whose it is, as reports say it."""
    key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """The Ed25519 public key, as ``pytest-ernie keys new`` prints it."""


class ReferenceRule(Data, frozen=True, kw_only=True, omit_defaults=True):
    """R14: whose evidence may stand for the benchmark."""

    hardware: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Accelerator names that certify, as the device's tool prints them (a part is enough)."""
    throughput_runs: Count
    """Serving throughput runs of a reference; the median counts."""
    same_machine_for_throughput: bool
    """Only figures of the candidate's own machine are compared (the rehearsal: CPUs differ)."""
    trusted_keys: tuple[TrustedKey, ...] = ()
    """Whose signature makes a reference one that can certify; none yet: nobody has published a key."""

    def __post_init__(self) -> None:
        keys = [entry.key for entry in self.trusted_keys]
        if len(set(keys)) != len(keys):
            raise ValueError("trusted_keys names a key twice")


class Rulings(Data, frozen=True, kw_only=True):
    """Every ruling that is a number; docs/interpretations.md explains each."""

    loss: LossRule
    training_throughput: TrainingThroughputRule
    training_context: TrainingContextRule
    serving_context: ServingContextRule
    serving_throughput: ServingThroughputRule
    accuracy: AccuracyRule
    reference: ReferenceRule


class Edition(Data, frozen=True, kw_only=True):
    """One edition of the certification: an official text, or a scaled one for rehearsal."""

    schema: Literal[1]
    name: Sentence
    title: Sentence
    source: Sentence
    certifies: bool
    """False: nothing recorded under it can certify."""
    scaled: tuple[Sentence, ...]
    """What differs from the standard, a sentence each; must be empty if the edition certifies."""
    methods: Annotated[tuple[Method, ...], Meta(min_length=1)]
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=3, max_length=3)]
    clauses: Annotated[tuple[Clause, ...], Meta(min_length=1)]
    models: Annotated[tuple[Model, ...], Meta(min_length=1)]
    datatypes: Annotated[tuple[DataTypeRule, ...], Meta(min_length=1)]
    datasets: Annotated[tuple[Dataset, ...], Meta(min_length=1)]
    workloads: Annotated[tuple[Workload, ...], Meta(min_length=1)]
    rulings: Rulings
    supervised_data: tuple[SupervisedData, ...] = ()
    recipes: tuple[Recipe, ...] = ()

    def tier(self, number: int) -> Tier:
        """Return tier ``number`` (1, 2 or 3)."""
        return next(tier for tier in self.tiers if tier.number == number)

    def model(self, name: str) -> Model:
        """Return the model of that name; KeyError if the edition has none."""
        for model in self.models:
            if model.name == name:
                return model
        raise KeyError(name)

    def clause(self, id: str) -> Clause:
        """Return the clause of that id; KeyError if the edition has none."""
        for clause in self.clauses:
            if clause.id == id:
                return clause
        raise KeyError(id)

    def dataset(self, name: str) -> Dataset:
        """Return the data set of that name; KeyError if the edition has none."""
        for dataset in self.datasets:
            if dataset.name == name:
                return dataset
        raise KeyError(name)

    def datatype(self, name: str) -> DataTypeRule:
        """Return the rule of a data type; KeyError if the edition has none."""
        for rule in self.datatypes:
            if rule.name == name:
                return rule
        raise KeyError(name)

    def recipe(self, model: str, method: str, length: int | None = None) -> Recipe | None:
        """
        Return the recipe of a model and method, or None where the edition has none.

        ``length``, tokens: the recipe of just that length, else that of the run of 500 steps, which
        is the shortest (8K in the official edition).
        """
        recipes = [r for r in self.recipes if (r.model, r.method) == (model, method)]
        for recipe in recipes:
            if length is not None and length in recipe.lengths:
                return recipe.at(length)
        return min(recipes, key=lambda recipe: recipe.sequence_length, default=None)

    def filled_recipe(self, model: str, method: str, length: int) -> Recipe | None:
        """Return the recipe of the run whose samples are filled to a length, tokens (R12)."""
        recipe = self.recipe(model, method, length)
        rule = self.rulings.training_context
        return (
            None
            if recipe is None
            else msgspec.structs.replace(
                recipe,
                steps=rule.steps,
                sequence_length=length // rule.length_divisor,
                also_at=(),
                micro_batch=1,
                global_batch=rule.global_batch,
                warmup_steps=0,
            )
        )
