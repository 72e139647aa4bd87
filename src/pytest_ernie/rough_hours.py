"""
Rough hours for ``pytest-ernie plan`` where nothing is recorded: arithmetic from two figures of the user's.

    training     6 operations a parameter and token, both ways (Kaplan et al. 2020, table 1); 4 with
                 LoRA, whose backward pass needs no gradients of the frozen weights
    serving      each stream gives tokens at the model's own limit of decode speed; an answer is as long
                 as the workload's mean

Attention, recomputation, loading weights and the search's trials aren't in it: half or double is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pytest_ernie.questions import Question
from pytest_ernie.standard import Criterion, Edition
from pytest_ernie.standard.criteria import workloads_of
from pytest_ernie.standard.recipe import Recipe
from pytest_ernie.trainers import layouts

OPERATIONS = {"sft": 6.0, "sft_lora": 4.0}
ACTIVE = re.compile(r"(?:-A|-)(\d+(?:\.\d+)?)B$")
ANSWER_TOKENS = 200.0
"""Where the edition has no workload to take the mean from."""


class Assumed(NamedTuple):
    """What the user says of the machine."""

    device: str
    cards: int
    card_tflops: float
    """Operations in 1e12 that a card really does each second while it trains."""
    streams: int
    """Requests in flight that the machine holds within the limits."""


def rough_hours(
    edition: Edition, chosen: Iterable[Criterion], assumed: Assumed
) -> dict[Question, float]:
    """Return seconds by question, as far as the edition tells what a measurement consists of."""
    found = {}
    for criterion in chosen:
        seconds = _seconds(edition, criterion, assumed)
        if seconds is not None:
            found[Question.of(criterion)] = seconds
    return found


def active_parameters(model: str) -> float | None:
    """Return the parameters that a token passes through, by the model's name: A47B or 0.3B."""
    named = ACTIVE.search(model)
    return None if named is None else float(named[1]) * 1e9


def _seconds(edition: Edition, criterion: Criterion, assumed: Assumed) -> float | None:
    parameters = active_parameters(criterion.model)
    if parameters is None:
        return None
    if criterion.method is not None:
        recipe = (
            edition.recipe(criterion.model, criterion.method)
            if criterion.length is None
            else edition.filled_recipe(criterion.model, criterion.method, criterion.length)
        )
        return None if recipe is None else training_s(recipe, parameters, assumed)
    model = edition.model(criterion.model)
    streams_tokens_per_s = assumed.streams * model.limits.decode_tokens_per_s
    loads = workloads_of(edition, model)
    if criterion.clause == "inference.throughput":
        tokens = sum(load.prompts * load.output_tokens_mean for load in loads)
        return tokens / streams_tokens_per_s
    if criterion.dataset is not None:
        dataset = next(data for data in edition.datasets if data.name == criterion.dataset)
        if dataset.evaluation is None:
            return None
        asked = dataset.evaluation.questions * dataset.prompt_seeds
        mean = max((load.output_tokens_mean for load in loads), default=ANSWER_TOKENS)
        return asked * mean / streams_tokens_per_s
    return None


def training_s(recipe: Recipe, parameters: float, assumed: Assumed) -> float:
    """Return the seconds of a run, on as many cards as it needs if the machine has fewer."""
    tokens = recipe.steps * recipe.global_batch * recipe.sequence_length
    layout = layouts.find(recipe.model, assumed.device, recipe.method, recipe.sequence_length)
    cards = max(assumed.cards, layout.least)
    return OPERATIONS[recipe.method] * parameters * tokens / (cards * assumed.card_tflops * 1e12)
