"""
Which event is the first token, how many tokens came, and whether an answer is whole.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ernie.engines.dialects import TRANSFORMERS, VLLM
from pytest_ernie.engines.protocol import Dialect
from pytest_ernie.load.stream import Stream, refusal


def chunk(finish: str | None = None, usage: Any = None, **delta: str) -> bytes:
    """One event of a stream."""
    event: dict[str, Any] = {"choices": [{"delta": delta, "finish_reason": finish}]}
    if usage is not None:
        event["usage"] = usage
    return b"data: " + json.dumps(event).encode() + b"\n\n"


USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = [chunk(role="assistant", content=""), chunk(content="a"), chunk("stop"), USAGE, DONE]


def read(*pieces: bytes, broken_by: str | None = None) -> tuple[Stream, str | None]:
    """Feed the pieces a second apart; return the stream and its problem."""
    stream = Stream(VLLM)
    for second, piece in enumerate(pieces):
        stream.feed(piece, float(second))
    return stream, stream.problem(broken_by)


def test_a_whole_answer_has_no_problem() -> None:
    """Text, finish_reason, usage and [DONE] make an answer whole."""
    stream, problem = read(*WHOLE)

    assert problem is None
    assert (stream.prompt_tokens, stream.output_tokens, stream.chunks) == (5, 3, 1)
    assert stream.finish_reason == "stop"


def test_a_role_event_is_no_first_token() -> None:
    """Empty content doesn't count, whenever it comes."""
    stream, _ = read(
        chunk(role="assistant", content=""),
        chunk(content=""),
        chunk(content="a"),
        chunk(content="b"),
    )

    assert (stream.first_token_s, stream.last_token_s) == (2.0, 3.0)


@pytest.mark.parametrize(("dialect", "last_s"), [(VLLM, 1.0), (TRANSFORMERS, 3.0)])
def test_tokens_without_text_end_with_the_answer(dialect: Dialect, last_s: float) -> None:
    """Where an answer of fixed length goes on without text, its end is when the last token came."""
    stream = Stream(dialect)
    pieces = [chunk(content="a"), chunk(content="b"), chunk(), chunk("length")]
    for second, piece in enumerate(pieces):
        stream.feed(piece, float(second))

    assert (stream.first_token_s, stream.last_token_s) == (0.0, last_s)


@pytest.mark.parametrize("name", ["content", "reasoning_content", "reasoning"])
def test_content_and_reasoning_are_tokens(name: str) -> None:
    """R8 counts reasoning content too, under either of its names."""
    stream, _ = read(chunk(**{name: "a"}))

    assert stream.first_token_s == 0.0


def test_chunks_are_not_tokens() -> None:
    """Two events that carry three tokens are three tokens."""
    stream, _ = read(chunk(content="a b"), chunk(content="c"), chunk("stop"), USAGE, DONE)

    assert (stream.chunks, stream.output_tokens) == (2, 3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'data: {"error": {"message": "the worker died"}}\n\n', "the worker died"),
        (b'data: {"error": "the worker died"}\n\n', "the worker died"),
        (b'data: {"detail": "the worker died"}\n\n', "the worker died"),
        (b"data: what is this\n\n", "what is this"),
        (b"data: 7\n\n", "7"),
    ],
)
def test_an_error_line_fails_the_request_though_done_follows(line: bytes, words: str) -> None:
    """An error under HTTP 200 is an error, in any engine's shape."""
    _, problem = read(chunk(content="a"), line, chunk("stop"), USAGE, DONE)

    assert problem == f"error in stream: {words}"


def test_a_broken_connection_is_a_cut() -> None:
    """What broke it is told."""
    _, problem = read(chunk(content="a"), broken_by="ReadError")

    assert problem == "cut: ReadError"


def test_a_missing_done_line_is_a_cut_where_the_engine_sends_one() -> None:
    """All else may be there."""
    _, problem = read(*WHOLE[:-1])

    assert problem == "cut: no [DONE] line"


def test_an_engine_without_done_lines_is_whole_without_one() -> None:
    """transformers sends none."""
    stream = Stream(TRANSFORMERS)
    stream.feed(b"".join(WHOLE[:-1]), 0.0)

    assert stream.problem() is None


def test_a_missing_finish_reason_is_a_cut() -> None:
    """[DONE] also follows errors, so it alone proves nothing."""
    _, problem = read(chunk(content="a"), USAGE, DONE)

    assert problem == "cut: no finish_reason"


def test_without_usage_nothing_says_how_many_tokens_came() -> None:
    """Chunks are no substitute."""
    _, problem = read(chunk(content="a"), chunk("stop"), DONE)

    assert problem == "no usage: the stream counts no completion_tokens"


def test_an_answer_without_text_failed() -> None:
    """Tokens were counted, none was shown."""
    _, problem = read(chunk("stop"), USAGE, DONE)

    assert problem == "no token: 3 counted, no text"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (429, b'{"error": {"message": "busy"}}', "refused: HTTP 429: busy"),
        (400, b'{"detail": {"message": "too long"}}', "refused: HTTP 400: too long"),
        (500, b"Internal Server Error", "server error: HTTP 500: Internal Server Error"),
        (503, b"", "server error: HTTP 503: empty body"),
    ],
)
def test_refusals_name_status_and_words(status: int, body: bytes, words: str) -> None:
    """A client error is a refusal, a server error is one."""
    assert refusal(status, body) == words
