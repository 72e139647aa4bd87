"""
One answer, read in every engine's shape.
"""

from __future__ import annotations

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.asking.chat import ask_chat, new_client, read_answer


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ('{"content": "yes"}', "yes"),
        ('{"content": [{"type": "text", "text": "y"}, {"type": "text", "text": "es"}]}', "yes"),
        ('{"content": null, "reasoning_content": "hm"}', "hm"),
        ('{"content": "", "reasoning": "hm"}', "hm"),
        ('{"content": null}', ""),
    ],
)
def test_the_text_is_found_wherever_it_is(message: str, text: str) -> None:
    """Content first, then reasoning under either of its names."""
    body = f'{{"choices": [{{"message": {message}, "finish_reason": "stop"}}]}}'.encode()

    answer = read_answer(200, body, 0.5)

    assert (answer.text, answer.error, answer.latency_s) == (text, None, 0.5)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error": {"message": "too long", "code": 400}}', "HTTP 400: too long"),
        (500, b'{"detail": {"error": {"message": "dead"}}}', "HTTP 500: dead"),
        (422, b'{"detail": "no min_tokens"}', "HTTP 422: no min_tokens"),
        (422, b'{"detail": [{"loc": 1}]}', 'HTTP 422: [{"loc":1}]'),
        (500, b"Internal Server Error", "HTTP 500: Internal Server Error"),
        (502, b"", "HTTP 502: empty body"),
        (500, b'{"error": "\xff\xfe"}', 'HTTP 500: {"error": "\ufffd\ufffd"}'),
        (200, b'{"choices": []}', 'HTTP 200: {"choices":[]}'),
        (200, b"[1]", "HTTP 200: [1]"),
        (200, b"<html>", "HTTP 200: <html>"),
    ],
)
def test_what_is_no_answer_is_an_error_in_the_servers_words(
    status: int, body: bytes, error: str
) -> None:
    """Whatever its status and its shape."""
    answer = read_answer(status, body, 0.0)

    assert (answer.error, answer.status, answer.answered) == (error, status, False)


def test_long_words_are_cut() -> None:
    """A server's stack trace doesn't fill the evidence."""
    error = read_answer(500, b"x" * 9000, 0.0).error

    assert error is not None
    assert len(error) == len("HTTP 500: ") + 500


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [("400", 400, "HTTP"), ("reset", None, "ReadError"), (None, 200, None)],
)
def test_a_refusal_has_a_status_and_a_dead_server_has_none(
    fault: str | None, status: int | None, error: str | None
) -> None:
    """So that a window too small is never taken for a crash."""
    likes = Behaviour(window=1 if fault == "400" else 100)
    with FakeServer(likes) as server, new_client(None, timeout_s=5) as client:
        server.faults.append(fault)
        answer = ask_chat(client, server.base_url, "m", "hello there", {"max_tokens": 2})

    assert answer.status == status
    assert (answer.error or "").startswith(error or "")
    assert answer.answered is (error is None)


def test_the_key_travels_with_every_request() -> None:
    """And without it nobody is let in."""
    with FakeServer(Behaviour(api_key="secret")) as server:
        with new_client("secret", timeout_s=5) as client:
            let_in = ask_chat(client, server.base_url, "m", "hello", {"max_tokens": 2})
        with new_client(None, timeout_s=5) as client:
            refused = ask_chat(client, server.base_url, "m", "hello", {"max_tokens": 2})

    assert let_in.answered
    assert refused.error == "HTTP 401: Unauthorized"


def test_an_answer_that_is_no_utf_8_is_an_error_and_ends_nothing() -> None:
    """One broken byte in one answer must not cost the other thousands."""
    body = b'{"choices": [{"message": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}'

    answer = read_answer(200, body, 0.5)

    assert not answer.answered
    assert answer.error is not None and answer.error.startswith("HTTP 200: {")
