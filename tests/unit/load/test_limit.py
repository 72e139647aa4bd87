"""
The search, driven against a live server: what it is told, and that records lead it the same way again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest

from doubles import load_records
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load import limit
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.limit import find_limit, outcome_of, run_trial, steady_samples
from pytest_ernie.load.protocol import LoadResult, Prompt, RequestRecord
from pytest_ernie.load.search import Limits, SearchSettings, Trial, search

LIMITS = Limits(ttft_s=0.2, decode_tokens_per_s=None)
SETTINGS = SearchSettings(most=64, output_tokens=10)


def record(due_s: float, done_s: float, error: str | None = None) -> RequestRecord:
    """An answer of 11 tokens whose first came after a tenth of a second."""
    return load_records.record(0, due_s, done_s, first_token_s=due_s + 0.1, error=error)


def test_requests_that_only_filled_the_slots_don_t_count() -> None:
    """
    Two slots: the first two requests met a server with less to do. Order is that of completion.
    """
    records = [record(0.0, 1.1), record(0.001, 1.0), record(1.1, 3.1), record(1.0, 2.1)]
    first, second = steady_samples(records, 2)
    assert (round(first.ttft_s, 9), round(first.s_per_token, 9)) == (0.1, 0.1)
    assert round(second.s_per_token, 9) == 0.19


def test_a_failed_request_is_a_sample_without_figures() -> None:
    """
    It counts against the load.
    """
    (sample,) = steady_samples([record(1.0, 2.0, error="refused: HTTP 429")], 1)
    assert sample.failed
    assert math.isnan(sample.ttft_s)
    assert math.isnan(sample.s_per_token)


def test_the_limit_of_a_known_queue_is_found_and_its_records_find_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Twelve slots of 0.05 s + 9 x 20 ms each, FIFO: 19 in flight wait 0.13 s for one. A busy machine takes
    its share of the limit, and gives nothing.
    """
    kept: list[tuple[Trial, LoadResult]] = []

    def kept_too(target: Target, prompts: Sequence[Prompt], trial: Trial, *more: Any) -> LoadResult:
        kept.append((trial, run_trial(target, prompts, trial, *more)))
        return kept[-1][1]

    monkeypatch.setattr(limit, "run_trial", kept_too)
    with known_server(Schedule(slots=12, prefill_s=0.05, interval_s=0.02)) as server:
        target = Target(base_url=server.base_url, model=MODEL, dialect=VLLM)
        found = find_limit(
            target,
            itertools.repeat(Prompt(text="how late", output_tokens=10)),
            LIMITS,
            SETTINGS,
        )

    assert 12 <= found.max_concurrency <= 20
    assert found.requests_sent == sum(result.requests_sent for _, result in kept)
    assert all(result.arrivals == closed(trial.concurrency) for trial, result in kept)
    steps, again = search(LIMITS, SETTINGS), None
    trial = next(steps)
    for asked, result in kept:
        assert trial == asked
        try:
            trial = steps.send(outcome_of(result, trial.concurrency))
        except StopIteration as end:
            again = end.value
    assert again == found
