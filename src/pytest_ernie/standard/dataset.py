"""
The data sets of the accuracy clause, and the rule that judges their scores (R10, R11).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pytest_ernie.standard.fields import (
    Count,
    Data,
    Modality,
    NaturalNumber,
    Positive,
    Sentence,
    fraction,
)


class Evaluation(Data, frozen=True, kw_only=True):
    """How the evaluation library asks and scores a data set, and where its files are found."""

    benchmark: Sentence
    """The library's name of it."""
    modelscope: Sentence
    """Repository on ModelScope, whose cache is searched."""
    huggingface: Sentence
    """Repository on Hugging Face, whose cache is searched after that."""
    huggingface_zip: Sentence | None = None
    """What of that repository must be unpacked before its files are found."""
    licence: Sentence
    """Under which its makers say that they give it away; the suite ships none of it."""
    questions: Count
    """How many it has; a copy with fewer or more is another data set."""
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    """Digest over its questions and answers, whatever files they lie in; None: not known yet."""
    test: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Where the questions lie below its folder, the first pattern that fits; ``{subset}`` is a part."""
    train: tuple[Sentence, ...] = ()
    """Where the few-shot examples lie, if they come from files."""


class Dataset(Data, frozen=True, kw_only=True):
    """A question set of the accuracy clause (R11)."""

    name: Sentence
    modality: Modality
    domain: Sentence
    named_by_standard: bool
    few_shot: NaturalNumber
    max_tokens: Count
    average: Literal["questions", "groups"]
    """What weighs the same in the score: every question, or every subject or task."""
    prompt_seeds: Count
    """Prompts under which both sides are asked each question; the score is the mean over them (R10)."""
    false_fail: Annotated[float, Meta(ge=0, le=1)]
    """How probable an equal chip's FAIL by luck is, with ``rulings.accuracy.discordance``."""
    thinking: bool | None = None
    """Whether a model that can think does; None: nothing is said to the engine."""
    evaluation: Evaluation | None = None
    """None: lines of question and answer that are asked as they are and matched exactly."""


class AccuracyRule(Data, frozen=True, kw_only=True):
    """R10: points on the 0..100 scale, two-sided."""

    points_max: Positive
    confidence: float
    discordance: float
    """Share of the answers in which two equal chips are taken to differ."""
    false_fail_max: float
    """The number of prompt seeds keeps each data set's ``false_fail`` at or below this."""
    system_prompts: tuple[Sentence, ...]
    """What is said before the question under prompt seed 1, 2, ...; under seed 0 nothing is."""

    def __post_init__(self) -> None:
        for name in ("confidence", "discordance", "false_fail_max"):
            fraction(getattr(self, name), name)
