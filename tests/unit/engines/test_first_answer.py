"""
The first question: through OpenAI's own client, which must read the same text as the suite.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.asking import ready
from pytest_ernie.engines.asking.chat import Answer
from pytest_ernie.engines.asking.ready import first_answer
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.errors import EngineError

MODEL = "ernie"


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server of known answers."""
    with FakeServer(Behaviour(model=MODEL)) as server:
        yield server


def test_both_read_the_same_answer(fake: FakeServer) -> None:
    """
    A sound server passes, proxies of the environment notwithstanding.
    """
    first_answer(fake.base_url, MODEL, None, VLLM)


def test_a_proxy_isn_t_asked(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A lab's proxy knows nothing of this machine's own ports.
    """
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    first_answer(fake.base_url, MODEL, None, VLLM)


def test_a_client_that_reads_otherwise_is_no_compatible_server(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If applications see another text than what is scored, the score is worth nothing.
    """
    other = Answer(status=200, text="something else", output_tokens=2)
    monkeypatch.setattr(ready, "read_answer", lambda *_, **__: other)
    with pytest.raises(EngineError, match="OpenAI's client reads another answer"):
        first_answer(fake.base_url, MODEL, None, VLLM)


def test_a_dead_address_is_named() -> None:
    """
    No retries: a server that has died is said to be dead at once.
    """
    with pytest.raises(EngineError, match="not answered; got APIConnectionError"):
        first_answer("http://127.0.0.1:9/v1", "m", None, VLLM)
