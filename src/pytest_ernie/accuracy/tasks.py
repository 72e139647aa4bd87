"""
Question sets: lines of JSON, {"id": .., "question": .., "answer": ..}.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from pytest_ernie.errors import SiteError

from .scoring import extracted, score


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question, asked as it is, and its only right answer."""

    id: str
    question: str
    answer: str
    group: ClassVar[str] = ""
    prompt_seed: ClassVar[int] = 0

    def messages(self) -> list[dict[str, Any]]:
        """Return what is sent: the question alone."""
        return [{"role": "user", "content": self.question}]

    @property
    def messages_digest(self) -> str:
        """SHA-256 of what is sent."""
        return hashlib.sha256(msgspec.json.encode(self.messages())).hexdigest()

    def scored(self, answer: str) -> tuple[str, float | None]:
        """Return what is compared of an answer, and whether it is the right one."""
        return extracted(answer), score(answer, self.answer)

    @property
    def digest(self) -> str:
        """SHA-256 of question and answer: what an answer on record was an answer to."""
        return hashlib.sha256(msgspec.json.encode([self.question, self.answer])).hexdigest()


class QuestionSet(msgspec.Struct, frozen=True, kw_only=True):
    """The questions of one data set, in the file's order."""

    questions: tuple[Question, ...]
    digest: str
    """SHA-256 over ids, questions and answers; white space in the file doesn't count."""


def load_questions(path: Path) -> QuestionSet:
    """Read a question set; SiteError with the line if it is wrong, empty or repeats an id."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as problem:
        raise SiteError(
            "the questions can't be read",
            where=path,
            got=f"{type(problem).__name__}: {problem}",
        ) from problem
    found: dict[str, Question] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            question = msgspec.json.decode(line, type=Question)
        except msgspec.DecodeError as problem:
            raise SiteError("no question", where=f"{path}:{number}", got=problem) from problem
        if question.id in found:
            raise SiteError("an id appears twice", where=f"{path}:{number}", got=question.id)
        found[question.id] = question
    if not found:
        raise SiteError("there is no question", where=path)
    questions = tuple(found.values())
    digest = hashlib.sha256(msgspec.json.encode(questions, order="deterministic")).hexdigest()
    return QuestionSet(questions=questions, digest=digest)
