"""
What a question set's samples amount to.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pytest_ernie.accuracy.ask import AnswerRecord
from pytest_ernie.errors import EvidenceError
from pytest_ernie.evidence import Record, Subject, What
from pytest_ernie.measurements.accuracy import read_answers
from pytest_ernie.paired_answers import reasons


def record_of(*samples: dict[str, Any], **data: Any) -> Record:
    """A record with these samples."""
    return Record(
        id="1",
        what=What(kind="serving.accuracy", edition="e", model="m"),
        subject=Subject(device={}, toolchain=None, checkpoint=None, launch={}),
        edition_digest="0" * 64,
        started_unix_s=0.0,
        ended_unix_s=1.0,
        data=data,
        samples=samples,
        blobs={},
    )


def sample(
    id: str, score: float | None, error: str | None = None, **further: Any
) -> dict[str, Any]:
    """A journal's sample of one question."""
    facts = {
        "question_digest": "q",
        "prompt_digest": "p",
        "answer": "" if error else f"of {id}",
        "extracted": "",
        "prompt_tokens": None,
        "output_tokens": None,
        "finish_reason": None,
    }
    return {"id": id, "score": score, "error": error, **facts, **further}


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
    assert reasons(answers.answers.values()) == "HTTP 500: again"


def test_an_older_prompts_answer_is_none_to_the_newer_prompt() -> None:
    """What the newer one met counts, even if that is a failure."""
    answers = read_answers(
        record_of(
            sample("a", 1.0, prompt_digest="older"), sample("a", None, "ReadTimeout: timed out")
        )
    )

    assert answers.scores == {"a": None}


def test_scored_questions_need_no_reason() -> None:
    """Nothing is said where nothing is missing."""
    assert reasons(read_answers(record_of(sample("a", 0.0))).answers.values()) is None


def test_scores_of_a_library_stand_in_the_result() -> None:
    """They are put beside the answers, which were kept as they came."""
    answers = read_answers(
        record_of(
            sample("a", None),
            sample("b", None, "ReadTimeout"),
            sample("c", None, finish_reason="length"),
            scores={"a": [1.0, "18"], "c": [0.0, ""]},
        )
    )

    assert answers.scores == {"a": 1.0, "b": None, "c": 0.0}
    assert (answers.answers["a"].answer, answers.answers["a"].extracted) == ("of a", "18")
    assert (answers.truncated, reasons(answers.answers.values())) == (1, "ReadTimeout")


@pytest.mark.parametrize(
    ("samples", "scores"),
    [
        ([{"id": "a"}], {}),
        ([sample("a", None)], {"b": [1.0, ""]}),
        ([sample("a", None)], {"a": "right"}),
        ([sample("a", None, "ReadTimeout")], {"a": [1.0, "18"]}),
    ],
    ids=["torn sample", "score of nothing", "no score", "score of no answer"],
)
def test_answers_that_do_not_fit_together_are_refused(samples: Any, scores: Any) -> None:
    """They decide nothing."""
    with pytest.raises(EvidenceError, match="the answers of a question set can't be read"):
        read_answers(record_of(*samples, scores=scores))


def test_a_record_of_before_reads_as_one_of_now() -> None:
    """What older evidence lacks has a default, and defaults aren't written."""
    record = msgspec.convert(sample("a", 1.0), AnswerRecord)

    assert (record.reasoning, record.group, record.attempts, record.question) == ("", "", 1, "a")
    assert msgspec.to_builtins(record).keys() == sample("a", 1.0).keys()


def test_answers_under_several_prompt_seeds_share_their_question() -> None:
    """Seed 0 has the plain id."""
    facts = sample("main/7#2", 1.0, prompt_seed=2)

    assert msgspec.convert(facts, AnswerRecord).question == "main/7"
