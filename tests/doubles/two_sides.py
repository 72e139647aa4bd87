"""
Two sides' answers to one data set, as evidence holds them.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from pytest_ernie.evidence import Record, Subject, What
from pytest_ernie.measurements.accuracy import Answers, read_answers

DATA = {"questions_sha256": "q" * 64}


def sample(number: int, score: float | None = 1.0, **changed: Any) -> dict[str, Any]:
    """A journal's sample of one question; ``error`` where it has no score."""
    facts = {
        "id": f"q{number:03d}",
        "question_digest": f"{number:064d}",
        "prompt_digest": f"{number:064d}",
        "answer": f"So the answer to {number} is {7 if score else 8}.",
        "extracted": "7" if score else "8",
        "score": score,
        "prompt_tokens": 9,
        "output_tokens": 5,
        "finish_reason": "stop",
        "error": None if score is not None else "ReadTimeout: timed out",
    }
    return {**facts, **changed}


def side(*samples: dict[str, Any], **data: Any) -> Answers:
    """One side's answers to a data set of the rehearsal."""
    record = Record(
        id=uuid.uuid4().hex,
        what=What(kind="serving.accuracy", edition="rehearsal", model="m", dataset="arithmetic"),
        subject=Subject(device={}, toolchain=None, checkpoint="c", launch={}),
        edition_digest="0" * 64,
        started_unix_s=0.0,
        ended_unix_s=1.0,
        data={**DATA, **data},
        samples=samples,
        blobs={},
    )
    return read_answers(record)


def full(*wrong: int, of: int = 200, **data: Any) -> Answers:
    """All questions answered, right but for some."""
    return side(*(sample(n, float(n not in wrong)) for n in range(of)), **data)


def elsewhere(answers: Answers) -> Answers:
    """The same answers, recorded once more."""
    record = msgspec.structs.replace(answers.record, id=uuid.uuid4().hex)
    return msgspec.structs.replace(answers, record=record)


def died(answers: Answers, *messages: str) -> Answers:
    """The same after servers that died."""
    record = msgspec.structs.replace(answers.record, deaths=messages)
    return msgspec.structs.replace(answers, record=record)
