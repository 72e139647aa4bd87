"""
What a server itself counts, on its Prometheus page.
"""

from __future__ import annotations

import httpx
import pytest

from pytest_ernie.engines.asking.counters import counter_in, read_counter
from pytest_ernie.engines.lifecycle.replicas import Replicas

NAME = "vllm:generation_tokens_total"
PAGE = """\
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="a } b"} 1200.0
vllm:generation_tokens_total{engine="1",model_name="a } b"} 3.4e+02 1763817600000
vllm:generation_tokens_created{engine="0"} 1.7e+09
vllm:prompt_tokens_total{engine="0"} 9.0
"""


def test_the_series_of_all_workers_are_added_up() -> None:
    """
    With labels of any text, and with or without a time behind the value.
    """
    assert counter_in(PAGE, NAME) == 1540.0
    assert counter_in(
        "fastdeploy:generation_tokens_total 12\n", "fastdeploy:generation_tokens_total"
    )


@pytest.mark.parametrize("page", ["", "\n", NAME, f"{NAME} many", f"{NAME}{{", f"{NAME}_sum 3"])
def test_a_page_that_does_not_tell_is_no_zero(page: str) -> None:
    """
    Nothing is compared then; a zero would accuse every answer.
    """
    assert counter_in(page, NAME) is None


def test_a_server_without_the_page_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    404, or nobody there.
    """

    def answer(url: str, **_: object) -> httpx.Response:
        if "9/" in url:
            raise httpx.ConnectError("refused")
        return httpx.Response(404 if "8/" in url else 200, text=PAGE)

    monkeypatch.setattr(httpx, "get", answer)

    assert read_counter("http://127.0.0.1:7/metrics", NAME, None) == 1540.0
    assert read_counter("http://127.0.0.1:8/metrics", NAME, None) is None
    assert read_counter("http://127.0.0.1:9/metrics", NAME, None) is None


class One:
    """One of several servers."""

    def __init__(self, tokens: float | None) -> None:
        from pytest_ernie.engines.protocol import UNKNOWN

        self.facts, self._tokens = UNKNOWN, tokens

    def output_tokens(self) -> float | None:
        return self._tokens


@pytest.mark.parametrize(("of_each", "of_all"), [((3.0, 4.0), 7.0), ((3.0, None), None)])
def test_replicas_count_together_or_not_at_all(
    of_each: tuple[float | None, ...], of_all: float | None
) -> None:
    """
    What one of them doesn't tell would be missing from the sum.
    """
    servers = [One(tokens) for tokens in of_each]

    assert Replicas(servers).output_tokens() == of_all  # type: ignore[arg-type] # nothing else is asked
