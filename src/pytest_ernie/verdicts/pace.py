"""
How fast a run trained (R5), what stalled it, and how sure its share of the benchmark is.

性能达到benchmark的50%/80%; 基于前500step计算平均token/s.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from pytest_ernie.standard.model import TrainingThroughputRule
from pytest_ernie.verdicts.throughput import throughput_share
from pytest_ernie.verdicts.verdict import Verdict, Word, inconclusive, listing

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS = 20
"""Blocks that a run is cut into: of 500 steps, 25 each, longer than most hiccups last."""
WIDENED = 1.1
"""20 blocks are few: Student's t with 19 degrees of freedom is wider than the normal, by this."""
RESAMPLES = 1000
SEED = 20251103
STALLED = 3.0
"""A step that takes so many times the median is a stall."""
NAMED = 5


class Stall(Struct, frozen=True, kw_only=True):
    """A step that took far longer than others, and why as far as the log tells."""

    step: int
    seconds: float
    cause: str


class Pace(Struct, frozen=True, kw_only=True):
    """
    The seconds of each step by the log's clock, and what was trained in them.

    ``tokens`` are effective (padding excluded), of all cards over all steps.
    """

    step_s: tuple[float, ...]
    tokens: float
    cards: int
    nominal_tokens_per_s: float
    """What the trainer logs: padding counted; mean over the steps, per card."""
    stalls: tuple[Stall, ...] = ()
    saved_after: tuple[int, ...] = ()
    """Steps after which a checkpoint was written, the last step's left out: nothing is timed behind it."""

    @property
    def tokens_per_s(self) -> float:
        """Effective tokens per second and card, warm-up, stalls and checkpoints included."""
        return self._per_s(sum(self.step_s))

    @property
    def saving_s(self) -> float:
        """By how much the steps behind checkpoints took longer than half of all steps do."""
        usual = statistics.median(self.step_s) if self.step_s else 0.0
        return sum(max(0.0, self.step_s[step] - usual) for step in self.saved_after)

    @property
    def tokens_per_s_unsaved(self) -> float:
        """What it would have been without checkpoints."""
        return self._per_s(sum(self.step_s) - self.saving_s)

    def _per_s(self, wall_s: float) -> float:
        return self.tokens / wall_s / self.cards if wall_s > 0 else math.nan


def stalls_of(
    step_s: Sequence[float],
    *,
    loading_s: Sequence[float | None] = (),
    saved_after: Sequence[int] = (),
) -> tuple[Stall, ...]:
    """
    Return the steps, from the second on, that took more than three times the median, and why.

    A checkpoint is written between two steps and counts for the later one. ``loading_s`` is how long
    each step waited for its samples.
    """
    if len(step_s) < 2 or not all(map(math.isfinite, step_s)):
        return ()
    usual = statistics.median(step_s)
    found = []
    for place, seconds in enumerate(step_s):
        if place == 0 or seconds <= STALLED * usual:
            continue
        waited = (loading_s[place] if place < len(loading_s) else None) or 0.0
        cause = "unexplained"
        if place in saved_after:
            cause = "checkpoint writing"
        elif waited >= (seconds - usual) / 2:
            cause = "data loading"
        found.append(Stall(step=place + 1, seconds=seconds, cause=cause))
    return tuple(found)


