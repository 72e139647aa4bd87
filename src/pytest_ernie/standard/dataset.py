"""
Question sets of the accuracy clause (R11): how they are asked and scored, and where their files lie.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pytest_ernie.standard.fields import Count, Data, Modality, NaturalNumber, Sentence


class Evaluation(Data, frozen=True, kw_only=True):
    """How the evaluation library asks and scores a data set, and where its files are found."""

    benchmark: Sentence
    """The library's name of it."""
    modelscope: Sentence
    """Repository on ModelScope, whose cache is searched."""
    huggingface: Sentence
    """Repository on Hugging Face, whose cache is searched after that."""
    licence: Sentence
    """Under which its makers give it away; the suite ships none of it."""
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
    thinking: bool | None = None
    """Whether a model that can think does; None: nothing is said to the engine."""
    evaluation: Evaluation | None = None
    """None: lines of question and answer that are asked as they are and matched exactly."""
    average: Literal["questions", "groups"] = "questions"
    """What weighs the same in the score: every question, or every subject or task (R11)."""
    prompt_seeds: Count = 1
    """Prompts under which both sides are asked each question; the score is the mean over them (R10)."""
