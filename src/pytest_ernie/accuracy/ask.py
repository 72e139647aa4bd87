"""
Asking a question set: greedy, several at a time, resumable, every answer kept.

A question that couldn't be asked is unscored (None): it is neither right nor wrong, and the verdict
counts it both ways (R10).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.engines.chat import Answer, ask_chat, new_client
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.progress import Progress, silent

from .scoring import extracted, score
from .tasks import Question

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 600.0
CONCURRENCY = 8
ATTEMPTS = 3
"""Tries of a question that the server sheds (429, 503) or that gets no HTTP answer."""
SHEDDING = (429, 503)


class AnswerRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question's answer as it came, and its score."""

    id: str
    """Unique in its data set; ends in ``#seed`` where the prompt's seed isn't 0."""
    question_digest: str
    prompt_digest: str
    """SHA-256 of what was sent, sampling fields included."""
    answer: str
    """The content as it came, without reasoning."""
    extracted: str
    """What of the answer was scored."""
    score: float | None
    """1.0 right, 0.0 wrong, None: not asked or not answered."""
    prompt_tokens: int | None
    output_tokens: int | None
    finish_reason: str | None
    """``length``: it was cut by max_tokens."""
    error: str | None
    """Why there is no answer; None: there is one."""
    reasoning: str = ""
    """What a thinking model said before its answer."""
    group: str = ""
    """Part of the data set (a subject of CMMLU, a task of BBH); empty where it has none."""
    prompt_seed: int = 0
    """Which of the edition's prompt seeds."""
    attempts: int = 1
    """How often it was sent until it was answered or given up."""
    latency_s: float | None = None
    """Seconds from sending to the whole answer, of the last attempt."""

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut by max_tokens."""
        return self.finish_reason == "length"

    @property
    def question(self) -> str:
        """Id without the prompt's seed: answers of one question under several seeds share it."""
        return self.id.removesuffix(f"#{self.prompt_seed}") if self.prompt_seed else self.id


def ask(
    base_url: str,
    model: str,
    questions: Sequence[Question],
    *,
    dialect: Dialect,
    max_tokens: int,
    concurrency: int = CONCURRENCY,
    already: Mapping[str, AnswerRecord] | None = None,
    on_answer: Callable[[AnswerRecord], None] = lambda record: None,
    api_key: str | None = None,
    timeout_s: float = TIMEOUT_S,
    progress: Progress = silent,
) -> tuple[AnswerRecord, ...]:
    """
    Return a record of each question, in their order.

    A record in ``already`` is taken over if it has an answer to the same prompt; ``on_answer`` is
    told, in this thread, of each new one as it comes, so that a killed run loses nothing.
    """
    fields = dialect.sampling(max_tokens=max_tokens)
    records = {
        question.id: known
        for question in questions
        if (known := (already or {}).get(question.id)) is not None
        and known.error is None
        and known.question_digest == question.digest
        and known.prompt_digest == prompt_digest(question, fields)
    }
    missing = [question for question in questions if question.id not in records]
    with (
        new_client(api_key, timeout_s=timeout_s, connections=concurrency) as client,
        ThreadPoolExecutor(concurrency) as threads,
    ):
        pending: dict[Future[AnswerRecord], None] = {
            threads.submit(_ask_one, client, base_url, model, question, fields): None
            for question in missing
        }
        try:
            while pending:
                for done in wait(pending, return_when=FIRST_COMPLETED).done:
                    del pending[done]
                    record = done.result()
                    records[record.id] = record
                    on_answer(record)
                    progress("ask", done=len(records), total=len(questions), detail=_tally(records))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(records[question.id] for question in questions)


def prompt_digest(question: Question, fields: Mapping[str, object]) -> str:
    """Return the SHA-256 of what is sent for a question, apart from the model's served name."""
    sent = {"content": question.question, **fields}
    return hashlib.sha256(msgspec.json.encode(sent, order="deterministic")).hexdigest()


def _ask_one(
    client: httpx.Client, base_url: str, model: str, question: Question, fields: dict[str, object]
) -> AnswerRecord:
    answer, attempts = Answer(status=None, error="not asked"), 0
    while attempts < ATTEMPTS:
        answer, attempts = (
            ask_chat(client, base_url, model, question.question, fields),
            attempts + 1,
        )
        if answer.status is not None and answer.status not in SHEDDING:
            break
    return AnswerRecord(
        id=question.id,
        question_digest=question.digest,
        prompt_digest=prompt_digest(question, fields),
        answer=answer.content,
        extracted=extracted(answer.content),
        score=None if answer.error is not None else score(answer.content, question.answer),
        prompt_tokens=answer.prompt_tokens,
        output_tokens=answer.output_tokens,
        finish_reason=answer.finish_reason,
        error=answer.error,
        reasoning=answer.reasoning,
        attempts=attempts,
        latency_s=answer.latency_s,
    )


def _tally(records: Mapping[str, AnswerRecord]) -> str:
    scores = [record.score for record in records.values()]
    right = sum(score or 0.0 for score in scores)
    return f"{right:.0f} right, {sum(score is None for score in scores)} unscored"
