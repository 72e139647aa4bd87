"""
A server that knows the questions of GSM8K, and which of them it answers right: what a score must be is known.

    oracle = Oracle(rows, right=0.87)
    with FakeServer(Behaviour(reply=oracle.reply)) as server:
        ...
    assert scores == oracle.truth
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RULE = "\nPlease reason step by step"
"""How the part of the prompt begins that follows the question."""


def gsm8k_rows(path: Path) -> list[dict[str, str]]:
    """Read question and answer of each line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def made_up_rows(count: int, seed: int = 0, below: int = 900) -> list[dict[str, str]]:
    """Return a set of GSM8K's shape: reasoning, then the number after ``####``; sums of two figures."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        a, b = draw.randrange(2, below), draw.randrange(2, below)
        rows.append(
            {
                "question": f"Shelf {number} holds {a} books, and {b} more come. How many are there?",
                "answer": f"There are {a} + {b} = <<{a}+{b}={a + b}>>{a + b} books.\n#### {a + b:,}",
            }
        )
    return rows


class Oracle:
    """Answers exactly ``round(right * questions)`` of the questions right, drawn by ``seed``."""

    def __init__(self, rows: list[dict[str, str]], right: float, seed: int = 0) -> None:
        self.ids = {row["question"]: f"main/{number}" for number, row in enumerate(rows)}
        self._answers = {
            row["question"]: int(row["answer"].rpartition("####")[2].strip().replace(",", ""))
            for row in rows
        }
        order = sorted(self.ids.values(), key=lambda id: int(id.removeprefix("main/")))
        chosen = set(random.Random(seed).sample(order, round(right * len(order))))
        self.truth = {id: 1.0 if id in chosen else 0.0 for id in order}

    def reply(self, prompt: str) -> str:
        """Return the answer to a prompt's question: some reasoning, and the number in a box."""
        question = self.question(prompt)
        if question is None:
            return "Yes."  # a server is asked something before it is measured
        value = self._answers[question] + (0 if self.truth[self.ids[question]] else 7)
        return f"Adding up gives {value}. So the answer is \\boxed{{{value}}}"

    def asked(self, bodies: list[dict[str, Any]]) -> Iterator[str]:
        """Yield the id of each question of the set that was asked."""
        for body in bodies:
            if (question := self.question(body["messages"][-1]["content"])) is not None:
                yield self.ids[question]

    def question(self, prompt: str) -> str | None:
        """Return the question that a prompt ends with, None if it isn't one of the set."""
        before = prompt.rpartition(RULE)[0]
        starts = (0, *_paragraphs(before))
        return next((before[start:] for start in starts if before[start:] in self.ids), None)


def faulty(count: int, share: float, seed: int = 0) -> list[str | None]:
    """Return the faults of so many requests: 429, 500 and reset in equal parts, together ``share``."""
    draw = random.Random(seed)
    kinds = ("429", "500", "reset")
    return [draw.choice(kinds) if draw.random() < share else None for _ in range(count)]


def _paragraphs(text: str) -> Iterator[int]:
    start = text.find("\n\n")
    while start >= 0:
        yield start + 2
        start = text.find("\n\n", start + 1)
