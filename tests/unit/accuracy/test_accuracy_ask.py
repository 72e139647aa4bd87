"""
Asking a question set: every answer kept, nothing lost, nothing asked twice.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.accuracy.ask import ATTEMPTS, UNANSWERED_MOST, AnswerRecord, ask
from pytest_ernie.accuracy.tasks import Question
from pytest_ernie.engines.asking import chat
from pytest_ernie.engines.dialects import FASTDEPLOY, PLAIN, VLLM
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError

QUESTIONS = tuple(
    Question(id=f"q{number}", question=f"What is {number} + {number}?", answer=str(2 * number))
    for number in range(6)
)


def put(
    server: FakeServer, questions: tuple[Question, ...] = QUESTIONS, **changed: Any
) -> tuple[AnswerRecord, ...]:
    """Ask the questions, one at a time unless told otherwise."""
    options: dict[str, Any] = {
        "dialect": VLLM,
        "max_tokens": 8,
        "concurrency": 1,
        "pause_s": 0,
        **changed,
    }
    return ask(server.base_url, "m", questions, **options)


def test_every_question_gets_its_own_answer_in_order() -> None:
    """However many are asked at a time."""
    with FakeServer(Behaviour(first_token_delay_s=0.02)) as server:
        records = put(server, concurrency=4)
        most = server.most_in_flight

    assert [record.id for record in records] == [question.id for question in QUESTIONS]
    assert [record.answer for record in records] == ["0", "2", "4", "6", "8", "10"]
    assert [record.score for record in records] == [1.0] * 6
    assert most == 4


def test_a_wrong_answer_scores_zero_and_is_kept() -> None:
    """Beside the counts that the server gave."""
    with FakeServer(Behaviour(reply=lambda prompt: "Four. ")) as server:
        record, *_ = put(server)

    assert (record.score, record.answer, record.extracted) == (0.0, "Four.", "four")
    assert (record.prompt_tokens, record.output_tokens) == (5, 1)
    assert (record.finish_reason, record.error) == ("stop", None)


def test_a_question_that_failed_is_unscored_and_never_zero() -> None:
    """The verdict counts it both ways."""
    with FakeServer() as server:
        others = [None] * (len(QUESTIONS) - 2)
        server.faults.extend([None, *["500"] * ATTEMPTS, *others, *["500"] * ATTEMPTS])
        _, failed, *rest = put(server)

    assert failed.score is None
    assert (failed.error, failed.status) == ("HTTP 500: fault 500", 500)
    assert failed.attempts == 2 * ATTEMPTS
    assert [record.score for record in rest] == [1.0] * 4


@pytest.mark.parametrize("fault", ["429", "500", "503", "reset"])
def test_what_may_pass_is_tried_again(fault: str) -> None:
    """Accuracy is no throughput test: a server that was busy costs it nothing."""
    with FakeServer() as server:
        server.faults.extend([fault] * (ATTEMPTS - 1))
        (patient,) = put(server, QUESTIONS[:1])

    assert (patient.score, patient.error, patient.attempts) == (1.0, None, ATTEMPTS)


def test_what_failed_is_asked_anew_after_all_others() -> None:
    """A minute in which a gateway has no server behind it costs no answer."""
    told: list[AnswerRecord] = []
    with FakeServer() as server:
        server.faults.extend(["503"] * 2 * ATTEMPTS)
        records = put(server, on_answer=told.append)

    assert [record.score for record in records] == [1.0] * 6
    assert [record.id for record in told] == ["q0", "q1", "q2", "q3", "q4", "q5", "q0", "q1"]
    assert [record.attempts for record in records] == [ATTEMPTS + 1] * 2 + [1] * 4


def test_a_refusal_is_not_tried_again() -> None:
    """The server understood, and won't."""
    with FakeServer(Behaviour(window=8)) as server:
        (refused,) = put(server, QUESTIONS[:1])

    assert (refused.score, refused.status, refused.attempts) == (None, 400, 1)


def test_a_silent_server_is_asked_twice() -> None:
    """A timeout may be ten minutes long."""
    with FakeServer() as server:
        server.faults.extend(["hang"] * 2)
        (silent,) = put(server, QUESTIONS[:1], timeout_s=0.1)

    assert (silent.score, silent.attempts) == (None, 2)
    assert str(silent.error).startswith("ReadTimeout: ")


def test_a_server_that_is_gone_ends_the_asking() -> None:
    """Thousands of questions aren't put to nobody; what was answered before was told."""
    many = tuple(msgspec.structs.replace(QUESTIONS[0], id=f"q{n}") for n in range(100))
    told: list[AnswerRecord] = []
    with FakeServer() as server:
        server.faults.extend([*[None] * 5, "die"])
        with pytest.raises(EngineError) as caught:
            put(server, many, on_answer=told.append)

    assert str(caught.value).startswith(
        f"{server.base_url}: the server answers no question any more: the last {UNANSWERED_MOST} "
        "failed; got ConnectError: "
    )
    assert [record.error is None for record in told] == [True] * 5 + [False] * UNANSWERED_MOST


