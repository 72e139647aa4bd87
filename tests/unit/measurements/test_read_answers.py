"""
What a question set's samples amount to.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.evidence import Record, Subject, What
from pytest_ernie.measurements.serving import read_answers


def record_of(*samples: dict[str, Any]) -> Record:
    """A record with these samples."""
    return Record(
        id="1",
        what=What(kind="serving.accuracy", edition="e", model="m"),
        subject=Subject(device={}, toolchain=None, checkpoint=None, launch={}),
        edition_digest="0" * 64,
        started_unix_s=0.0,
        ended_unix_s=1.0,
        data={},
        samples=samples,
        blobs={},
    )


def sample(id: str, score: float | None, error: str | None = None) -> dict[str, Any]:
    return {"id": id, "score": score, "error": error}


def test_a_question_without_a_score_tells_why() -> None:
    """Its last attempt counts; one that was answered later says nothing any more."""
    answers = read_answers(
        record_of(
            sample("a", None, "ReadTimeout: timed out"),
            sample("b", None, "HTTP 500: first"),
            sample("a", 1.0),
            sample("b", None, "HTTP 500: again"),
        )
    )

    assert answers.scores == {"a": 1.0, "b": None}
    assert answers.unscored_because == "HTTP 500: again"


def test_scored_questions_need_no_reason() -> None:
    """Nothing is said where nothing is missing."""
    assert read_answers(record_of(sample("a", 0.0))).unscored_because is None
