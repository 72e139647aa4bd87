"""
A server that fails now and then: every failure is counted under its name, and none makes it look better.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.known.schedule import MODEL, Schedule, Truth
from pytest_ernie.load.known.server import known_server
from pytest_ernie.load.limit import steady_samples
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.search import Limits
from pytest_ernie.load.search.statistics import Evidence
from pytest_ernie.load.summary import summarise
from pytest_ernie.measurements.load_runs import load_point
from pytest_ernie.standard import load as edition
from pytest_ernie.verdicts.throughput import Bounds, LoadPoint, broken_limits

RULE = edition("ernie-4.5").rulings.serving_throughput
QUICK: dict[str, Any] = {"ttft_s": 0.01, "interval_s": 0.01, "seed": 3}
REQUESTS, CONCURRENCY, TOKENS = 240, 16, 16
SILENCE_S = 0.5
LONGEST_S = 30.0
"""Twelve stalls at sixteen streams cost half a second each; the rest is a busy machine."""
EASY = Bounds(ttft_s=5.0, decode_tokens_per_s=1.0)
"""What the server without faults keeps, on any machine."""


def run(**faults: Any) -> tuple[LoadResult, Truth | None]:
    """What the client saw, and what truly happened; nobody knows that of a server that doesn't read."""
    schedule = Schedule(**QUICK, **faults)
    with known_server(schedule) as server:
        result = run_load(
            Target(base_url=server.base_url, model=MODEL, dialect=VLLM),
            [Prompt(text="the river", output_tokens=TOKENS)] * REQUESTS,
            closed(CONCURRENCY),
            run="7",
            silence_timeout_s=SILENCE_S,
        )
        return result, None if schedule.no_read else server.truth()


def point_of(result: LoadResult) -> LoadPoint:
    """The figures that the verdict asks for."""
    return load_point(result, "text", RULE, roofline_events_per_s=math.inf, ttft_error_s=0.0)


def search_keeps(result: LoadResult) -> bool:
    """Whether the search takes this load for one within the limits."""
    limits = Limits(ttft_s=EASY.ttft_s, decode_tokens_per_s=EASY.decode_tokens_per_s)
    samples = steady_samples(result.records, CONCURRENCY)
    return Evidence(concurrency=CONCURRENCY).plus(samples, len(samples)).figures().keeps(limits)


def test_without_faults_every_limit_is_kept() -> None:
    """
    Else the test below would prove nothing.
    """
    result, _ = run()

    assert {} == summarise(result).failed
    assert () == broken_limits(point_of(result), EASY, RULE)
    assert search_keeps(result)


@pytest.mark.parametrize(
    ("faults", "told", "named"),
    [
        ({"reset_share": 0.05}, "reset", "cut"),
        ({"stall_share": 0.05}, "stall", "timeout"),
        ({"shed_share": 0.05}, "shed", "refused: HTTP 429"),
        ({"garbage_share": 0.05}, "garbage", "error in stream"),
        ({"error_line_share": 0.05}, "error_line", "error in stream"),
    ],
)
def test_one_request_in_twenty_that_fails_is_counted_and_breaks_the_limits(
    faults: dict[str, float], told: str, named: str
) -> None:
    """
    As many as the server knows of, under one name; the run ends, and no share of 5 % is let pass.
    """
    result, truth = run(**faults)
    assert truth is not None
    struck = Counter(request.fault for request in truth.requests)[told]

    assert 5 <= struck <= 25
    assert {named: struck} == summarise(result).failed
    assert REQUESTS == len(result.records)
    assert result.wall_s < LONGEST_S
    assert struck / REQUESTS == pytest.approx(point_of(result).failed_share)
    assert "of the requests failed" in broken_limits(point_of(result), EASY, RULE)[0]
    assert not search_keeps(result)


@pytest.mark.parametrize(
    ("faults", "named", "words"),
    [
        ({"wrong_usage": True}, "wrong usage", "17 tokens counted, at most 16 were asked for"),
        ({"no_usage": True}, "no usage", "the stream counts no completion_tokens"),
        ({"no_done": True}, "cut", "no [DONE] line"),
        ({"no_read": True}, "timeout", "nothing came for 0.5 s"),
    ],
)
def test_what_is_wrong_with_every_answer_leaves_no_figure(
    faults: dict[str, bool], named: str, words: str
) -> None:
    """
    A count that is one too high, none at all, no end, no reading: nothing of it is a speed.
    """
    result, _ = run(**faults)
    summary, point = summarise(result), point_of(result)

    assert f"{named}: {words}" in {record.error for record in result.records}
    assert set(summary.failed) <= {named, "not sent"}
    assert result.wall_s < LONGEST_S
    assert 1.0 == point.failed_share
    assert math.isnan(point.ttft_mean_s)
    assert math.isnan(point.decode_mean_tokens_per_s)
    assert not point.output_tokens_per_s > 0
    (broken,) = broken_limits(point, EASY, RULE)
    assert broken.startswith("100.0 % of the requests failed, at most 0.1 % may")
    assert not search_keeps(result)
