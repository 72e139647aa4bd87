"""
The closed loop against a server that fails on request.
"""

from __future__ import annotations

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.dialects import FASTDEPLOY, TRANSFORMERS, VLLM
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.load.closed_loop import run_closed_loop
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.summary import summarise

PROMPT = Prompt(text="the river", output_tokens=4)


def run(
    server: FakeServer, count: int = 1, concurrency: int = 1, dialect: Dialect = VLLM
) -> LoadResult:
    """Ask ``count`` times."""
    return run_closed_loop(
        server.base_url, "m", [PROMPT] * count, concurrency=concurrency, dialect=dialect
    )


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", "refused: HTTP 429: fault 429"),
        ("500", "server error: HTTP 500: fault 500"),
        ("error_line", "error in stream: the worker died"),
        ("reset", "cut: ReadError"),
        ("cut", "cut: no [DONE] line"),
        ("no_done", "cut: no [DONE] line"),
        ("no_finish", "cut: no finish_reason"),
        ("no_usage", "no usage: the stream counts no completion_tokens"),
        ("empty", "no token: 4 counted, no text"),
        ("bytes", None),
        (None, None),
    ],
)
def test_each_fault_is_told_by_its_reason_and_the_run_goes_on(
    fault: str | None, error: str | None
) -> None:
    """The request after a failed one is asked like any other."""
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        server.faults.append(fault)
        records = run(server, count=2).records

    assert [record.error for record in records] == [error, None]


@pytest.mark.parametrize("fault", ["burst", "joined"])
def test_an_answer_in_one_moment_has_no_decode_speed(fault: str) -> None:
    """All tokens at once is a failed request, not an infinite speed."""
    with FakeServer() as server:
        server.faults.append(fault)
        summary = summarise(run(server))

    assert summary.failed == {"no decode speed": 1}


def test_a_slow_first_token_is_seen_as_such() -> None:
    """The role event that comes at once is not taken for it."""
    with FakeServer(Behaviour(first_token_delay_s=0.15, token_delay_s=0.01)) as server:
        (record,) = run(server).records

    assert record.first_token_s is not None
    assert record.last_token_s is not None
    assert 0.15 <= record.first_token_s - record.sent_s < 0.6
    assert record.last_token_s - record.first_token_s >= 0.03


def test_tokens_come_from_usage_whatever_the_chunks() -> None:
    """Four tokens in two chunks are four."""
    with FakeServer(Behaviour(tokens_per_chunk=2, token_delay_s=0.001)) as server:
        (record,) = run(server).records

    assert (record.output_tokens, record.chunks) == (4, 2)
    assert record.prompt_tokens == 4  # the run's number, the index and two words


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_first_token(field: str) -> None:
    """As R8 says."""
    with FakeServer(Behaviour(reasoning=field, token_delay_s=0.001)) as server:
        (record,) = run(server).records

    assert record.chunks == 4


def test_as_many_are_in_flight_as_the_load_says() -> None:
    """Never more, and not fewer."""
    with FakeServer(Behaviour(first_token_delay_s=0.02, token_delay_s=0.001)) as server:
        result = run(server, count=12, concurrency=4)
        most = server.most_in_flight

    assert most == 4
    assert [record.index for record in result.records] == list(range(12))
    assert all(record.due_s <= record.sent_s <= record.done_s for record in result.records)
    assert result.records[0].due_s == 0.0


def test_no_prompt_is_the_same_in_two_runs() -> None:
    """So that a prefix cache can't flatter; within a run the texts differ from their start too."""
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        run(server, count=2)
        run(server, count=2)
        sent = [body["messages"][0]["content"] for body in server.asked]

    assert len({text.split()[0] for text in sent}) == 2
    assert [text.split(maxsplit=1)[1] for text in sent] == ["0: the river", "1: the river"] * 2


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (VLLM, {"temperature": 0, "min_tokens": 4, "max_tokens": 4}),
        (FASTDEPLOY, {"top_k": 1, "top_p": 0, "min_tokens": 4, "max_tokens": 4}),
        (TRANSFORMERS, {"temperature": 0, "max_tokens": 4}),
    ],
)
def test_length_and_greediness_are_asked_in_the_engines_dialect(
    dialect: Dialect, fields: dict[str, object]
) -> None:
    """And nothing that it would refuse."""
    with FakeServer(Behaviour(usage="always", token_delay_s=0.001)) as server:
        run(server, dialect=dialect)
        (body,) = server.asked

    known = {"model", "messages", "stream", "stream_options"}
    assert {name: body[name] for name in body if name not in known} == fields


def test_images_travel_before_their_text() -> None:
    """As parts of one message."""
    prompt = Prompt(text="what is this", output_tokens=4, images=("data:image/png;base64,AA==",))
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        run_closed_loop(server.base_url, "m", [prompt], concurrency=1, dialect=VLLM, run="7")
        (body,) = server.asked

    assert body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "7 0: what is this"},
    ]


def test_a_dead_server_is_given_up_after_some_tries() -> None:
    """Each unsent prompt has a record that says so."""
    with FakeServer() as server:
        base_url = server.base_url
    records = run_closed_loop(base_url, "m", [PROMPT] * 8, concurrency=1, dialect=VLLM).records

    assert [record.status for record in records] == [None] * 8
    assert records[0].error is not None
    assert records[0].error.startswith("no connection: ConnectError")
    assert [record.error for record in records[3:]] == [
        "not sent: the server had stopped answering"
    ] * 5


def test_silence_is_a_timeout() -> None:
    """A server that hangs doesn't hang the run."""
    with FakeServer() as server:
        server.faults.append("hang")
        (record,) = run_closed_loop(
            server.base_url, "m", [PROMPT], concurrency=1, dialect=VLLM, silence_timeout_s=0.1
        ).records

    assert record.error is not None
    assert record.error.startswith("timeout: ReadTimeout")


def test_a_load_below_one_is_refused() -> None:
    """It would ask nothing and look fine."""
    with pytest.raises(ValueError, match="concurrency is 0; at least one request must be in"):
        run_closed_loop("http://127.0.0.1:1/v1", "m", [PROMPT], concurrency=0, dialect=VLLM)


def test_progress_tells_speed_and_failures() -> None:
    """After each request."""
    told: list[tuple[float, str]] = []

    def progress(
        stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        told.append((done, detail.split(", ")[1]))

    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        server.faults.append("429")
        run_closed_loop(
            server.base_url, "m", [PROMPT] * 2, concurrency=1, dialect=VLLM, progress=progress
        )

    assert told == [(1, "1 failed"), (2, "1 failed")]
