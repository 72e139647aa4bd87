"""
Which event is the first token, how many tokens came, and whether an answer is whole.
"""

from __future__ import annotations

import hashlib
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


def test_the_older_api_has_its_text_elsewhere() -> None:
    """Completions say ``text`` where chats have a delta."""
    stream, _ = read(
        b'data: {"choices": [{"text": ""}]}\n\n', b'data: {"choices": [{"text": "a"}]}\n\n'
    )

    assert (stream.first_token_s, stream.chunks) == (1.0, 1)


def test_what_was_said_once_is_kept() -> None:
    """Counts and the finish_reason; a later event that lacks them takes nothing back."""
    told = {
        "prompt_tokens": 5,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    stream, problem = read(
        chunk("length", content="a", usage=told),
        chunk(content="b", usage={"total_tokens": 8}),
        DONE,
    )

    assert problem is None
    assert (stream.prompt_tokens, stream.output_tokens, stream.cached_tokens) == (5, 3, 4)
    assert stream.finish_reason == "length"


def test_the_digest_is_that_of_the_text() -> None:
    """However it was cut into events."""
    (whole, _), (cut, _), (other, _) = (
        read(*(chunk(content=text) for text in texts)) for texts in (["ab"], ["a", "b"], ["ac"])
    )

    assert whole.digest == cut.digest == hashlib.sha256(b"ab").hexdigest()[:32]
    assert other.digest != whole.digest


def test_the_last_event_may_lack_its_empty_line() -> None:
    """The end of the stream ends it."""
    _, problem = read(*WHOLE[:-1], b"data: [DONE]")

    assert problem is None


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


def test_the_first_error_is_told_and_no_more_of_it_than_fits() -> None:
    """A stack that an engine sends as an error would fill the report."""
    _, problem = read(b"data: " + b"x" * 1000 + b"\n\n", b"data: another\n\n", DONE)

    assert problem == f"error in stream: {'x' * 300}"


def test_a_detail_beside_choices_is_no_error() -> None:
    """Only alone it is FastAPI's shape of one."""
    beside = b'data: {"detail": "of a token", "choices": [{"delta": {"content": "a"}}]}\n\n'
    _, problem = read(beside, chunk("stop"), USAGE, DONE)

    assert problem is None


@pytest.mark.parametrize(
    ("pieces", "broken_by", "problem"),
    [
        ([chunk(content="a")], "ReadError", "cut: ReadError"),
        (WHOLE, "ReadError", "cut: ReadError"),
        (WHOLE[:-1], None, "cut: no [DONE] line"),
        ([chunk(content="a"), USAGE, DONE], None, "cut: no finish_reason"),
        (
            [chunk(content="a"), chunk("stop"), DONE],
            None,
            "no usage: the stream counts no completion_tokens",
        ),
        ([chunk("stop"), USAGE, DONE], None, "no token: 3 counted, no text"),
    ],
)
def test_an_answer_that_lacks_a_part_failed(
    pieces: list[bytes], broken_by: str | None, problem: str
) -> None:
    """Whichever: [DONE] also follows errors, chunks are no count, and a count is no text."""
    assert read(*pieces, broken_by=broken_by)[1] == problem


def test_an_engine_without_done_lines_is_whole_without_one() -> None:
    """transformers sends none."""
    stream = Stream(TRANSFORMERS)
    stream.feed(b"".join(WHOLE[:-1]), 0.0)

    assert stream.problem() is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (429, b'{"error": {"message": "busy"}}', "refused: HTTP 429: busy"),
        (400, b'{"detail": {"message": "too long"}}', "refused: HTTP 400: too long"),
        (500, b"Internal Server Error", "server error: HTTP 500: Internal Server Error"),
        (503, b"", "server error: HTTP 503: empty body"),
        (400, b"x" * 1000, "refused: " + ("HTTP 400: " + "x" * 1000)[:300]),
    ],
)
def test_refusals_name_status_and_words(status: int, body: bytes, words: str) -> None:
    """A client error is a refusal, a server error is one."""
    assert refusal(status, body) == words


@pytest.mark.parametrize(
    ("dialect", "together", "tokens", "first_tokens"),
    [
        (VLLM, 1, 4, 1.0),
        (VLLM, 3, 4, 3.0),
        (VLLM, 1, 40, 10.0),
        (TRANSFORMERS, 1, 40, 1.0),
        (TRANSFORMERS, 3, 40, 3.0),
    ],
)
def test_how_many_tokens_came_in_the_first_moment(
    dialect: Dialect, together: int, tokens: int, first_tokens: float
) -> None:
    """
    Of four events; an engine whose tokens may lack text counts an event as one.
    """
    stream = Stream(dialect)
    text = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    for number in range(4):
        stream.feed(text, 1.0 if number < together else 2.0 + number)
    stream.feed(b'data: {"choices":[],"usage":{"completion_tokens":%d}}\n\n' % tokens, 9.0)

    assert first_tokens == stream.first_tokens
    assert 1.0 == Stream(dialect).first_tokens


def test_an_event_that_is_no_utf_8_fails_its_request_and_no_other() -> None:
    """Whatever bytes a server sends, the client goes on."""
    broken = b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n'

    _, problem = read(broken, *WHOLE)

    assert problem is not None and problem.startswith("error in stream: {")
