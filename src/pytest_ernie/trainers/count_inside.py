"""
Counts the tokens of a data set's samples: a script that runs in a trainer's toolchain.

The rule of PaddleFormers' text data sets with the template ernie_nothink: a sample is its start
mark, each question between "User: " and "Assistant: ", each answer, a separator after every answer
but the last, and an end mark; each part is tokenised by itself. What is longer than the sequence
length loses its end, and a sample of which no answer is left isn't trained at all: it counts 0.

Needs `tokenizers` if the checkpoint has a tokenizer.json, otherwise `paddleformers` or `transformers`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

START = "<|begin_of_sentence|>"
SEPARATOR = "<|end_of_sentence|>"
END = "</s>"

Length = Callable[[str], int]


def tokenizer_of(checkpoint: Path) -> Length:
    """Return what counts the tokens of a text, special tokens written in it included."""
    if (checkpoint / "tokenizer.json").is_file():
        from tokenizers import Tokenizer

        fast = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        return lambda text: len(fast.encode(text, add_special_tokens=False).ids)
    try:
        from paddleformers.transformers import AutoTokenizer
    except ImportError:
        from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(str(checkpoint))
    return lambda text: len(slow.encode(text, add_special_tokens=False))


def count(sample: dict[str, Any], length: Length, sequence_length: int) -> int:
    """Return how many tokens of one sample are trained on."""
    questions, answers = _texts(sample["src"]), _texts(sample["tgt"])
    if len(questions) != len(answers):
        raise ValueError(f"{len(questions)} src and {len(answers)} tgt")
    if not questions or not all(text.strip() for text in questions + answers):
        return 0
    system = sample.get("system")
    if sample.get("is_system"):
        system, questions, answers = questions[0], questions[1:], answers[1:]
    separator = length(SEPARATOR)
    total = length(START) + (length(f"{system}\n") if system else 0)
    before_answer = 0
    for question, answer in zip(questions, answers, strict=True):
        total += length(f"User: {question}\nAssistant: ")
        before_answer = before_answer or total
        total += length(answer) + separator
    total += length(END) - separator
    return min(total, sequence_length) if before_answer < sequence_length else 0


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def main() -> None:
    """Count the samples of the job's file and write the counts as a JSON list."""
    job = json.loads(sys.argv[1])
    length = tokenizer_of(Path(job["checkpoint"]))
    counts = []
    with open(job["data"], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                counts.append(count(json.loads(line), length, job["sequence_length"]))
            except (ValueError, KeyError, IndexError, TypeError) as problem:
                sys.exit(f"line {number} is no sample: {type(problem).__name__}: {problem}")
    Path(job["answer"]).write_text(json.dumps(counts), encoding="utf-8")


if __name__ == "__main__":
    main()
