"""
What correlated samples are worth.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from pytest_ernie.load.search.means import (
    Spread,
    Weighted,
    steady,
)
from pytest_ernie.load.search.statistics import Evidence, Limits, Sample
from pytest_ernie.load.search.trial import Trial

BOTH = Limits(ttft_s=0.3, decode_tokens_per_s=40.0)
NAN = math.nan


def evidence(*samples: Sample, concurrency: int = 4, before_drain: int = 99) -> Evidence:
    """What these samples are."""
    return Evidence(concurrency=concurrency).plus(samples, before_drain)


def trial(concurrency: int, rounds: int, limits: Limits = BOTH, precision: float = 0.0) -> Trial:
    """A first trial of so many rounds before its drain."""
    return Trial(
        number=1,
        concurrency=concurrency,
        requests_max=(rounds + 2) * concurrency,
        limits=limits,
        error_rate=0.05,
        precision=precision,
        earlier=Evidence(concurrency=concurrency),
    )


@pytest.mark.parametrize("share", [0.001, 0.02])
@pytest.mark.parametrize("samples", [50, 1000, 20_000])
def test_failures_are_too_many_when_chance_makes_so_many_once_in_a_hundred(
    share: float, samples: int
) -> None:
    """
    By the binomial distribution that scipy has; one may always be chance, and none is too many.
    """
    limits = Limits(ttft_s=None, decode_tokens_per_s=None, failed_share_max=share)
    fewest = next(n for n in range(samples) if limits.too_many_failed(n, samples))

    assert fewest >= 2
    assert stats.binom.sf(fewest - 1, samples, share) < 0.0105
    if fewest > 2:
        assert stats.binom.sf(fewest - 2, samples, share) > 0.0095
    assert limits.too_many_failed(samples, samples)
    assert not limits.too_many_failed(0, samples)


def test_where_none_may_fail_one_is_too_many() -> None:
    """
    A limit of zero isn't a matter of chance.
    """
    limits = Limits(ttft_s=None, decode_tokens_per_s=None, failed_share_max=0.0)

    assert [False, True] == [limits.too_many_failed(n, 1000) for n in (0, 1)]


def test_how_different_durations_are() -> None:
    """
    Standard deviation over mean; as of exponential ones where too few are known.
    """
    durations_s = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

    assert Spread().plus(durations_s).variation == pytest.approx(
        stats.variation(durations_s, ddof=1)
    )
    assert Spread().plus(durations_s[:2]).plus(durations_s[2:]) == Spread().plus(durations_s)
    assert 0.0 == Spread().plus([2.0] * 6).variation
    assert [1.0] * 3 == [
        spread.variation
        for spread in (Spread(), Spread().plus([1.0] * 5), Spread().plus([0.0] * 6))
    ]


def test_what_is_not_a_number_has_failed() -> None:
    """
    Failed requests have no figures, and who has none has failed.
    """
    seen = evidence(
        Sample(0.1, 0.02), Sample(NAN, NAN, failed=True), Sample(0.1, NAN), Sample(0.1, math.inf)
    )

    assert (4, 3) == (seen.samples, seen.failed)
    assert ((Weighted(0.1, 1.0),),) == seen.ttft_s


def test_decode_speeds_of_the_drain_do_not_count() -> None:
    """
    The batch empties, so they are too good; a first token was decided before.
    """
    seen = evidence(*[Sample(0.1, 0.02)] * 4, *[Sample(0.2, 0.01)] * 4, before_drain=4)

    assert [8] == [len(series) for series in seen.ttft_s]
    assert ((Weighted(0.02, 1.0),) * 4,) == seen.s_per_token


def test_a_trial_without_its_warm_up_and_its_drain_is_what_was_asked_for() -> None:
    """
    One round goes with each; something is left of the shortest.
    """
    assert 180 == trial(20, 9).before_drain
    assert 1 == trial(20, 0).before_drain


def test_a_longer_trial_replaces_one_round() -> None:
    """
    One round can't be tapered, so it is a little biased; two tapered ones are joined.
    """
    one, three = [Sample(0.1, 0.02)] * 4, [Sample(0.2, 0.02)] * 12

    assert [12] == [len(series) for series in evidence(*one).plus(three, 99).ttft_s]
    assert [12] == [len(series) for series in evidence(*three).plus(one, 99).ttft_s]
    assert [12, 12] == [len(series) for series in evidence(*three).plus(three, 99).ttft_s]
    assert 16 == evidence(*one).plus(three, 99).samples


@pytest.mark.parametrize(
    ("samples", "limits", "keeps"),
    [
        ([Sample(0.29, 0.025)] * 8, BOTH, True),
        ([Sample(0.3, 0.02)] * 8, BOTH, False),
        ([Sample(0.1, 0.0251)] * 8, BOTH, False),
        ([Sample(9.0, 0.02)] * 8, Limits(ttft_s=None, decode_tokens_per_s=40.0), True),
        ([Sample(0.1, 9.0)] * 8, Limits(ttft_s=0.3, decode_tokens_per_s=None), True),
        ([Sample(9.0, 9.0)] * 8, Limits(ttft_s=None, decode_tokens_per_s=None), True),
        ([Sample(0.1, 0.02)] * 999 + [Sample(NAN, NAN, failed=True)], BOTH, True),
        ([Sample(0.1, 0.02)] * 9 + [Sample(NAN, NAN, failed=True)], BOTH, True),
        ([Sample(0.1, 0.02)] * 8 + [Sample(NAN, NAN, failed=True)] * 2, BOTH, False),
        ([Sample(0.1, 0.02)] * 996 + [Sample(NAN, NAN, failed=True)] * 4, BOTH, True),
        ([Sample(0.1, 0.02)] * 995 + [Sample(NAN, NAN, failed=True)] * 5, BOTH, False),
        ([Sample(NAN, NAN, failed=True)] * 8, Limits(ttft_s=None, decode_tokens_per_s=None), False),
        ([], BOTH, False),
        ([], Limits(ttft_s=None, decode_tokens_per_s=None), False),
    ],
)
def test_the_limits_as_the_clause_has_them(
    samples: list[Sample], limits: Limits, keeps: bool
) -> None:
    """
    TTFT below, decode speed at least, and no more failures than one in a thousand can be by chance (R7).
    """
    figures = evidence(*samples, before_drain=2000).figures()

    assert keeps == figures.keeps(limits)
    assert ("holds" if keeps else "breaks") == figures.finding(limits, 0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize(("concurrency", "rounds"), [(1, 30), (5, 20), (20, 3), (60, 4)])
def test_false_findings_are_as_rare_as_promised(
    concurrency: int, rounds: int, correlation: float
) -> None:
    """
    With the mean right at the limit, at most 5 % of the trials find that it holds, or breaks.

    All looks together; 400 trials, so 7.5 % is allowed for.
    """
    limits = Limits(ttft_s=None, decode_tokens_per_s=1.0)
    one = trial(concurrency, rounds, limits)
    rng = np.random.default_rng(1)
    samples_max = one.requests_max - concurrency
    noise = lfilter([1], [1, -correlation], rng.normal(size=(400, samples_max + 50)))[:, 50:]
    findings = [_first_finding(one, [Sample(0.1, 1 + 0.15 * x) for x in row]) for row in noise]

    assert findings.count("holds") <= 0.075 * 400
    assert findings.count("breaks") <= 0.075 * 400


def _first_finding(one: Trial, samples: list[Sample]) -> str | None:
    return next((f for n in one.looks if (f := one.finding(samples[:n])) is not None), None)


@pytest.mark.parametrize(("ttft_s", "first"), [(0.1, 20), (0.6, 40)])
def test_far_from_a_limit_a_round_decides(ttft_s: float, first: int) -> None:
    """
    Slots of a closed loop take turns, so not before; and not before the second that it breaks.
    """
    one = trial(20, 3, precision=0.01)
    rng = np.random.default_rng(0)
    samples = [Sample(ttft_s * x, 0.01 * x) for x in rng.lognormal(0, 0.2, 80)]

    decided = [n for n in range(1, 81) if one.decided(samples[:n])]

    assert list(range(first, 81)) == decided


def test_a_hopeless_trial_ends_within_its_first_round() -> None:
    """
    When the round waits thrice the limit even if the rest of it doesn't wait, or a failure is too many.
    """
    one = trial(40, 1)

    assert not one.decided([Sample(3.0, 0.02)] * 10)
    assert one.decided([Sample(3.0, 0.02)] * 20)
    assert not one.decided([Sample(0.1, 0.02)] * 9 + [Sample(NAN, NAN, failed=True)])
    assert one.decided([Sample(0.1, 0.02)] * 8 + [Sample(NAN, NAN, failed=True)] * 2)


def test_rounds_that_the_common_start_slows_do_not_count() -> None:
    """
    The prompts of all slots queue at first; waves of the steady state, which begin fast, count.
    """
    rng = np.random.default_rng(0)
    late = rng.normal(0.2, 0.02, 60).tolist()

    assert late == steady([*[x + 0.3 for x in late[:20]], *late], 20)
    assert late == steady(late, 20)
    waves = [*[0.1] * 14, *[1.7] * 6] * 3
    assert waves == steady(waves, 20)


def test_between_two_looks_the_answer_is_that_of_the_earlier() -> None:
    """
    So it doesn't matter whether the runner asks after each request or after some.
    """
    one = trial(20, 9)
    rng = np.random.default_rng(3)
    samples = [Sample(0.25 * x, 0.01) for x in rng.lognormal(0, 0.3, 220)]

    answers = {n: one.decided(samples[:n]) for n in range(1, 221)}

    assert all(answers[n] == answers[n - 1] for n in answers if n > 1 and n not in one.looks)
    assert {True, False} == set(answers.values())


def test_a_trial_that_cannot_tell_ends_when_it_is_precise() -> None:
    """
    Right at the limit the rest of the requests would be wasted.
    """
    noise = np.random.default_rng(0).normal(scale=0.01, size=80)
    samples = [Sample(0.1, 0.025 * (1 + part)) for part in noise]

    assert "close" == trial(20, 9, precision=0.01).finding(samples)
    assert trial(20, 9, precision=1e-9).finding(samples) is None
