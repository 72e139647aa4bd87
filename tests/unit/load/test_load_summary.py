"""
What hand-made records amount to.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.load.protocol import LoadResult, RequestRecord
from pytest_ernie.load.summary import (
    failure,
    percentile,
    reason,
    spread,
    steady_window,
    summarise,
    tokens_between,
)


def record(
    index: int = 0, sent_s: float = 0.0, done_s: float = 3.0, **changed: Any
) -> RequestRecord:
    """A whole answer: first token after 1 s, 11 tokens until it is done, unless told otherwise."""
    facts: dict[str, Any] = {
        "index": index,
        "due_s": sent_s,
        "sent_s": sent_s,
        "first_token_s": sent_s + 1.0,
        "last_token_s": done_s,
        "done_s": done_s,
        "wanted_tokens": 11,
        "prompt_tokens": 5,
        "output_tokens": 11,
        "chunks": 11,
        "status": 200,
        "finish_reason": "length",
        "error": None,
    }
    return RequestRecord(**{**facts, **changed})


def result(*records: RequestRecord, concurrency: int = 1) -> LoadResult:
    """A run of these records."""
    return LoadResult(
        concurrency=concurrency,
        records=records,
        started_unix_s=0.0,
        wall_s=10.0,
        client_cpu_s=2.5,
    )


# Two slots, three seconds a request: 0-3, 0-3, 3-6, 3-6, 6-9, 6-9.
TWO_SLOTS = [
    record(i, sent_s=float(3 * (i // 2)), done_s=float(3 * (i // 2) + 3)) for i in range(6)
]


def test_the_window_begins_when_the_load_is_reached_and_ends_with_the_last_send() -> None:
    """Ramp-up and the end, when the server has less to do, are left out."""
    late = [record(0, 0.0, 4.0), record(1, 1.0, 4.0), record(2, 4.0, 7.0), record(3, 4.5, 7.0)]

    assert steady_window(late, 2) == (True, 1.0, 4.5)


def test_tokens_per_second_are_those_of_the_window() -> None:
    """From 0 to 6 s, four answers of 11 tokens are complete; the last two haven't begun."""
    summary = summarise(result(*TWO_SLOTS, concurrency=2))

    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (True, 0.0, 6.0)
    assert summary.output_tokens_per_s == pytest.approx(44 / 6)


def test_a_run_that_never_holds_its_load_is_measured_whole_and_says_so() -> None:
    """Two requests at a load of two: the last is sent when the load is reached."""
    summary = summarise(result(record(0), record(1), concurrency=2))

    assert not summary.steady
    assert (summary.window_start_s, summary.window_end_s) == (0.0, 3.0)
    assert summary.output_tokens_per_s == pytest.approx(22 / 3)


def test_a_request_that_ends_as_another_begins_is_not_in_flight_with_it() -> None:
    """One slot never holds two."""
    one_slot = [record(0, 0.0, 3.0), record(1, 3.0, 6.0), record(2, 6.0, 9.0)]

    assert steady_window(one_slot, 2)[0] is False


@pytest.mark.parametrize(
    ("start_s", "end_s", "tokens"),
    [(0.0, 3.0, 11), (0.0, 1.0, 0), (1.0, 3.0, 11), (1.0, 2.0, 6), (2.0, 9.0, 5), (3.0, 9.0, 0)],
)
def test_tokens_lie_evenly_between_first_and_last(
    start_s: float, end_s: float, tokens: float
) -> None:
    """The first token counts when it came; ten more follow within two seconds."""
    assert tokens_between(record(), start_s, end_s) == pytest.approx(tokens)


def test_the_first_token_counts_from_when_the_request_was_due() -> None:
    """A client that sends late can't make the server look fast."""
    summary = summarise(result(record(0, due_s=-0.5), record(1, 3.0, 6.0)))

    assert summary.ttft_s is not None
    assert (summary.ttft_s.mean, summary.ttft_s.samples) == (1.25, 2)


def test_decode_speed_leaves_out_the_first_token() -> None:
    """(n - 1) / (last - first)."""
    summary = summarise(result(record()))

    assert summary.decode_tokens_per_s is not None
    assert summary.decode_tokens_per_s.mean == pytest.approx(10 / 2)