def training_share(
    measured: Pace, benchmark: Pace, *, at_least: float, rule: TrainingThroughputRule
) -> Verdict:
    """
    Judge the share of the benchmark's effective tokens per second and card.

    The interval is shown and decides nothing; a verdict whose interval crosses the limit is marked weak.
    """
    verdict = throughput_share(
        measured.tokens_per_s, benchmark.tokens_per_s, at_least=at_least, notes=()
    )
    if verdict.word is Word.INCONCLUSIVE:
        return verdict
    unsaved = measured.tokens_per_s / benchmark.tokens_per_s_unsaved
    if verdict.word is Word.PASS and unsaved < at_least:
        return inconclusive(
            f"the benchmark wrote checkpoints for {benchmark.saving_s:.3g} s, and without them would have "
            f"trained {benchmark.tokens_per_s_unsaved:.0f} tok/s: {verdict.message}",
            required=verdict.required,
        )
    low, high = share_interval(measured, benchmark, rule.share_confidence)
    notes = [
        f"nominal, padding counted: {measured.nominal_tokens_per_s:.0f} tok/s, benchmark "
        f"{benchmark.nominal_tokens_per_s:.0f}",
        f"{rule.share_confidence:.0%} interval of the share: {low:.1%} to {high:.1%}",
    ]
    if low < at_least <= high:
        notes.append(f"weak: the interval holds shares on both sides of {at_least:.0%}")
    for side, pace in (("candidate", measured), ("benchmark", benchmark)):
        notes += _checkpoints_in_words(side, pace) + _stalls_in_words(side, pace)
    return msgspec.structs.replace(
        verdict,
        notes=(*verdict.notes, *notes),
        numbers={
            **verdict.numbers,
            "share_low": low,
            "share_high": high,
            "nominal_tokens_per_s": _finite(measured.nominal_tokens_per_s),
            "stalls": len(measured.stalls),
            "benchmark_stalls": len(benchmark.stalls),
        },
        listing=listing(
            "the candidate's stalls",
            ("step", "seconds", "cause"),
            [(stall.step, round(stall.seconds, 3), stall.cause) for stall in measured.stalls],
        ),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _checkpoints_in_words(side: str, pace: Pace) -> list[str]:
    if not pace.saved_after:
        return []
    return [
        f"the {side} wrote {len(pace.saved_after)} checkpoints, which took {pace.saving_s:.3g} s "
        f"({pace.saving_s / sum(pace.step_s):.1%} of its time) and count"
    ]


def _stalls_in_words(side: str, pace: Pace) -> list[str]:
    if not pace.stalls:
        return []
    share = sum(stall.seconds for stall in pace.stalls) / sum(pace.step_s)
    named = ", ".join(
        f"step {stall.step} {stall.seconds:.3g} s ({stall.cause})" for stall in pace.stalls[:NAMED]
    )
    more = f" and {len(pace.stalls) - NAMED} more" if len(pace.stalls) > NAMED else ""
    count = "1 stall" if len(pace.stalls) == 1 else f"{len(pace.stalls)} stalls"
    return [f"the {side} had {count}, {share:.1%} of its time: {named}{more}"]


def share_interval(
    measured: Pace, benchmark: Pace, confidence: float, seed: int = SEED
) -> tuple[float, float]:
    """
    Return the interval of the share by a circular block bootstrap over the steps of both sides.

    Steps are resampled in blocks, since slow steps come together (Politis and Romano 1992); the first
    step stays as it is, because what is compiled or allocated in it happens once. How often it holds
    the true share is simulated in tests.
    """
    import numpy as np  # only judging needs it; every pytest run loads this file

    rng = np.random.default_rng(seed)
    own, other = (_resampled_s(np.array(pace.step_s), rng) for pace in (measured, benchmark))
    logs = np.log(other / own)
    center = math.log(sum(benchmark.step_s) / sum(measured.step_s))
    low, high = np.quantile(logs, [(1 - confidence) / 2, (1 + confidence) / 2])
    share = measured.tokens_per_s / benchmark.tokens_per_s
    return (
        share * math.exp(WIDENED * (float(low) - center)),
        share * math.exp(WIDENED * (float(high) - center)),
    )


def _resampled_s(step_s: NDArray, rng: object) -> NDArray:  # type: ignore[type-arg]  # of floats
    """Return the total seconds of many resampled runs, shape (RESAMPLES,)."""
    import numpy as np

    assert isinstance(rng, np.random.Generator)
    first, rest = step_s[0], step_s[1:]
    steps = len(rest)
    if steps == 0:
        return np.full(RESAMPLES, first)
    length = max(1, round(steps / BLOCKS))
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([rest, rest[:length]]))])
    blocks = sums[length : length + steps] - sums[:steps]
    drawn = blocks[rng.integers(0, steps, (RESAMPLES, max(1, steps // length)))]
    return np.asarray(first + drawn.mean(axis=1) * steps / length)
