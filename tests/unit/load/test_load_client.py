"""
The load client against a server that fails on request.
"""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.dialects import FASTDEPLOY, TRANSFORMERS, VLLM
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.errors import EngineError
from pytest_ernie.load.arrivals import Arrivals, closed
from pytest_ernie.load.client import Target, body_of, run_load
from pytest_ernie.load.hot.worker import allow_sockets
from pytest_ernie.load.protocol import LoadResult, Prompt, RequestRecord
from pytest_ernie.load.summary import summarise

PROMPT = Prompt(text="the river", output_tokens=4)


def target(server: FakeServer, dialect: Dialect = VLLM, **more: Any) -> Target:
    """The server as a load's target."""
    return Target(base_url=server.base_url, model="m", dialect=dialect, **more)


def run(
    server: FakeServer, count: int = 1, concurrency: int = 1, dialect: Dialect = VLLM, **more: Any
) -> LoadResult:
    """Ask ``count`` times."""
    prompts = [PROMPT] * count
    return run_load(target(server, dialect), prompts, closed(concurrency), run="7", **more)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", "refused: HTTP 429: fault 429"),
        ("500", "server error: HTTP 500: fault 500"),
        ("error_line", "error in stream: the worker died"),
        ("reset", "cut: ConnectionResetError [Errno 104] Connection reset by peer"),
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
    assert 0.15 <= record.first_token_s - record.due_s < 5
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


def test_each_prompt_begins_with_the_run_and_its_number() -> None:
    """So that a prefix cache can't flatter; within a run the texts differ from their start too."""
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        run(server, count=2)
        sent = [body["messages"][0]["content"] for body in server.asked]

    assert sent == ["7 0: the river", "7 1: the river"]


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (VLLM, {"temperature": 0, "min_tokens": 4, "max_tokens": 4}),
        (FASTDEPLOY, {"top_k": 1, "top_p": 0, "min_tokens": 4, "max_tokens": 4}),
        (
            TRANSFORMERS,
            {
                "temperature": 0,
                "max_tokens": 4,
                "generation_config": '{"eos_token_id": -1, "do_sample": false}',
            },
        ),
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


def test_images_travel_between_what_is_the_runs_own_and_their_text() -> None:
    """A cache of prefixes would else know the image from the run before."""
    prompt = Prompt(text="what is this", output_tokens=4, images=("data:image/png;base64,AA==",))
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        run_load(target(server), [prompt], closed(1), run="7")
        (body,) = server.asked

    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "7 0: "},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "what is this"},
    ]


def test_a_dead_server_is_given_up_after_some_tries() -> None:
    """Each unsent prompt has a record that says so."""
    with FakeServer() as server:
        base_url = server.base_url
    gone = Target(base_url=base_url, model="m", dialect=VLLM)
    result = run_load(gone, [PROMPT] * 8, closed(1), run="7")
    records = result.records

    assert [record.status for record in records] == [None] * 8
    assert records[0].error is not None
    assert records[0].error.startswith("no connection: Connection refused")
    assert {record.error for record in records[:4]} == {records[0].error}
    assert [record.error for record in records[4:]] == [
        "not sent: the server had stopped answering"
    ] * 4
    assert result.requests_sent == 0


def test_silence_is_a_timeout() -> None:
    """A server that hangs doesn't hang the run."""
    with FakeServer() as server:
        server.faults.append("hang")
        (record,) = run(server, silence_timeout_s=0.1).records

    assert record.error == "timeout: nothing came for 0.1 s"


