"""
Asking a question set: greedy, several at a time, resumable, every answer kept.

A question that couldn't be asked is unscored (None): it is neither right nor wrong, and the verdict
counts it both ways (R10). What a busy or faulty server may answer the next time is asked again, with
growing pauses; what it refuses isn't.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from pytest_ernie.engines.asking.chat import Answer, ask_messages, new_client
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 600.0
CONCURRENCY = 8
PASSING = (408, 429, 500, 502, 503, 504)
"""Statuses that may be gone the next time; FastDeploy also says 500 to a prompt that is too long."""
ATTEMPTS = 6
"""Tries of a question: of a server that fails 5 % of them 1 in 64 million questions fails them all."""
ATTEMPTS_UNCONNECTED = 3
"""Where nothing listens: a server that comes back in a second is asked, one that is dead isn't for long."""
ATTEMPTS_SILENT = 2
"""Where it took the question and said nothing until the timeout."""
ROUNDS = 2
"""What failed and may be answered another time is asked anew after all others: a gateway's minute without
a server behind it costs no measurement."""
PAUSE_S = 0.25
"""Before the second try; each further pause is twice as long."""
PAUSE_MOST_S = 30.0
LEFT_S = 1.0
"""How long questions under way are waited for when no more are asked; they may take minutes."""
UNANSWERED_MOST = 16
"""So many questions (or as many as are in flight) in a row without any HTTP answer: it is dead."""


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
    status: int | None = None
    """HTTP status of the last attempt; None: there was no HTTP answer, or an older suite kept none."""
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