def test_one_burst_spoils_the_mean_of_speeds_but_not_of_times() -> None:
    """Nine answers at 5 tok/s and one that came in a millisecond."""
    burst = record(9, 27.0, 30.0, first_token_s=29.999, last_token_s=30.0)
    summary = summarise(result(*(record(i, 3.0 * i, 3.0 * i + 3) for i in range(9)), burst))

    assert summary.decode_tokens_per_s is not None
    assert summary.decode_s_per_token is not None
    assert summary.decode_tokens_per_s.mean > 1000
    assert 1 / summary.decode_s_per_token.mean == pytest.approx(50 / 9, rel=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"output_tokens": 1},
        {"output_tokens": 0},
        {"output_tokens": None},
        {"last_token_s": 1.0},
        {"first_token_s": None, "last_token_s": None},
        {"last_token_s": float("nan")},
    ],
)
def test_an_answer_without_a_decode_speed_failed(changed: dict[str, Any]) -> None:
    """n < 2 or t_last = t_first is a failed request (R8)."""
    assert failure(record(**changed)) == (
        "no decode speed: fewer than two tokens, or all in one moment"
    )


def test_two_tokens_at_two_moments_are_enough() -> None:
    """The least that has a decode speed."""
    assert failure(record(output_tokens=2)) is None


def test_failed_requests_are_counted_by_reason_and_left_out_of_every_figure() -> None:
    """Shedding buys no latency: it is in the failed share."""
    shed = record(1, 3.0, 3.1, error="refused: HTTP 429: busy", output_tokens=None)
    cut = record(2, 3.1, 5.0, error="cut: no [DONE] line")
    broken = record(3, 5.0, 6.0, error="cut: ReadError")

    summary = summarise(result(record(), shed, cut, broken))

    assert summary.failed == {"cut": 2, "refused: HTTP 429": 1}
    assert summary.failed_share == 0.75
    assert summary.output_tokens == 11
    assert summary.ttft_s is not None
    assert summary.ttft_s.samples == 1


def test_an_empty_run_shows_nothing() -> None:
    """Not one figure, and everything failed."""
    summary = summarise(result())

    assert (summary.requests, summary.failed, summary.failed_share) == (0, {}, 1.0)
    assert summary.output_tokens_per_s is None
    assert summary.ttft_s is None
    assert summary.decode_tokens_per_s is None
    assert summary.reached_full_length_share is None


def test_a_run_of_failures_only_has_no_speeds() -> None:
    """Zero tokens per second, and no latency."""
    summary = summarise(result(record(error="no connection: ConnectError")))

    assert summary.failed == {"no connection": 1}
    assert summary.output_tokens_per_s == 0
    assert summary.ttft_s is None


@pytest.mark.parametrize(("tokens", "share"), [(11, 1.0), (10, 0.0), (12, 0.0)])
def test_full_length_is_exactly_the_wanted_one(tokens: int, share: float) -> None:
    """Under and over are both not equal work (R9)."""
    assert summarise(result(record(output_tokens=tokens))).reached_full_length_share == share


@pytest.mark.parametrize(("chunks", "tokens"), [(11, 1.0), (2, 5.5), (0, None)])
def test_tokens_that_come_in_bundles_are_shown(chunks: int, tokens: float | None) -> None:
    """A parser that holds them back makes the decode speed look better than it is."""
    assert summarise(result(record(chunks=chunks))).tokens_per_chunk == tokens


def test_the_clients_own_share_of_a_core_is_shown() -> None:
    """2.5 s of 10 s."""
    assert summarise(result(record())).client_cpu_share == 0.25


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        ("refused: HTTP 429: busy", "refused: HTTP 429"),
        ("cut: ReadError", "cut"),
        ("no usage: the stream counts no completion_tokens", "no usage"),
        ("plain", "plain"),
    ],
)
def test_reasons_keep_the_status_and_drop_the_detail(error: str, counted: str) -> None:
    """Otherwise every connection's number would be a reason of its own."""
    assert reason(error) == counted


def test_percentiles_are_interpolated() -> None:
    """Of 0, 10, .., 100 each percentile is itself; of one value it is that value."""
    values = [10.0 * step for step in range(11)]

    assert [percentile(values, share) for share in (0, 50, 90, 99, 100)] == [0, 50, 90, 99, 100]
    assert percentile([7.0], 99) == 7.0
    assert spread([]) is None
