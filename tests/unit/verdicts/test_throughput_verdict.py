"""
The throughput clauses: shares at, under and over their threshold, limits, and the peak load.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from doubles.load_client import SOUND
from pytest_ernie.standard.model import Rulings, ServingThroughputRule
from pytest_ernie.verdicts import (
    Bounds,
    LoadPoint,
    Verdict,
    Word,
    broken_limits,
    peak,
    throughput_share,
)

BOUNDS = Bounds(ttft_s=0.3, decode_tokens_per_s=40)


@pytest.fixture
def rule(rulings: Rulings) -> ServingThroughputRule:
    """R6 to R9 as the standard has them."""
    return rulings.serving_throughput


def point(concurrency: int = 8, **figures: Any) -> LoadPoint:
    """A load that keeps every limit, unless a figure says otherwise."""
    good = {
        "workload": "text",
        "output_tokens_per_s": 100.0 * concurrency,
        "ttft_mean_s": 0.1,
        "ttft_percentile_s": 0.2,
        "decode_mean_tokens_per_s": 50.0,
        "decode_percentile_tokens_per_s": 45.0,
        "failed_share": 0.0,
        "full_length_share": 1.0,
        "client": SOUND,
    }
    return LoadPoint(concurrency=concurrency, **(good | figures))


def test_the_sentence_shows_the_whole_sum() -> None:
    """
    Both figures, the share and what is required: a reader can do the division.
    """
    expected = Verdict(
        word=Word.FAIL,
        message="1834 tok/s is 46.2 % of the benchmark's 3970 tok/s; 50 % is required",
        measured="1834 tok/s = 46.2 %",
        required="≥ 50 % of the benchmark (1985 tok/s)",
        notes=("nominal",),
        numbers={
            "measured_tokens_per_s": 1834.0,
            "benchmark_tokens_per_s": 3970.0,
            "share": 1834 / 3970,
            "required_share": 0.5,
        },
    )

    assert expected == throughput_share(1834.0, 3970.0, at_least=0.5, notes=("nominal",))


@pytest.mark.parametrize(
    ("measured", "benchmark", "at_least", "word"),
    [
        (499.9, 1000.0, 0.5, Word.FAIL),
        (math.nextafter(500.0, 0), 1000.0, 0.5, Word.FAIL),
        (500.0, 1000.0, 0.5, Word.PASS),
        (500.1, 1000.0, 0.5, Word.PASS),
        (799.9, 1000.0, 0.8, Word.FAIL),
        (800.0, 1000.0, 0.8, Word.PASS),
        (3176.0, 3970.0, 0.8, Word.PASS),
        (5000.0, 1000.0, 0.8, Word.PASS),
        (0.004, 0.01, 0.5, Word.FAIL),
    ],
)
def test_the_share_decides_at_under_and_over_the_threshold(
    measured: float, benchmark: float, at_least: float, word: Word
) -> None:
    """
    > 性能达到benchmark的50% / 80%: reaching it is enough.
    """
    assert word is throughput_share(measured, benchmark, at_least=at_least).word


@pytest.mark.parametrize(
    ("measured", "shown"),
    [
        (499.6, "49.96"),
        (499.99, "49.999"),
        (500.4, "50.04"),
        (500.0, "50.0"),
        (490.0, "49.0"),
        (499.9999999, "49.99999999"),
        (1234.0, "123.4"),
    ],
)
def test_a_share_is_never_rounded_onto_the_threshold(measured: float, shown: str) -> None:
    """
    49.96 % fails, and must not be printed as 50.0 %.
    """
    verdict = throughput_share(measured, 1000.0, at_least=0.5)

    assert f" is {shown} % of" in verdict.message
    assert verdict.measured.endswith(f" = {shown} %")


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", ["measured", "benchmark"])
def test_a_figure_that_is_none_is_inconclusive(side: str, bad: float) -> None:
    """
    A benchmark of zero would make any share infinite; NaN would compare as false.
    """
    figures = (bad, 1000.0) if side == "measured" else (1000.0, bad)

    expected = Verdict(
        word=Word.INCONCLUSIVE,
        message=f"the {side} throughput is {bad:g} tok/s, so there is no share to judge",
        required="≥ 50 % of the benchmark",
        notes=("beside",),
    )
    assert expected == throughput_share(*figures, at_least=0.5, notes=("beside",))


@pytest.mark.parametrize(
    ("tokens_per_s", "shown"),
    [(0.1234, "0.123"), (9.876, "9.88"), (99.94, "99.9"), (100.0, "100"), (12345.6, "12346")],
)
def test_figures_are_shown_with_the_digits_that_matter(tokens_per_s: float, shown: str) -> None:
    """
    A CPU's 0.123 tok/s isn't 0, and nobody needs a tenth of 12346.
    """
    verdict = throughput_share(tokens_per_s, tokens_per_s, at_least=0.5)

    assert verdict.message.startswith(f"{shown} tok/s is 100.0 % of the benchmark's {shown} tok/s")


def test_a_load_within_all_limits_breaks_none(rule: ServingThroughputRule) -> None:
    """
    Nothing is said of what holds.
    """
    assert broken_limits(point(), BOUNDS, rule) == ()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"ttft_mean_s": 0.2999}, ()),
        (
            {"ttft_mean_s": 0.3},
            ("mean time to first token 0.300 s, must be < 0.3 s",),
        ),
        (
            {"ttft_mean_s": 0.3001},
            ("mean time to first token 0.3001 s, must be < 0.3 s",),
        ),
        ({"ttft_mean_s": math.nan}, ("mean time to first token nan s, must be < 0.3 s",)),
        ({"decode_mean_tokens_per_s": 40.0}, ()),
        (
            {"decode_mean_tokens_per_s": 39.96},
            ("mean decode speed 39.96 tok/s, must be ≥ 40",),
        ),
        (
            {"decode_mean_tokens_per_s": 31.25},
            ("mean decode speed 31.2 tok/s, must be ≥ 40",),
        ),
        ({"decode_mean_tokens_per_s": math.nan}, ("mean decode speed nan tok/s, must be ≥ 40",)),
        ({"failed_share": 0.001}, ()),
        (
            {"failed_share": 0.0011},
            ("0.11 % of the requests failed, at most 0.1 % may",),
        ),
        ({"failed_share": 1.0}, ("100.0 % of the requests failed, at most 0.1 % may",)),
        ({"failed_share": math.nan}, ("nan % of the requests failed, at most 0.1 % may",)),
        ({"ttft_percentile_s": 99.0, "decode_percentile_tokens_per_s": 0.1}, ()),
    ],
)
def test_the_mean_decides_at_under_and_over_each_limit(
    rule: ServingThroughputRule, figures: dict[str, float], words: tuple[str, ...]
) -> None:
    """
    R7: first token below its limit, decode speed at least its floor, failures at most 0.1 %.
    """
    assert words == broken_limits(point(**figures), BOUNDS, rule)


def test_what_failed_requests_died_of_is_said(rule: ServingThroughputRule) -> None:
    """
    A share alone sends nobody to the cause; figures that no answer has are no news.
    """
    broken = point(failed_share=1.0, failures="refused: HTTP 429", ttft_mean_s=math.nan)

    assert broken_limits(broken, BOUNDS, rule) == (
        "100.0 % of the requests failed, at most 0.1 % may (refused: HTTP 429)",
    )


def test_every_broken_limit_is_named(rule: ServingThroughputRule) -> None:
    """
    Failures, first token, decode speed: each has its phrase.
    """
    broken = point(failed_share=0.5, ttft_mean_s=2.0, decode_mean_tokens_per_s=1.0)

    assert broken_limits(broken, BOUNDS, rule) == (
        "50.0 % of the requests failed, at most 0.1 % may",
        "mean time to first token 2.000 s, must be < 0.3 s",
        "mean decode speed 1.0 tok/s, must be ≥ 40",
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({1: True, 2: True, 4: True}, 4),
        ({1: True, 2: True, 4: False}, 2),
        ({1: True, 2: False, 4: True}, 1),
        ({1: False, 2: True, 4: True}, None),
        ({4: True, 1: True, 2: False}, 1),
        ({}, None),
    ],
)
def test_the_peak_is_the_highest_load_below_the_first_that_breaks(
    rule: ServingThroughputRule, held: dict[int, bool], expected: int | None
) -> None:
    """
    R6: it and every lower tested load keep the limits, in whatever order they were tested.
    """
    points = [point(load, ttft_mean_s=0.1 if holds else 9.0) for load, holds in held.items()]

    found = peak(points, BOUNDS, rule)
    assert expected == (found.concurrency if found else None)


def test_a_higher_load_counts_even_if_it_is_slower(rule: ServingThroughputRule) -> None:
    """
    R6 says the highest load, not the best figure: no picking among loads.
    """
    points = [point(4, output_tokens_per_s=900.0), point(8, output_tokens_per_s=800.0)]

    assert points[1] == peak(points, BOUNDS, rule)


@pytest.mark.parametrize("order", [1, -1])
def test_a_load_that_broke_once_is_broken(rule: ServingThroughputRule, order: int) -> None:
    """
    The same load tested twice, once within the limits and once not, doesn't hold.
    """
    points = [point(1), point(4), point(4, ttft_mean_s=9.0)][::order]

    found = peak(points, BOUNDS, rule)
    assert found is not None
    assert found.concurrency == 1


def test_the_limits_are_the_rules_own(rule: ServingThroughputRule) -> None:
    """
    Another edition, another share of failures.
    """
    strict = msgspec.structs.replace(rule, failed_share_max=0.0)

    assert broken_limits(point(failed_share=0.001), BOUNDS, strict) == (
        "0.1 % of the requests failed, at most 0 % may",
    )