class Asked(Protocol):
    """A question that can be sent."""

    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def messages_digest(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def prompt_seed(self) -> int: ...

    def messages(self) -> list[dict[str, Any]]:
        """Return what is sent; read when it is."""

    def scored(self, answer: str) -> tuple[str, float | None]:
        """Return what is scored of an answer, and its score; None: that comes later."""


def ask(
    base_url: str,
    model: str,
    questions: Sequence[Asked],
    *,
    dialect: Dialect,
    max_tokens: int,
    thinking: bool | None = None,
    other_urls: Sequence[str] = (),
    concurrency: int = CONCURRENCY,
    already: Mapping[str, AnswerRecord] | None = None,
    on_answer: Callable[[AnswerRecord], None] = lambda record: None,
    stop: Callable[[AnswerRecord], str | None] = lambda record: None,
    api_key: str | None = None,
    timeout_s: float = TIMEOUT_S,
    pause_s: float | None = None,
    progress: Progress = silent,
) -> tuple[AnswerRecord, ...]:
    """
    Return a record of each question, in their order; ``other_urls`` are equal servers, asked in turn.

    A record in ``already`` is taken over if it has an answer to the same prompt; ``on_answer`` is
    told, in this thread, of each new one as it comes, so that a killed run loses nothing. Raises
    EngineError if the server doesn't answer any more; what was answered before is told by then.
    ``stop`` is asked after each whether to go on; if it says why not, the rest is recorded as not asked.
    """
    fields = dialect.sampling(max_tokens=max_tokens, thinking=thinking)
    records = {
        question.id: known
        for question in questions
        if (known := (already or {}).get(question.id)) is not None
        and known.error is None
        and known.question_digest == question.digest
        and known.prompt_digest == prompt_digest(question, fields)
    }
    urls = (base_url, *other_urls)
    missing = [
        (urls[number % len(urls)], question)
        for number, question in enumerate(questions)
        if question.id not in records
    ]
    unanswered, tally, why = 0, _Tally(records.values()), None
    pause_s = PAUSE_S if pause_s is None else pause_s
    with (
        new_client(api_key, timeout_s=timeout_s, connections=concurrency) as client,
        closing(_rounds(client, model, fields, pause_s, missing, concurrency)) as answers,
    ):
        for record in answers:
            records[record.id] = record
            on_answer(record)
            tally.add(record)
            progress("ask", done=len(records), total=len(questions), detail=str(tally))
            if (why := stop(record)) is not None:
                break
            unanswered = unanswered + 1 if record.status is None else 0
            if unanswered >= max(UNANSWERED_MOST, concurrency):
                raise EngineError(
                    f"the server answers no question any more: the last {unanswered} failed",
                    where=base_url,
                    got=record.error,
                )
    for question in questions:
        if question.id not in records:
            records[question.id] = not_asked(question, fields, why or "the run ended")
            on_answer(records[question.id])
    return tuple(records[question.id] for question in questions)


def prompt_digest(question: Asked, fields: Mapping[str, object]) -> str:
    """Return the SHA-256 of what is sent for a question, apart from the model's served name."""
    sent = {"messages": question.messages_digest, **fields}
    return hashlib.sha256(msgspec.json.encode(sent, order="deterministic")).hexdigest()


def not_asked(question: Asked, fields: Mapping[str, object], why: str) -> AnswerRecord:
    """Return the record of a question that nobody asked; it has no score."""
    return AnswerRecord(
        id=question.id,
        question_digest=question.digest,
        prompt_digest=prompt_digest(question, fields),
        answer="",
        extracted="",
        score=None,
        prompt_tokens=None,
        output_tokens=None,
        finish_reason=None,
        error=f"not asked: {why}",
        group=question.group,
        prompt_seed=question.prompt_seed,
        attempts=0,
    )


class _Asker:
    """Asks one question until it is answered, refused or given up."""

    def __init__(
        self, client: httpx.Client, model: str, fields: dict[str, Any], pause_s: float
    ) -> None:
        self.client, self.model, self.fields, self.pause_s = client, model, fields, pause_s
        self.ended = threading.Event()

    def __call__(self, url: str, question: Asked) -> AnswerRecord:
        messages, attempts, pause_s = question.messages(), 0, self.pause_s
        while True:
            answer = ask_messages(self.client, url, self.model, messages, self.fields)
            attempts += 1
            if attempts >= _attempts(answer):
                break
            if self.ended.wait(min(max(pause_s, answer.retry_after_s), PAUSE_MOST_S)):
                break
            pause_s *= 2
        extracted, score = ("", None) if answer.error else question.scored(answer.content)
        return AnswerRecord(
            id=question.id,
            question_digest=question.digest,
            prompt_digest=prompt_digest(question, self.fields),
            answer=answer.content,
            extracted=extracted,
            score=score,
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            finish_reason=answer.finish_reason,
            error=answer.error,
            reasoning=answer.reasoning,
            group=question.group,
            prompt_seed=question.prompt_seed,
            attempts=attempts,
            status=answer.status,
            latency_s=answer.latency_s,
        )


def _rounds(
    client: httpx.Client,
    model: str,
    fields: dict[str, Any],
    pause_s: float,
    missing: Sequence[tuple[str, Asked]],
    concurrency: int,
) -> Generator[AnswerRecord, None, None]:
    """Yield an answer to each question as it comes, and then anew to each that may be answered now."""
    attempts: dict[str, int] = {}
    for _ in range(ROUNDS):
        failed: set[str] = set()
        asker = _Asker(client, model, fields, pause_s)
        with _Threads(asker, missing, concurrency) as answers:
            for record in answers:
                tried = attempts[record.id] = attempts.get(record.id, 0) + record.attempts
                if _may_be_answered(record):
                    failed.add(record.id)
                yield msgspec.structs.replace(record, attempts=tried)
        missing = [entry for entry in missing if entry[1].id in failed]


def _may_be_answered(record: AnswerRecord) -> bool:
    """Tell whether a question that failed may be answered another time; not what was met by silence."""
    if record.error is None:
        return False
    if record.status is None:
        return not record.error.startswith("ReadTimeout")
    return record.status in (200, *PASSING)


def _attempts(answer: Answer) -> int:
    """Return how often a question may be tried that was answered like this."""
    if answer.error is None:
        return 1
    if answer.status is None:
        kind = answer.error.partition(":")[0]
        if kind in ("ConnectError", "ConnectTimeout"):
            return ATTEMPTS_UNCONNECTED
        return ATTEMPTS_SILENT if kind == "ReadTimeout" else ATTEMPTS
    # Under 200 something else than a completion: a proxy's page, or a server at its end.
    return ATTEMPTS if answer.status in (200, *PASSING) else 1


class _Threads:
    """
    Threads that take the next question each, and an iterator over their answers as they come.

    Not a pool of futures: waiting for the first of many thousands costs time for each of them.
    """

    def __init__(
        self, asker: _Asker, missing: Sequence[tuple[str, Asked]], concurrency: int
    ) -> None:
        self._asker = asker
        self._count = len(missing)
        self._todo: queue.SimpleQueue[tuple[str, Asked]] = queue.SimpleQueue()
        for entry in missing:
            self._todo.put(entry)
        self._done: queue.SimpleQueue[AnswerRecord | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(concurrency, self._count))
        ]

    def __enter__(self) -> _Threads:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, problem: object, trace: object) -> None:
        """Begin nothing new, and let what is under way end, so that its connections can be closed."""
        self._asker.ended.set()
        until_s = time.monotonic() + LEFT_S
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))

    def __iter__(self) -> _Threads:
        return self

    def __next__(self) -> AnswerRecord:
        if not self._count:
            raise StopIteration
        self._count -= 1
        done = self._done.get()
        if isinstance(done, BaseException):
            raise done
        return done

    def _work(self) -> None:
        while not self._asker.ended.is_set():
            try:
                url, question = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put(self._asker(url, question))
            except BaseException as problem:  # told to whoever waits for the answer
                self._done.put(problem)
                return


class _Tally:
    """How many are right and how many failed so far: counted once each, for sets of many thousands."""

    def __init__(self, records: Iterable[AnswerRecord]) -> None:
        self._right, self._failed, self._scored = 0.0, set[str](), False
        for record in records:
            self.add(record)

    def add(self, record: AnswerRecord) -> None:
        """Count one more, or one that failed before."""
        self._right += record.score or 0.0
        self._failed.discard(record.id)
        if record.error is not None:
            self._failed.add(record.id)
        self._scored = self._scored or record.score is not None

    def __str__(self) -> str:
        right = f"{self._right:.0f} right, " if self._scored else ""
        return f"{right}{len(self._failed)} failed"