def test_equal_servers_are_asked_in_turn() -> None:
    """Each gets its share, so that one with a faulty card isn't spared."""
    with FakeServer() as one, FakeServer() as other:
        records = put(one, other_urls=(other.base_url,))

    assert [record.score for record in records] == [1.0] * 6
    assert (len(one.asked), len(other.asked)) == (3, 3)


def test_a_pause_is_as_long_as_the_server_asks_for() -> None:
    """Retry-After in seconds; a date says nothing."""
    assert [chat._seconds(header) for header in ("7", "Mon, 01 Jan 2026", None)] == [7.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("message", "answer", "reasoning"),
    [
        ({"content": "4", "reasoning_content": "2 and 2"}, "4", "2 and 2"),
        ({"content": "4", "reasoning": "2 and 2"}, "4", "2 and 2"),
        ({"content": "<think>\n2 and 2\n</think>\n\n4"}, "4", "2 and 2"),
        ({"content": "2 and 2</think>4"}, "4", "2 and 2"),
        ({"content": None, "reasoning_content": "2 and"}, "", "2 and"),
        ({"content": "<think>2 and"}, "<think>2 and", ""),
    ],
)
def test_reasoning_is_no_answer(message: dict[str, Any], answer: str, reasoning: str) -> None:
    """It is kept beside it, however the engine tells them apart."""
    body = msgspec.json.encode({"choices": [{"message": message, "finish_reason": "stop"}]})

    read = chat.read_answer(200, body, 0.0)

    assert (read.content, read.reasoning) == (answer, reasoning)


@pytest.mark.parametrize(
    ("dialect", "thinking", "said"),
    [
        (VLLM, False, {"enable_thinking": False}),
        (FASTDEPLOY, True, {"enable_thinking": True}),
        (VLLM, None, None),
        (PLAIN, False, None),
    ],
)
def test_the_edition_says_whether_a_model_thinks(
    dialect: Dialect, thinking: bool | None, said: dict[str, bool] | None
) -> None:
    """Where the engine takes it; a model that can't think is told nothing."""
    with FakeServer() as server:
        put(server, QUESTIONS[:1], dialect=dialect, thinking=thinking)

    assert server.asked[0].get("chat_template_kwargs") == said


def test_a_dead_server_leaves_everything_unscored() -> None:
    """With the connection's error."""
    with FakeServer() as server:
        pass
    records = put(server)

    assert [record.score for record in records] == [None] * 6
    assert records[0].error is not None
    assert records[0].error.startswith("ConnectError: ")


def test_decoding_is_greedy_in_the_engines_dialect() -> None:
    """And the length is a ceiling, not a floor."""
    with FakeServer() as server:
        put(server, QUESTIONS[:1], dialect=FASTDEPLOY)
        (body,) = server.asked

    assert {key: body[key] for key in body if key not in ("model", "messages")} == {
        "top_p": 0,
        "top_k": 1,
        "max_tokens": 8,
    }


def test_what_is_on_record_is_not_asked_again() -> None:
    """Only what is missing, and unscored ones."""
    with FakeServer() as server:
        before = {record.id: record for record in put(server)}
        before["q1"] = msgspec.structs.replace(before["q1"], score=None, error="HTTP 500: busy")
        del before["q4"]
        server.asked.clear()
        told: list[str] = []
        records = put(server, already=before, on_answer=lambda record: told.append(record.id))

    assert told == ["q1", "q4"]
    assert len(server.asked) == 2
    assert [record.score for record in records] == [1.0] * 6


@pytest.mark.parametrize("changed", ["question", "answer", "max_tokens"])
def test_a_record_of_another_prompt_is_no_record(changed: str) -> None:
    """An id alone proves nothing."""
    facts = {"id": "q1", "question": "What is 1 + 1?", "answer": "2"}
    with FakeServer() as server:
        before = {record.id: record for record in put(server, QUESTIONS[1:2])}
        server.asked.clear()
        if changed == "max_tokens":
            put(server, QUESTIONS[1:2], already=before, max_tokens=9)
        else:
            other = Question(**{**facts, changed: facts[changed] + " "})
            put(server, (other,), already=before)

    assert len(server.asked) == 1


def test_what_was_answered_before_an_interruption_was_told() -> None:
    """A run that dies keeps its answers; the rest isn't asked."""
    told: list[str] = []

    def on_answer(record: AnswerRecord) -> None:
        told.append(record.id)
        if len(told) == 2:
            raise KeyboardInterrupt

    with FakeServer(Behaviour(first_token_delay_s=0.05)) as server:
        with pytest.raises(KeyboardInterrupt):
            put(server, on_answer=on_answer)
        asked = len(server.asked)

    assert told == ["q0", "q1"]
    assert asked <= 3


def test_no_question_is_no_record() -> None:
    """An empty set asks nothing."""
    with FakeServer() as server:
        assert put(server, ()) == ()
        assert server.asked == []
