"""
Several equal servers behind one client: the load of a whole machine (R6).
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.protocol import LoadResult, Prompt

PROMPT = Prompt(text="the river", output_tokens=3)


def ask(servers: list[FakeServer], count: int, concurrency: int, processes: int = 1) -> LoadResult:
    """Ask ``count`` times over all of them."""
    first, *others = [server.base_url for server in servers]
    target = Target(base_url=first, other_urls=tuple(others), model="m", dialect=VLLM)
    return run_load(target, [PROMPT] * count, closed(concurrency), run="7", processes=processes)


@pytest.mark.parametrize(
    ("servers", "concurrency", "processes", "most"),
    [(2, 4, 1, {2}), (3, 6, 1, {2}), (2, 2, 2, {1}), (2, 1, 1, {0, 1}), (3, 4, 1, {1, 2})],
)
def test_requests_in_flight_are_shared_evenly(
    servers: int, concurrency: int, processes: int, most: set[int]
) -> None:
    """
    As many with each server, one more with some where they don't divide evenly; over several client
    processes, too.
    """
    with ExitStack() as stack:
        fakes = [
            stack.enter_context(FakeServer(Behaviour(first_token_delay_s=0.03)))
            for _ in range(servers)
        ]
        result = ask(fakes, 6 * concurrency, concurrency, processes)

        assert [] == [record.error for record in result.records if record.error]
        assert 6 * concurrency == sum(len(fake.asked) for fake in fakes)
        assert most == {fake.most_in_flight for fake in fakes}


def test_a_server_that_refuses_does_not_unbalance_the_others() -> None:
    """
    Its failures are records; the slots stay with the servers that they began with.
    """
    with FakeServer(Behaviour(token_delay_s=0.002)) as good, FakeServer() as bad:
        bad.faults.extend(["429"] * 1000)
        result = ask([good, bad], 40, 4)

        assert 2 == good.most_in_flight
        assert len(bad.asked) == sum(record.status == 429 for record in result.records)
