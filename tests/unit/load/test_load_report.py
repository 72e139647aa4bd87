"""
The table of ``pytest-ernie load``, from hand-made figures.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.load.calibration import Calibration
from pytest_ernie.load.report import LoadReport, found_in, table
from pytest_ernie.load.search import CurvePoint, Found
from pytest_ernie.load.summary import Spread


def spread(mean: float) -> Spread:
    """Percentiles that can be told from the mean, and from each other."""
    return Spread(samples=9, mean=mean, p50=mean * 2, p90=mean * 3, p99=mean * 4)


def report(**changed: Any) -> LoadReport:
    """A load at which all went well, unless told otherwise."""
    facts: dict[str, Any] = {
        "concurrency": 4,
        "rate_per_s": None,
        "requests": 12,
        "completed": 12,
        "failed": {},
        "failed_share": 0.0,
        "steady": True,
        "window_start_s": 0.0,
        "window_end_s": 5.0,
        "output_tokens_per_s": 812.34,
        "mean_in_flight": 3.96,
        "ttft_s": spread(0.0502),
        "tpot_s": spread(0.00512),
        "decode_tokens_per_s": spread(195.3),
        "latency_s": spread(0.1475),
        "lateness_s": spread(0.00012),
        "reached_full_length_share": 1.0,
        "events_per_s": 812.34,
        "tokens_per_chunk": 1.0,
        "prompt_tokens": 60,
        "cached_tokens": 0,
        "output_tokens": 240,
        "wall_s": 6.04,
        "client_cpu_s": 0.6,
        "client_cpu_share": 0.124,
        "client_waited_share": 0.01,
        "client_lag_mean_s": 1e-5,
        "client_lag_max_s": 1e-3,
        "reconnects": 0,
        "base_url": "http://127.0.0.1:8000/v1",
        "model": "ERNIE",
        "workload": "mine.jsonl",
        "workload_digest": "d" * 64,
        "processes": 1,
        "calibration": None,
    }
    return LoadReport(**{**facts, **changed})


CALIBRATION = Calibration(
    concurrency=4,
    processes=1,
    roofline_events_per_s=98765.4,
    cpu_s_per_event=5e-6,
    ttft_error_mean_s=0.00034,
    ttft_error_p99_s=0.001,
    tpot_error_share=0.0,
    lateness_mean_s=0.0,
    in_flight_share=1.0,
)


def point(concurrency: int, **changed: Any) -> CurvePoint:
    """A tested load."""
    facts: dict[str, Any] = {
        "concurrency": concurrency,
        "samples": 9,
        "failed": 0,
        "requests_sent": 50,
        "ttft_s": 0.1,
        "ttft_error_s": 0.001,
        "s_per_token": 0.008,
        "s_per_token_error": 0.001,
        "output_tokens_per_s": 500.0,
        "keeps": True,
        "finding": "holds",
    }
    return CurvePoint(**{**facts, **changed})


def found(max_concurrency: int, *curve: CurvePoint, capped: bool = False) -> dict[str, Any]:
    """What a search adds."""
    result = Found(
        max_concurrency=max_concurrency,
        confidence=0.934,
        curve=curve,
        requests_sent=sum(one.requests_sent for one in curve),
        capped=capped,
    )
    return found_in(result)


def test_a_table_has_every_figure_in_its_unit() -> None:
    """
    Seconds become milliseconds where people think in these.
    """
    text = table(report(calibration=CALIBRATION))

    assert text.splitlines() == [
        "ERNIE at http://127.0.0.1:8000/v1",
        "4 in flight: 12 of 12 requests answered in 6.0 s",
        "",
        "  output            812.3 tokens/s",
        "  in flight         4.0 on average",
        "",
        "                        mean       p50       p90       p99",
        "  first token, ms       50.2     100.4     150.6     200.8",
        "  per token, ms         5.12     10.24     15.36     20.48",
        "  decode, tokens/s     195.3     390.6     585.9     781.2",
        "  latency, s           0.147     0.295     0.443     0.590",
        "",
        "  client            12 % of a core, requests left 0.12 ms late on average;",
        "                    it can take 98765 events/s of processor time;",
        "                    its first tokens are +0.34 ms off",
    ]


def test_what_flatters_the_figures_is_said() -> None:
    """
    Tokens that were held back, prompts that were known, connections that had to be made anew.
    """
    text = table(report(tokens_per_chunk=3.96, cached_tokens=6, reconnects=3))

    assert text.splitlines()[12:15] == [
        "  4.0 tokens came in an event: single ones were held back",
        "  the server had 10.0% of the prompts' tokens in a cache",
        "  3 connections were closed by the server and opened anew",
    ]


def test_what_is_not_known_is_a_dash() -> None:
    """
    Of a run in which nothing was answered.
    """
    nothing = dict.fromkeys(
        ("ttft_s", "tpot_s", "decode_tokens_per_s", "latency_s", "lateness_s", "mean_in_flight")
    )
    text = table(
        report(
            **nothing,
            output_tokens_per_s=None,
            reached_full_length_share=None,
            client_cpu_share=None,
        )
    )

    assert "  output            – tokens/s" in text
    assert "  in flight         – on average" in text
    for name in ("first token, ms ", "per token, ms   ", "decode, tokens/s", "latency, s      "):
        assert f"\n  {name}         –\n" in text
    assert text.endswith("  client            0 % of a core")


def test_what_went_wrong_stands_below_the_figures() -> None:
    """
    Failures by reason, a window that isn't one, answers that ended early; else not a word of them.
    """
    sound = table(report(reached_full_length_share=0.99))
    text = table(
        report(
            completed=9,
            failed={"cut": 1, "refused: HTTP 429": 2},
            steady=False,
            reached_full_length_share=0.9894,
        )
    )

    assert "4 in flight: 9 of 12 requests answered" in text
    added = [line for line in text.splitlines()[2:] if line not in sound.splitlines()]
    assert added == [
        "  failed            1 × cut",
        "  failed            2 × refused: HTTP 429",
        "  too few requests for a steady window: warm-up and drain are in the figures",
        "  only 98.9% of the answers have their full length",
    ]
    assert "failed" not in sound


def test_an_open_loop_is_told_by_its_rate() -> None:
    """
    As it was asked for.
    """
    assert "\n2.5 requests/s: 12 of 12 requests" in table(report(concurrency=None, rate_per_s=2.5))


def test_a_search_adds_its_curve() -> None:
    """
    Each load with the finding about it; a load of failures has no decode speed.
    """
    dead = point(8, s_per_token=None, ttft_s=None, failed=9, keeps=False, finding="breaks")
    text = table(report(**found(4, point(4), dead)))

    assert text.splitlines()[-3:] == [
        "the highest load within the limits is 4 in flight (confidence 93%, 100 requests)",
        "       4 in flight  first token    100.0 ms  decode   125.0 tokens/s  holds",
        "       8 in flight  first token        – ms  decode       – tokens/s  breaks",
    ]


def test_a_search_that_ends_with_its_requests_is_not_confirmed() -> None:
    """
    Not "confidence 0 %", which would say that the answer is wrong.
    """
    text = table(report(**{**found(4, point(4)), "confidence": 0.0}))

    assert "is 4 in flight (not confirmed, 50 requests)\n" in text


def test_a_search_that_ends_at_the_highest_allowed_load_says_so() -> None:
    """
    The true limit may be higher.
    """
    text = table(report(**found(4, point(4), capped=True)))

    assert "(confidence 93%, 50 requests); a higher one wasn't allowed\n" in text


def test_a_search_without_a_load_says_so() -> None:
    """
    With what it took to know.
    """
    text = table(report(**found(0, point(1, keeps=False, finding="breaks"))))

    assert "\nno load keeps the limits (50 requests were sent)\n" in text
