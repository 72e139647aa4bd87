"""
The search for the limit, on engines in virtual time and on made-up answers.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from doubles.queueing import (
    LIMITS,
    SHAPES,
    TOKENS,
    Engine,
    case,
    closed_loop,
    drive,
    mean_keeps,
    plain_search,
)
from pytest_ernie.load.search import (
    Found,
    Limits,
    Sample,
    SearchSettings,
    Trial,
    TrialOutcome,
    search,
)
from pytest_ernie.load.search.statistics import Figures

SETTINGS = SearchSettings(output_tokens=TOKENS)
FAILED = Sample(math.nan, math.nan, failed=True)
Answer = Callable[[int], Sample]


def constant(trial: Trial, sample: Sample) -> TrialOutcome:
    """What comes of a trial whose requests are all alike."""
    samples_max = trial.requests_max - trial.concurrency
    length = next((n for n in trial.looks if trial.decided([sample] * n)), samples_max)
    sent = min(trial.requests_max, length + 2 * trial.concurrency - 1)
    return TrialOutcome(samples=(sample,) * length, requests_sent=sent, output_tokens_per_s=1.0)


def found(
    answer: Answer, settings: SearchSettings = SETTINGS, limits: Limits = LIMITS
) -> tuple[Found, list[Trial]]:
    """Let the search run on a server that answers every request of a load alike."""
    steps = search(limits, settings)
    trials = []
    try:
        trial = next(steps)
        while True:
            trials.append(trial)
            trial = steps.send(constant(trial, answer(trial.concurrency)))
    except StopIteration as stop:
        return stop.value, trials


def up_to(load: int) -> Answer:
    """A server that is fast up to a load, and slow beyond."""
    return lambda concurrency: Sample(0.1 if concurrency <= load else 3.0, 0.02)


# --- engines in virtual time -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["slots", "lengths", "decode"])
def test_53_is_the_truth(shape: str) -> None:
    """
    A long simulation derives it anew: 53 streams keep the limits, 54 don't.
    """
    engine = case(shape, 53, 0.05).engine

    keeps = [mean_keeps(closed_loop(engine, load, 600 * load).samples) for load in (53, 54)]

    assert [True, False] == keeps


@pytest.mark.parametrize("start", [1, 4, 8])
@pytest.mark.parametrize("output_tokens", [TOKENS, None])
def test_the_limit_of_the_known_engine_is_found(start: int, output_tokens: int | None) -> None:
    """
    48 slots, equal requests that go in waves: TTFT is 0.2700 s at 53 and 0.3039 s at 54 in flight.
    """
    settings = SearchSettings(start=start, output_tokens=output_tokens)

    result, _ = drive(Engine(), settings)

    assert 53 == result.max_concurrency
    assert result.requests_sent < 2100


def test_the_limit_of_the_known_engine_is_found_with_less_than_400_requests() -> None:
    """
    Nobody can be sure of it after so few: the load above remains untested.
    """
    settings = SearchSettings(output_tokens=TOKENS, requests_max=399)

    result, history = drive(Engine(), settings)

    assert abs(result.max_concurrency - 53) <= 1
    assert sum(outcome.requests_sent for _, outcome in history) == result.requests_sent < 400
    assert result.confidence < 0.5


@pytest.mark.parametrize("maximum", [7, 53])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_limit_is_found_for_half_the_requests_of_a_plain_search(
    shape: str, maximum: int
) -> None:
    """
    Within 2 % or 1 in 95 of 100 searches, with 15 % noise of every request.
    """
    one = case(shape, maximum, 0.15)

    results = [drive(one.engine, SETTINGS, seed).found for seed in range(100)]

    assert sum(map(one.is_near, results)) >= 95
    plain = statistics.median(plain_search(one.engine, seed).requests_sent for seed in range(3))
    assert statistics.median(result.requests_sent for result in results) <= plain / 2


@pytest.mark.parametrize("maximum", [180, 700])
@pytest.mark.parametrize("shape", SHAPES)
def test_high_limits_are_found_too(shape: str, maximum: int) -> None:
    """
    A few seeds; ``tests/bench/search_table.py`` has a hundred.
    """
    one = case(shape, maximum, 0.05)

    results = [drive(one.engine, SETTINGS, seed).found for seed in range(2)]

    assert all(map(one.is_near, results))


def test_recorded_outcomes_lead_the_same_way() -> None:
    """
    Same trials, each decided after the same sample, same answer: a replay needs no server.
    """
    engine = case("lengths", 53, 0.15).engine
    result, history = drive(engine, SETTINGS, seed=5)
    steps = search(LIMITS, SETTINGS)
    trial = next(steps)

    for recorded, outcome in history[:-1]:
        assert recorded == trial
        decided = [n for n in trial.looks if trial.decided(outcome.samples[:n])]
        assert decided in ([], [len(outcome.samples)])
        trial = steps.send(outcome)
    with pytest.raises(StopIteration) as stop:
        steps.send(history[-1][1])

    assert result == stop.value.value


# --- made-up answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [1, 2, 3, 7, 16, 53, 100, 699])
def test_a_cliff_is_found_exactly(load: int) -> None:
    """
    As far as the resolution asks: to 1 below 200 in flight, to 1 % above.
    """
    result, _ = found(up_to(load))

    assert load - load // 100 <= result.max_concurrency <= load
    assert result.confidence > 0.99
    assert not result.capped


def test_not_even_one_holds() -> None:
    """
    Then the answer is 0, as sure as that 1 breaks.
    """
    result, trials = found(up_to(0))

    assert (0, 1.0, False) == (result.max_concurrency, result.confidence, result.capped)
    assert [1] == [trial.concurrency for trial in trials]


def test_a_start_above_the_limit_goes_down() -> None:
    """
    The first load needn't hold.
    """
    result, trials = found(up_to(5), SearchSettings(start=64))

    assert 5 == result.max_concurrency
    assert 64 == trials[0].concurrency


@pytest.mark.parametrize("most", [1, 5, 64, 100])
def test_the_highest_allowed_load_still_holds(most: int) -> None:
    """
    That is said, and no load above it is tried.
    """
    result, trials = found(up_to(1000), SearchSettings(most=most))

    assert (most, 1.0, True) == (result.max_concurrency, result.confidence, result.capped)
    assert max(trial.concurrency for trial in trials) == most


@pytest.mark.parametrize(
    ("limits", "answer"),
    [
        (Limits(ttft_s=0.3, decode_tokens_per_s=None), lambda n: Sample(0.01 * n, 9.0)),
        (Limits(ttft_s=None, decode_tokens_per_s=40.0), lambda n: Sample(9.0, 0.0008333 * n)),
        (LIMITS, lambda n: Sample(0.01 * n, 0.0008 * n)),
    ],
    ids=["ttft", "decode", "both"],
)
def test_the_tighter_limit_decides(limits: Limits, answer: Answer) -> None:
    """
    TTFT reaches its limit at 30 in flight, where it must be below; decode speed may reach its own.
    """
    result, trials = found(answer, limits=limits)

    assert result.max_concurrency == (29 if limits.ttft_s else 30)
    assert len(trials) <= 10


def test_without_limits_only_failures_count() -> None:
    """
    A slow answer is an answer.
    """
    nothing = Limits(ttft_s=None, decode_tokens_per_s=None)

    assert found(lambda n: Sample(99.0, 99.0), SearchSettings(most=50), nothing)[0].capped
    assert (
        20
        == found(lambda n: FAILED if n > 20 else Sample(99.0, 9.0), limits=nothing)[
            0
        ].max_concurrency
    )


@pytest.mark.parametrize("bad", [FAILED, Sample(math.nan, 0.02), Sample(0.1, math.nan)])
def test_a_server_that_sheds_load_gains_nothing(bad: Sample) -> None:
    """
    A failed or refused request breaks the load, however fast the others are (R7).
    """
    result, _ = found(lambda n: bad if n > 12 else Sample(0.1, 0.02))

    assert 12 == result.max_concurrency
    assert [13] == [p.concurrency for p in result.curve if p.failed and p.concurrency < 14]
    assert all(p.finding == "breaks" for p in result.curve if p.failed)


def test_a_trial_without_samples_breaks() -> None:
    """
    A dead server shows nothing, and that holds nothing.
    """
    steps = search(LIMITS, SETTINGS)
    trial = next(steps)

    with pytest.raises(StopIteration) as stop:
        steps.send(TrialOutcome(samples=(), requests_sent=7, output_tokens_per_s=0.0))

    assert 1 == trial.concurrency
    assert (0, 7) == (stop.value.value.max_concurrency, stop.value.value.requests_sent)


def test_the_curve_has_every_tested_load() -> None:
    """
    Ascending, with the means, their errors, and what was sent.
    """
    result, history = drive(case("decode", 53, 0.05).engine, SETTINGS)

    loads = [point.concurrency for point in result.curve]
    assert sorted({trial.concurrency for trial, _ in history}) == loads
    assert sum(point.requests_sent for point in result.curve) == result.requests_sent
    assert all(
        point.keeps == (point.concurrency <= result.max_concurrency) for point in result.curve
    )
    top = next(p for p in result.curve if p.concurrency == result.max_concurrency)
    assert 0.025 == pytest.approx(top.s_per_token, rel=0.02)
    assert 0 < top.s_per_token_error < 0.001
    assert 0 < top.ttft_error_s < 0.01


def test_fewer_requests_make_it_less_sure() -> None:
    """
    Once they are spent the search ends with what it has; with none it says nothing.
    """
    engine, budgets = case("slots", 53, 0.05).engine, (300, 700, 5000)

    results = [
        drive(engine, SearchSettings(output_tokens=TOKENS, requests_max=most), 1).found
        for most in budgets
    ]

    assert all(a.confidence < b.confidence for a, b in itertools.pairwise(results))
    assert all(r.requests_sent <= most for r, most in zip(results, budgets, strict=True))
    nothing, trials = found(up_to(5), SearchSettings(requests_max=5))
    assert ([], 0, 0.0) == (trials, nothing.max_concurrency, nothing.confidence)
    assert () == nothing.curve


def test_a_search_can_be_given_up() -> None:
    """
    Nothing holds the generator open.
    """
    steps = search(LIMITS, SETTINGS)
    next(steps)

    steps.close()

    with pytest.raises(StopIteration):
        next(steps)


@pytest.mark.parametrize("seed", range(60))
def test_it_ends_whatever_the_server_does(seed: int) -> None:
    """
    At random: no load is below 1 or above the most, no trial beyond the requests, and an end.
    """
    dice = random.Random(seed)
    settings = SearchSettings(
        start=dice.choice([1, 8, 500]),
        most=dice.choice([1, 3, 60, 1000]),
        resolution=dice.choice([0.0, 0.01, 0.3]),
        requests_max=dice.choice([50, 3000, 50_000]),
        output_tokens=dice.choice([None, TOKENS]),
    )

    def answer(load: int) -> Sample:
        return dice.choice([FAILED, *[Sample(dice.expovariate(3), dice.expovariate(40))] * 6])

    result, trials = found(answer, settings)

    assert all(1 <= trial.concurrency <= settings.most for trial in trials)
    assert all(trial.requests_max > trial.concurrency for trial in trials)
    assert result.requests_sent <= settings.requests_max
    assert 0 <= result.confidence <= 1
    below = [p for p in result.curve if p.concurrency <= result.max_concurrency]
    assert all(point.keeps for point in below)
    assert len(trials) < 400


def noisy(trial: Trial, dice: random.Random, means_s: dict[int, float]) -> TrialOutcome:
    """A trial on a server whose every load is about as slow as the limit."""
    mean_s = means_s.setdefault(trial.concurrency, 0.3 * dice.gauss(1, 0.01))
    samples = [
        Sample(mean_s * dice.lognormvariate(-0.045, 0.3), 0.02)
        for _ in range(trial.requests_max - trial.concurrency)
    ]
    length = next((n for n in trial.looks if trial.decided(samples[:n])), len(samples))
    sent = min(trial.requests_max, length + 2 * trial.concurrency - 1)
    return TrialOutcome(
        samples=tuple(samples[:length]), requests_sent=sent, output_tokens_per_s=1.0
    )


@pytest.mark.parametrize("seed", [4, 6, 16, 18])
def test_a_load_that_seems_to_break_below_one_that_holds_is_looked_at_again(seed: int) -> None:
    """
    Before anything else is tried, unless it surely breaks, is known well, or was looked at four times.
    """
    dice, means_s = random.Random(seed), dict[int, float]()
    figures: dict[int, Figures] = {}
    trials: Counter[int] = Counter()
    steps = search(LIMITS, SearchSettings(start=8, most=64, output_tokens=TOKENS))
    trial, doubted = next(steps), 0
    with suppress(StopIteration):
        while True:
            outcome = noisy(trial, dice, means_s)
            load = trial.concurrency
            figures[load] = trial.earlier.plus(outcome.samples, trial.before_drain).figures()
            trials[load] += 1
            lowest = min((n for n in figures if not figures[n].keeps(LIMITS)), default=0)
            trial = steps.send(outcome)
            if any(n > lowest > 0 and figures[n].keeps(LIMITS) for n in figures):
                sure = figures[lowest].finding(LIMITS, 0.05) == "breaks"
                mean = figures[lowest].ttft_s
                known = mean.error / 0.3 <= max(1 / lowest, 0.01) / 3 or mean.samples >= 512
                if not (sure or known or trials[lowest] == 4):
                    assert trial.concurrency == lowest
                    doubted += 1
    assert doubted
