"""
What hand-made records amount to.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from doubles.load_records import BUSIER, CLIENT, TWO_SLOTS, record, result
from pytest_ernie.load.protocol import (
    Loaded,
    decode_tokens,
)
from pytest_ernie.load.summary import (
    Columns,
    came_at_once,
    failure,
    failures_in_words,
    reason,
    spread,
    steady_window,
    summarise,
)


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


def test_gaps_between_requests_are_seen_in_the_load_and_not_hidden_by_the_window() -> None:
    """Two slots, empty for a second after each answer: the window is there, a quarter of the load isn't."""
    gaps = [record(i, 4.0 * (i // 2), 4.0 * (i // 2) + 3.0) for i in range(8)]
    summary = summarise(result(*gaps, concurrency=2))

    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (True, 0.0, 12.0)
    assert summary.mean_in_flight == pytest.approx(1.5)


def test_a_process_that_has_sent_all_of_its_own_ends_the_window() -> None:
    """It fills its slots no more, although another one still does."""
    records = [record(i, 3.0 * (i // 2), 3.0 * (i // 2) + 3.0) for i in range(5)]

    assert steady_window(records, 2, processes=1) == (True, 0.0, 6.0)
    assert steady_window(records, 2, processes=2) == (True, 0.0, 3.0)


@pytest.mark.parametrize(("first_tokens", "tokens"), [(1.0, 10.0), (5.0, 6.0), (5.5, 5.5)])
def test_what_came_with_the_first_token_took_no_decoding(
    first_tokens: float, tokens: float
) -> None:
    """All that came in that moment is left out, not only one."""
    one = record(first_tokens=first_tokens)
    summary = summarise(result(one))

    assert decode_tokens(one) == pytest.approx(tokens)
    assert summary.tpot_s is not None
    assert summary.tpot_s.mean == pytest.approx(2.0 / tokens)
    assert Columns.of([one]).tokens_between(0.0, 1.5) == pytest.approx([11 - 0.75 * tokens])


def test_an_answer_without_tokens_has_no_decode_speed() -> None:
    """Nothing is made up for it."""
    with pytest.raises(ValueError, match="an answer without tokens"):
        decode_tokens(record(output_tokens=None))


def test_what_the_client_used_is_that_of_the_time_when_the_load_was_there() -> None:
    """What hangs for an hour at the end dilutes nothing; a run without such a time is taken whole."""
    loaded = Loaded(length_s=2.0, cpu_s=1.9, waited_s=0.4)
    busy = msgspec.structs.replace(CLIENT, loaded=loaded)
    summary = summarise(result(*TWO_SLOTS, concurrency=2, wall_s=3600.0, clients=(busy,)))
    whole = summarise(result(*TWO_SLOTS, concurrency=2, wall_s=10.0, clients=(CLIENT, BUSIER)))

    assert (summary.client_cpu_share, summary.client_waited_share) == (0.95, 0.2)
    assert (whole.client_cpu_share, whole.client_waited_share) == (0.4, 0.2)


def test_a_client_is_late_with_requests_that_fail_too() -> None:
    """A server that refuses everything doesn't hide whether the client kept up."""
    refused = [record(i, 0.5, 1.0, due_s=0.0, error="refused: HTTP 503") for i in range(3)]
    summary = summarise(result(*refused))

    assert summary.lateness_s is not None
    assert summary.lateness_s.mean == 0.5


def test_events_are_counted_in_the_window() -> None:
    """Two slots, 11 events in the last two of three seconds each."""
    assert summarise(result(*TWO_SLOTS, concurrency=2)).events_per_s == pytest.approx(44 / 6)


@pytest.mark.parametrize(
    ("start_s", "end_s", "tokens"),
    [(0.0, 3.0, 11), (0.0, 1.0, 0), (1.0, 3.0, 11), (1.0, 2.0, 6), (2.0, 9.0, 5), (3.0, 9.0, 0)],
)
def test_tokens_lie_evenly_between_first_and_last(
    start_s: float, end_s: float, tokens: float
) -> None:
    """The first token counts when it came; ten more follow within two seconds."""
    assert Columns.of([record()]).tokens_between(start_s, end_s) == pytest.approx([tokens])


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
    slow = [record(i, 3.0 * i, 3.0 * i + 3) for i in range(9)]
    burst = record(9, 27.0, 30.0, first_token_s=29.999)
    summary = summarise(result(*slow, burst, record(10, 30.0, 33.0)))

    assert summary.decode_tokens_per_s is not None
    assert summary.tpot_s is not None
    assert summary.decode_tokens_per_s.mean > 1000
    assert 1 / summary.tpot_s.mean == pytest.approx(50 / 9, rel=1e-3)


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


@pytest.mark.parametrize(
    ("changed", "at_once"),
    [
        ({"last_token_s": 1.0}, True),
        ({}, False),
        ({"last_token_s": 1.0, "chunks": 2}, True),
        ({"last_token_s": 1.0, "chunks": 1}, False),
        ({"last_token_s": 1.0, "output_tokens": 1}, False),
        ({"last_token_s": 1.0, "output_tokens": 0}, False),
        ({"last_token_s": 1.0, "error": "cut: x"}, False),
        ({"first_token_s": None, "last_token_s": None}, False),
    ],
)
def test_only_several_events_can_come_at_once(changed: dict[str, Any], at_once: bool) -> None:
    """A server that counts no tokens, or sends all in one event, has failed by itself, however long
    the client slept."""
    assert came_at_once(record(**changed)) is at_once


def test_two_tokens_at_two_moments_are_enough() -> None:
    """The least that has a decode speed."""
    assert failure(record(output_tokens=2)) is None


def test_failed_requests_are_counted_by_reason_and_left_out_of_every_figure() -> None:
    """Shedding buys no latency: it is in the failed share."""
    shed = record(1, 3.0, 3.1, error="refused: HTTP 429: busy", output_tokens=None)
    cut = record(2, 3.1, 5.0, error="cut: no [DONE] line")
    broken = record(3, 5.0, 6.0, error="cut: ReadError")

    summary = summarise(result(record(), shed, cut, broken))

    assert list(summary.failed.items()) == [("cut", 2), ("refused: HTTP 429", 1)]
    assert (summary.requests, summary.completed, summary.failed_share) == (4, 1, 0.75)
    assert (summary.prompt_tokens, summary.cached_tokens, summary.wall_s) == (5, 2, 10.0)
    both = summarise(result(record(), clients=(CLIENT, BUSIER)))
    assert both.reconnects == 3
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
    """2.5 s of 10 s; of several processes the busiest counts, and all together took their sum."""
    assert summarise(result(record())).client_cpu_share == 0.25
    both = summarise(result(record(), clients=(CLIENT, BUSIER)))
    assert (both.client_cpu_share, both.client_cpu_s) == (0.4, 6.5)
    assert both.client_waited_share == 0.2
    silent = msgspec.structs.replace(CLIENT, waited_s=None)
    assert summarise(result(record(), clients=(CLIENT, silent))).client_waited_share is None
    assert (both.client_lag_mean_s, both.client_lag_max_s) == (3e-5, 2e-3)


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
    """Of 0, 10, .., 90 and 210 each percentile lies between two; of one value it is that value."""
    tens, one = spread(np.array([*range(0, 100, 10), 210.0])), spread(np.array([7.0]))

    assert tens is not None
    assert (tens.mean, tens.p50, tens.p90, tens.p99) == (60, 50, 90, pytest.approx(198))
    assert one is not None
    assert (one.samples, one.p99) == (1, 7.0)
    assert spread(np.array([])) is None


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([None, None], ""),
        ([None, "cut: no [DONE] line"], "cut: no [DONE] line"),
        (
            ["timeout: 5 s", "refused: HTTP 429: a", "refused: HTTP 429: b", "not sent: gone"],
            "2 of 4 like this: refused: HTTP 429: a",
        ),
        (["not sent: gone"] * 3 + ["no connection: x"], "1 of 4 like this: no connection: x"),
        (["not sent: gone"] * 2, "2 of 2 like this: not sent: gone"),
    ],
)
def test_what_requests_died_of_is_told_by_the_most_frequent(
    errors: list[str | None], words: str
) -> None:
    """The first of its kind in full; what was given up in consequence only if there is no other."""
    records = [record(i, error=error) for i, error in enumerate(errors)]

    assert words == failures_in_words(result(*records))


def test_lateness_is_known_where_every_request_failed() -> None:
    """Otherwise the client would be blamed for a server that answers nobody."""
    summary = summarise(result(record(sent_s=0.5, due_s=0.0, error="cut: x"), record(1, error="x")))

    assert summary.completed == 0
    assert summary.lateness_s is not None
    assert summary.lateness_s.mean == 0.25
