"""
The prompts of a data set, as the evaluation library wrote them: one line each, read when asked.

Pictures make a line megabytes long, so only digests and places are held; a prompt's messages are
read from the file in the thread that sends them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.errors import MeasurementError


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    group: str
    seed: int
    question_digest: str
    messages: msgspec.Raw


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a data set with its prompt; scored by the library when all are answered."""

    id: str
    group: str
    prompt_seed: int
    digest: str
    """SHA-256 of question and answer: what an answer on record was an answer to."""
    messages_digest: str
    path: str
    start: int
    size: int

    def messages(self) -> list[dict[str, Any]]:
        """Return what is sent."""
        with open(self.path, "rb") as file:
            file.seek(self.start)
            line = msgspec.json.decode(file.read(self.size))
        messages: list[dict[str, Any]] = line["messages"]
        return messages

    def scored(self, answer: str) -> tuple[str, float | None]:
        """Return nothing: extracting and scoring is the library's."""
        return "", None


class PromptSet(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts of a data set, in the library's order."""

    prompts: tuple[Prompt, ...]
    questions: int
    """Different questions; each may be asked under several prompt seeds."""
    questions_sha256: str
    """Over ids, questions and answers: which data set it is, whatever files it lies in."""
    prompts_sha256: str
    """Over ids and messages: how it is asked, few-shot examples included."""


def read_prompts(path: Path) -> PromptSet:
    """Index a file of prompts; MeasurementError if it isn't one."""
    prompts: dict[str, Prompt] = {}
    start = 0
    try:
        with path.open("rb") as file:
            for raw in file:
                line = msgspec.json.decode(raw, type=_Line)
                if line.id in prompts:
                    raise ValueError(f"the id {line.id} appears twice")
                prompts[line.id] = Prompt(
                    id=line.id,
                    group=line.group,
                    prompt_seed=line.seed,
                    digest=line.question_digest,
                    messages_digest=hashlib.sha256(bytes(line.messages)).hexdigest(),
                    path=str(path),
                    start=start,
                    size=len(raw),
                )
                start += len(raw)
    except (OSError, ValueError) as problem:  # msgspec's errors are ValueErrors
        raise MeasurementError(
            "the prompts of the evaluation library can't be read",
            where=path,
            got=f"{type(problem).__name__}: {problem}",
        ) from None
    if not prompts:
        raise MeasurementError("the evaluation library made no prompt", where=path)
    plain = [prompt for prompt in prompts.values() if not prompt.prompt_seed]
    return PromptSet(
        prompts=tuple(prompts.values()),
        questions=len(plain),
        questions_sha256=_over((prompt.id, prompt.digest) for prompt in plain),
        prompts_sha256=_over((prompt.id, prompt.messages_digest) for prompt in prompts.values()),
    )


def _over(pairs: Any) -> str:
    total = hashlib.sha256()
    for id, digest in sorted(pairs):
        total.update(f"{id}\0{digest}\n".encode())
    return total.hexdigest()
