"""
Training throughput: seconds by the clock, stalls with their causes, and an interval that is true.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from pytest_ernie.standard.model import Rulings
from pytest_ernie.verdicts import Pace, Stall, Verdict, Word, stalls_of, training_share
from pytest_ernie.verdicts.pace import share_interval

Draw = Callable[[np.random.Generator], np.ndarray]


def pace(step_s: float | np.ndarray = 0.1, **more: object) -> Pace:
    """500 steps of 1000 tokens on one card."""
    times = tuple(np.broadcast_to(np.asarray(step_s, dtype=float), 500).tolist())
    fields = {"step_s": times, "tokens": 5e5, "cards": 1, "nominal_tokens_per_s": 2e4}
    return Pace(**{**fields, **more})  # type: ignore[arg-type]  # fields of Pace


def judged(rulings: Rulings, own: Pace, other: Pace, at_least: float = 0.8) -> Verdict:
    return training_share(own, other, at_least=at_least, rule=rulings.training_throughput)


@pytest.mark.parametrize(
    ("step_s", "word"),
    [(0.1, Word.PASS), (0.125, Word.PASS), (0.1251, Word.FAIL), (0.5, Word.FAIL)],
)
def test_the_share_decides(rulings: Rulings, step_s: float, word: Word) -> None:
    """At, over and under 80 %; steady steps have an interval of no width."""
    verdict = judged(rulings, pace(step_s), pace())

    assert verdict.word is word
    share = 0.1 / step_s
    assert verdict.numbers["share_low"] == pytest.approx(share)
    assert verdict.numbers["share_high"] == pytest.approx(share)


def test_cards_and_padding(rulings: Rulings) -> None:
    """Effective tokens per card; the nominal figure stands beside it."""
    verdict = judged(rulings, pace(0.05, cards=2), pace(nominal_tokens_per_s=1e4))

    assert verdict.numbers["share"] == pytest.approx(1.0)
    assert verdict.notes[0] == "nominal, padding counted: 20000 tok/s, benchmark 10000"
    assert verdict.notes[1] == "95% interval of the share: 100.0% to 100.0%"


def test_a_share_near_its_limit_is_weak(rulings: Rulings) -> None:
    """The interval decides nothing, but it is told when it holds both words."""
    rng = np.random.default_rng(1)
    seconds = rng.lognormal(0, 0.3, 500)
    noisy = pace(seconds / seconds.mean() * 0.1 / 0.805)

    verdict = judged(rulings, noisy, pace())
    assert verdict.notes[2] == "weak: the interval holds shares on both sides of 80%"
    far = judged(rulings, noisy, pace(), at_least=0.5)
    assert not any(note.startswith("weak") for note in far.notes)


@pytest.mark.parametrize("seconds", [math.nan, 0.0])
def test_a_pace_that_isn_t_known_is_inconclusive(rulings: Rulings, seconds: float) -> None:
    """No seconds, no share."""
    unknown = msgspec.structs.replace(pace(), step_s=(seconds,) if seconds == 0 else ())

    assert judged(rulings, unknown, pace()).word is Word.INCONCLUSIVE


def test_stalls_are_marked_with_their_cause() -> None:
    """A checkpoint after step 50 stalls step 51; a wait for data is what the trainer says it is."""
    seconds = [30.0, *[0.1] * 499]  # the first step compiles, which is no stall
    loading = [0.0] * 500
    seconds[50], seconds[99], seconds[199], seconds[299] = 5.0, 3.0, 2.0, 0.3
    loading[99], loading[199] = 2.9, 0.5

    assert stalls_of(seconds, loading_s=loading, saved_after=(50,)) == (
        Stall(step=51, seconds=5.0, cause="checkpoint writing"),
        Stall(step=100, seconds=3.0, cause="data loading"),
        Stall(step=200, seconds=2.0, cause="unexplained"),
    )


@pytest.mark.parametrize("seconds", [[], [1.0], [1.0, math.nan]])
def test_without_seconds_there_are_no_stalls(seconds: list[float]) -> None:
    """Nothing is made up."""
    assert stalls_of(seconds) == ()


def test_stalls_are_told_and_listed(rulings: Rulings) -> None:
    """Five by name, all in the listing, with their share of the time."""
    stalls = tuple(Stall(step=s, seconds=1.0, cause="data loading") for s in range(2, 9))
    verdict = judged(rulings, pace(stalls=stalls), pace(stalls=stalls[:1]))

    assert verdict.notes[2].startswith(
        "the candidate had 7 stalls, 14.0% of its time: step 2 1 s (data"
    )
    assert verdict.notes[2].endswith("and 2 more")
    assert verdict.notes[3].startswith("the benchmark had 1 stall, 2.0% of its time")
    assert verdict.listing is not None
    assert (len(verdict.listing.rows), verdict.listing.rows[0]) == (7, (2, 1.0, "data loading"))


def saving(extra_s: float) -> Pace:
    """Steps of 0.1 s, and after each hundredth a checkpoint that takes so much longer."""
    seconds = np.full(500, 0.1)
    seconds[[100, 200, 300, 400]] += extra_s
    return pace(seconds, saved_after=(100, 200, 300, 400))


def test_checkpoints_are_told_however_short(rulings: Rulings) -> None:
    """Twice a step is no stall yet; their seconds count, and are said."""
    verdict = judged(rulings, saving(0.1), pace())

    assert (
        "the candidate wrote 4 checkpoints, which took 0.4 s (0.8% of its time) and count"
        in verdict.notes
    )
    assert verdict.numbers["share"] == pytest.approx(50 / 50.4)


@pytest.mark.parametrize(
    ("step_s", "word"), [(0.124, Word.PASS), (0.126, Word.INCONCLUSIVE), (0.2, Word.FAIL)]
)
def test_a_benchmark_slowed_by_checkpoints_lets_nobody_pass(
    rulings: Rulings, step_s: float, word: Word
) -> None:
    """Without its four checkpoints of 2 s it would have been 16 % faster: what holds then, too, passes."""
    verdict = judged(rulings, pace(step_s), saving(2.0))

    assert verdict.word is word
    if word is Word.INCONCLUSIVE:
        assert verdict.message.startswith(
            "the benchmark wrote checkpoints for 8 s, and without them would have trained 10000 tok/s"
        )


def white(rng: np.random.Generator) -> np.ndarray:
    return rng.lognormal(0, 0.1, 500)


def slow_and_fast_together(rng: np.random.Generator) -> np.ndarray:
    """AR(1) with a correlation of 0.7: a neighbour on the machine."""
    noise = rng.normal(0, 0.1 * (1 - 0.7**2) ** 0.5, 600)
    for step in range(1, 600):
        noise[step] += 0.7 * noise[step - 1]
    return np.exp(noise[100:])


def stalling(rng: np.random.Generator) -> np.ndarray:
    """One step of fifty takes twenty times as long."""
    return rng.lognormal(0, 0.05, 500) + 20 * (rng.random(500) < 0.02)


@pytest.mark.parametrize("draw", [white, slow_and_fast_together, stalling])
def test_the_interval_holds_the_true_share(draw: Draw) -> None:
    """150 simulated pairs of equal runs: the true share, 1, is in about 95 of 100 intervals."""
    rng = np.random.default_rng(20251103)
    held = 0
    for seed in range(150):
        low, high = share_interval(pace(draw(rng)), pace(draw(rng)), 0.95, seed)
        held += low <= 1.0 <= high

    assert 0.89 <= held / 150 <= 0.99


def test_the_interval_is_the_same_each_time() -> None:
    """A verdict is computed anew every time and must not waver."""
    one, two = (pace(white(np.random.default_rng(seed))) for seed in (1, 2))

    assert share_interval(one, two, 0.95) == share_interval(one, two, 0.95)


@pytest.mark.parametrize("steps", [1, 2, 19, 500])
def test_short_runs_have_an_interval_too(steps: int) -> None:
    """However few the steps, its ends are finite and in order."""
    rng = np.random.default_rng(3)
    own = msgspec.structs.replace(pace(), step_s=tuple(rng.lognormal(0, 0.1, steps).tolist()))

    low, high = share_interval(own, own, 0.95)
    assert 0 < low <= 1.0 <= high < math.inf
