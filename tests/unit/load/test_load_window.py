"""
Which part of a run counts for which figure.
"""

from __future__ import annotations

import numpy as np
import pytest

from doubles.load_records import TWO_SLOTS, record, result
from pytest_ernie.load.arrivals import Arrivals
from pytest_ernie.load.summary import (
    known_until_s,
    mean_in_flight,
    spread,
    steady_window,
    summarise,
)


def test_warm_up_and_drain_don_t_count() -> None:
    """
    First tokens of requests that were due, decode speeds of answers that ended, under the full load.
    """
    slots = [
        record(0, 0.0, 30.0, first_token_s=9.0),  # into an empty server
        record(1, 1.0, 3.0, first_token_s=1.5),
        record(2, 3.0, 5.0, first_token_s=3.25),
        record(3, 5.0, 7.0, first_token_s=5.25),
        record(4, 7.0, 9.0, first_token_s=7.25),  # the last that is sent
    ]
    summary = summarise(result(*slots, concurrency=2))

    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (True, 1.0, 7.0)
    assert summary.ttft_s is not None
    assert (summary.ttft_s.samples, summary.ttft_s.mean) == (
        3,
        pytest.approx((0.5 + 0.25 + 0.25) / 3),
    )
    assert summary.tpot_s is not None
    assert summary.tpot_s.samples == 3
    assert summary.tpot_s.mean == pytest.approx((0.15 + 0.175 + 0.175) / 3)


def test_a_window_in_which_nothing_ended_is_none() -> None:
    """Then the whole run is measured, and said to be."""
    shed = record(2, 1.5, 1.6, error="refused: HTTP 429")
    slots = [record(0, 0.0, 9.0), record(1, 1.0, 8.0), shed, record(3, 1.6, 9.0)]
    summary = summarise(result(*slots, concurrency=2))

    assert steady_window(slots, 2) == (True, 1.0, 1.6)
    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (False, 0.0, 9.0)
    assert summary.tpot_s is not None
    assert summary.tpot_s.samples == 3


def test_each_figure_has_its_own_answers() -> None:
    """
    Waiting is that of those that were due in the window, speed and latency of those that ended in it.

    Tokens are those that came in it, also of answers that were under way at its edges.
    """
    slots = [
        record(0, 0.0, 30.0, first_token_s=9.0),
        record(1, 1.0, 4.0, due_s=0.5, last_token_s=3.0),
        record(2, 4.0, 6.0, due_s=3.5, first_token_s=4.5),
        record(3, 6.0, 16.0, first_token_s=6.5, last_token_s=11.5),
        record(4, 7.0, 20.0),
    ]
    summary = summarise(result(*slots, concurrency=2))

    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (True, 1.0, 7.0)
    assert (summary.latency_s, summary.lateness_s) == (
        spread(np.array([3.5, 2.5])),
        spread(np.array([0.5, 0.0])),
    )
    assert summary.decode_tokens_per_s is not None
    assert summary.decode_tokens_per_s.mean == pytest.approx((10 / 1.0 + 10 / 1.5) / 2)
    assert summary.output_tokens_per_s == pytest.approx((11 + 11 + 2) / 6)


def test_a_run_without_duration_has_no_shares() -> None:
    """Nothing is divided by its length."""
    summary = summarise(result(record(), wall_s=0.0))

    assert (summary.client_cpu_share, summary.client_waited_share) == (None, None)


def test_how_many_were_in_flight() -> None:
    """The mean over the window, whatever lies outside."""
    assert mean_in_flight(TWO_SLOTS, 0.0, 9.0) == pytest.approx(2.0)
    assert mean_in_flight(TWO_SLOTS, 6.0, 12.0) == pytest.approx(1.0)
    assert mean_in_flight(TWO_SLOTS, 3.0, 3.0) is None
    assert summarise(result(*TWO_SLOTS, concurrency=2)).mean_in_flight == pytest.approx(2.0)


def test_an_open_loop_begins_with_its_first_answer() -> None:
    """There is no load to be reached, only arrivals that a server may or may not keep up with."""
    arrivals = Arrivals(kind="constant", rate_per_s=1.0)
    open_loop = [record(i, float(i), i + 3.0) for i in range(8)]
    summary = summarise(result(*open_loop, arrivals=arrivals))

    assert (summary.steady, summary.window_start_s, summary.window_end_s) == (True, 3.0, 7.0)
    assert (summary.concurrency, summary.rate_per_s) == (None, 1.0)
    assert summary.latency_s is not None
    assert summary.latency_s.samples == 4  # those after the first, up to the last send
    assert steady_window(open_loop[:1], None) == (False, 0.0, 3.0)


def test_cached_prompts_and_late_sends_are_shown() -> None:
    """What could flatter a server, and what could slander it."""
    summary = summarise(result(record(sent_s=0.5, due_s=0.0), record(1, 3.0, 6.0)))

    assert (summary.prompt_tokens, summary.cached_tokens) == (10, 4)
    assert summary.lateness_s is not None
    assert summary.lateness_s.mean == 0.25


def test_what_a_stopped_run_gave_up_is_no_lack_of_load() -> None:
    """
    Request 2 was in flight when the run was stopped and left no record, so from 3.0 s on nothing is known.
    """
    kept = [record(0, 0.0, 2.0), record(1, 0.5, 3.0), record(3, 3.0, 4.0), record(4, 4.0, 6.0)]

    assert known_until_s(kept) == 0.5
    assert summarise(result(*kept, concurrency=2)).mean_in_flight is None
    whole = [*kept, record(2, 2.0, 9.0)]
    assert known_until_s(whole) == 4.0
    assert summarise(result(*whole, concurrency=2)).mean_in_flight == pytest.approx(2.0)


def test_a_stopped_run_is_judged_as_far_as_all_is_known() -> None:
    """Up to the sending of the last request before the gap."""
    kept = [record(0, 0.0, 2.0), record(1, 0.0, 3.0), record(2, 2.0, 9.0), record(4, 6.0, 7.0)]
    summary = summarise(result(*kept, concurrency=2))

    assert known_until_s(kept) == 2.0
    assert (summary.window_start_s, summary.window_end_s) == (0.0, 6.0)
    assert summary.mean_in_flight == pytest.approx(2.0)


def test_each_process_has_requests_of_its_own() -> None:
    """One that has left a gap says when; a process without its first request never knew anything."""
    kept = [record(0, 0.0, 2.0), record(1, 0.1, 3.0), record(2, 2.0, 4.0), record(5, 5.0, 6.0)]

    assert known_until_s(kept, processes=2) == 0.1
    assert known_until_s([record(0, 0.0, 1.0), record(3, 1.0, 2.0)], processes=2) == -np.inf
    assert known_until_s([]) == np.inf