def test_progress_tells_speed_and_failures() -> None:
    """A few times a second."""
    told: list[tuple[str, float, float | None, list[str]]] = []

    def progress(
        stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        told.append((stage, done, total, re.split(r"[ ,]+", detail)))

    with FakeServer(Behaviour(token_delay_s=0.3)) as server:
        server.faults.append("429")
        run(server, count=2, progress=progress)

    assert {(stage, total) for stage, _, total, _ in told} == {("load 1", 2)}
    assert [done for _, done, _, _ in told] == sorted(done for _, done, _, _ in told)
    during = [detail for _, done, _, detail in told if done == 1]
    assert {(d[0], d[-2], d[-1]) for d in during} == {("1", "1", "failed")}
    assert max(int(detail[3]) for detail in during) > 0


def test_a_run_says_when_it_began_and_how_long_it_took() -> None:
    """By the clock on the wall, and by that of the run."""
    before_unix_s, before_s = time.time(), time.monotonic()
    with FakeServer(Behaviour(token_delay_s=0.05)) as server:
        result = run(server)
    passed_s = time.monotonic() - before_s

    assert before_unix_s < result.started_unix_s < before_unix_s + passed_s
    assert result.records[0].done_s <= result.wall_s < passed_s


@pytest.mark.parametrize("processes", [1, 2])
def test_an_open_loop_sends_when_requests_are_due_whatever_the_server_does(processes: int) -> None:
    """Each takes half a second; they leave a tenth apart, in turns if several processes send."""
    with FakeServer(Behaviour(first_token_delay_s=0.5, token_delay_s=0.001)) as server:
        arrivals = Arrivals(kind="constant", rate_per_s=10)
        result = run_load(target(server), [PROMPT] * 5, arrivals, run="7", processes=processes)
        most = server.most_in_flight

    assert [record.error for record in result.records] == [None] * 5
    assert [record.due_s for record in result.records] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert most >= 4


def test_several_processes_share_the_prompts_and_the_load() -> None:
    """Every prompt once, in the workload's order, the load no higher than asked."""
    with FakeServer(Behaviour(first_token_delay_s=0.02, token_delay_s=0.001)) as server:
        result = run(server, count=20, concurrency=5, processes=3)
        most = server.most_in_flight

    assert [record.index for record in result.records] == list(range(20))
    assert [record.error for record in result.records] == [None] * 20
    assert most <= 5
    assert len(result.clients) == 3
    assert all(client.reads > 0 for client in result.clients)


def test_there_are_no_more_processes_than_slots() -> None:
    """One without a slot would never send its share."""
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        result = run(server, count=6, concurrency=2, processes=3)

    assert [record.index for record in result.records] == list(range(6))
    assert len(result.clients) == 2


def test_a_run_is_stopped_when_it_is_decided() -> None:
    """What has ended is shown as it ends; what is in flight is given up, counted and not recorded."""
    shown: list[int] = []

    def decided(records: Sequence[RequestRecord]) -> bool:
        shown.append(len(records))
        return len(records) >= 3

    with FakeServer(Behaviour(first_token_delay_s=0.1, token_delay_s=0.001)) as server:
        result = run(server, count=1000, concurrency=2, decided=decided)

    assert result.decided
    assert shown == sorted(shown)
    assert 3 <= len(result.records) < 100
    assert len(result.records) <= result.requests_sent <= len(result.records) + 2
    assert all(record.error is None for record in result.records)


def test_the_key_goes_to_the_server_and_nowhere_else() -> None:
    """Not into records, nor onto a command line that every user of the host can read."""
    with FakeServer(Behaviour(api_key="sk-123", token_delay_s=0.001)) as server:
        keyed = target(server, api_key="sk-123")
        (right,) = run_load(keyed, [PROMPT], closed(1), run="7").records
        (wrong,) = run(server).records

    assert right.error is None
    assert wrong.status == 401
    assert b"sk-123" not in msgspec.json.encode(right)


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "a\nb"])
def test_a_key_with_a_line_end_is_refused(key: str) -> None:
    """It would be another header."""
    evil = Target(base_url="http://127.0.0.1:9/v1", model="m", dialect=VLLM, api_key=key)
    with pytest.raises(EngineError) as caught:
        run_load(evil, [PROMPT], closed(1), run="7")
    assert str(caught.value) == "127.0.0.1: the address or the key holds a line end"


def test_the_older_api_is_asked_with_a_prompt() -> None:
    """For engines and checkpoints without a chat template."""
    old = Target(base_url="http://127.0.0.1:9/v1", model="m", dialect=VLLM, chat=False)
    body = msgspec.json.decode(body_of(old, "7", 3, PROMPT))
    assert body["prompt"] == "7 3: the river"
    assert "messages" not in body


def test_digests_tell_requests_and_answers_apart() -> None:
    """Of what was sent, and of the text that came."""
    with FakeServer(Behaviour(token_delay_s=0.001)) as server:
        first, second = run(server, count=2).records
        (again,) = run(server).records
    with FakeServer(Behaviour(token_delay_s=0.001, reply=lambda prompt: "no no")) as server:
        (other,) = run(server).records

    assert first.request_digest != second.request_digest
    assert first.request_digest == again.request_digest
    assert first.answer_digest == second.answer_digest != other.answer_digest
    assert len(first.answer_digest) == 32


def test_a_client_that_dies_ends_the_run_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its share of the records is lost, so there is no result."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    dead = Target(base_url="http://127.0.0.1:9/v1", model="m", dialect=VLLM)
    with pytest.raises(EngineError, match="a load client died, and the run with it"):
        run_load(dead, [PROMPT], closed(1), run="7")


def test_a_name_that_nobody_knows_is_an_error() -> None:
    """At once, and in one line."""
    lost = Target(base_url="http://no-such-host.invalid/v1", model="m", dialect=VLLM)
    words = "the load client can't go on; got no-such-host.invalid is no host that is known here"
    with pytest.raises(EngineError, match=words):
        run_load(lost, [PROMPT], closed(1), run="7")


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ((100, 300), [(300, 300)]),
        ((300, 300), []),
        ((100, resource.RLIM_INFINITY), [(1 << 20, resource.RLIM_INFINITY)]),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_the_host_allows(
    monkeypatch: pytest.MonkeyPatch, now: tuple[int, int], told: list[tuple[int, int]]
) -> None:
    """An open loop may need any number: each connection is an open file."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda which: now)
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: set_to.append(limits))

    allow_sockets(36)

    assert told == set_to


def test_more_connections_than_the_host_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent, with what to do."""
    monkeypatch.setattr("resource.getrlimit", lambda which: (100, 300))
    words = (
        "237 connections need 301 open files and this host allows 300; raise it (ulimit -Hn), or take "
        "more processes"
    )
    with pytest.raises(OSError, match=re.escape(words)):
        allow_sockets(237)
