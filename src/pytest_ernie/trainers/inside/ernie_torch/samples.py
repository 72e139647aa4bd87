"""
Samples as PaddleFormers 1.2 feeds them: template ernie_nothink, no packing, random_shuffle, right cut.

Read from its sources (datasets/SFTDataset.py, reader/convertor.py, reader/mix_datasets.py,
template/template.py, collate.py), and held to what it fed in a real run by a test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

START = "<|begin_of_sentence|>"
SEPARATOR = "<|end_of_sentence|>"
END = "</s>"
IGNORED = -100
"""A label that isn't learned."""
RESERVED = 2
"""Start and end mark: what has no more tokens than these isn't trained."""

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Sample:
    """Token ids, and for each position the id that must come next (IGNORED where nothing is learned)."""

    ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Conversation:
    """A checked line of the data set."""

    system: str
    questions: list[str]
    answers: list[str]


def read_conversations(data: Path) -> list[Conversation]:
    """
    Return the data set's conversations; lines that PaddleFormers leaves out are left out.

    ValueError if a line is no JSON, which stops PaddleFormers, too.
    """
    found = []
    with data.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                raw = json.loads(line)
            except ValueError as problem:
                raise ValueError(f"line {number} is no JSON: {problem}") from None
            if conversation := _conversation(raw):
                found.append(conversation)
    return found


def _conversation(raw: Any) -> Conversation | None:
    try:
        questions, answers = _texts(raw["src"]), _texts(raw["tgt"])
        if not questions or not all(text.strip() for text in questions + answers):
            return None
        # PaddleFormers wants as many labels as turns, and then learns every answer all the same.
        if not len(questions) == len(answers) == len(raw.get("label", questions)):
            return None
        system = raw.get("system", "")
        if raw.get("is_system", 0) == 1:
            system = questions[0]
            questions, answers = questions[1:], answers[1:]
        if not isinstance(system, str):
            return None
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    return Conversation(system=system, questions=questions, answers=answers)


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def encoded(conversation: Conversation, encode: Encode, sequence_length: int) -> Sample | None:
    """
    Return the sample that is trained, or None if nothing of it is.

    Every part is tokenised by itself. Answers are learned, and the end mark; the separators between
    turns are not. What is too long loses its end.
    """
    if not conversation.questions:
        return None
    ids = list(encode(START))
    if conversation.system:
        ids += encode(f"{conversation.system}\n")
    labels = [IGNORED] * len(ids)
    separator, end = encode(SEPARATOR), encode(END)
    last = len(conversation.questions) - 1
    turns = zip(conversation.questions, conversation.answers, strict=True)
    for number, (question, answer) in enumerate(turns):
        source = encode(f"User: {question}\nAssistant: ")
        target = encode(answer)
        between = separator if number < last else []
        if not target and not between:
            return None
        ids += source + target + between
        labels += [IGNORED] * len(source)
        labels += target + [IGNORED] * len(between)
    if len(ids) <= RESERVED:
        return None
    _learn_ends(ids, labels, end)
    ids, labels = (ids + end)[:sequence_length], (labels + end)[:sequence_length]
    labels = [*labels[1:], IGNORED]
    if all(label == IGNORED for label in labels):
        return None
    return Sample(ids=ids, labels=labels)


def _learn_ends(ids: list[int], labels: list[int], end: list[int]) -> None:
    """Learn an end mark that follows an answer directly (a template whose separator is that mark)."""
    start = 0
    for i in range(1, len(labels) + 1):
        if labels[i - 1] != IGNORED and i < len(labels) and labels[i] == IGNORED:
            start = i
        elif (
            start > 0
            and labels[i - 1] == IGNORED
            and (i == len(labels) or labels[i] != IGNORED)
            and i - start >= len(end)
            and ids[start : start + len(end)] == end
        ):
            labels[start : start + len(end)] = end


def order(count: int, seed: int) -> Iterator[list[int]]:
    """
    Yield the order of each pass over ``count`` conversations, for ever.

    One generator for all passes, and each pass shuffles the order of the one before.
    """
    generator = np.random.RandomState(seed)
    indices = list(range(count))
    while True:
        generator.shuffle(indices)
        yield list(indices)


def stream(
    conversations: Sequence[Conversation], encode: Encode, sequence_length: int, seed: int
) -> Iterator[Sample]:
    """
    Yield samples in the order of training, for ever.

    At the end of each pass PaddleFormers gives its last sample once more, and so does this.
    ValueError if a whole pass has nothing to train.
    """
    kept: dict[int, Sample | None] = {}
    for indices in order(len(conversations), seed):
        last = None
        for index in indices:
            if index not in kept:
                kept[index] = encoded(conversations[index], encode, sequence_length)
            sample = kept[index]
            if sample is not None:
                last = sample
                yield sample
        if last is None:
            raise ValueError("no sample has an answer left to learn from")
        yield last


def micro_batches(
    samples: Iterator[Sample], *, size: int, accumulation: int, processes: int, rank: int
) -> Iterator[list[list[Sample]]]:
    """
    Yield each step's micro batches of one process.

    A step takes ``size`` x ``processes`` samples for each micro batch, the first process the first
    of them.
    """
    while True:
        step = []
        for _ in range(accumulation):
            block = [next(samples) for _ in range(size * processes)]
            step.append(block[rank * size : (rank + 1) * size])
        yield step
