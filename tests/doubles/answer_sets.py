"""
Simulated answers of two sides to one data set, with a known truth, and rival intervals for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from statistics import NormalDist

import msgspec
import numpy as np

from pytest_ernie.verdicts.paired import interval_of_counts

SIZES = {
    "GSM8K": 1319,
    "BBH": 6511,
    "CMMLU": 11582,
    "IFEval": 541,
    "MMLU": 14042,
    "MMMU": 900,
    "OCRBench": 1000,
    "MathVista": 1000,
}
"""Questions of the public test sets (validation set of MMMU, testmini of MathVista)."""

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)

Counts = tuple[int, int, int, int]
"""Questions that both have right, only the candidate, only the reference, none."""
Interval = tuple[float, float]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of two sides on a data set."""

    questions: int
    discordance: float
    """Probability that one side is right and the other wrong."""
    base: float
    """Probability that the reference is right."""
    lost_points: float = 0.0

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Probabilities of the four outcomes of a question, as in Counts."""
        lost = (self.discordance + self.lost_points / 100) / 2
        won = self.discordance - lost
        return (self.base - lost, won, lost, 1 - self.base - won)

    @property
    def possible(self) -> bool:
        """No outcome has a negative probability."""
        return min(self.shares) >= -1e-12

    def draws(self, count: int, seed: int) -> Iterator[tuple[Counts, int]]:
        """Yield each outcome that came up, and how often among ``count`` data sets."""
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(self.questions, np.clip(self.shares, 0, 1), size=count)
        rows, often = np.unique(drawn, axis=0, return_counts=True)
        for row, times in zip(rows.tolist(), often.tolist(), strict=True):
            yield (row[0], row[1], row[2], row[3]), times


def covered(
    truth: Truth, interval: Callable[[Counts], Interval], *, draws: int = 2000, seed: int = 20251103
) -> float:
    """Return how often the interval holds the true difference."""
    true = -truth.lost_points / 100
    hits = 0
    for counts, times in truth.draws(draws, seed):
        low, high = interval(counts)
        hits += times * (low - 1e-12 <= true <= high + 1e-12)
    return hits / draws


@cache
def _score(won: int, lost: int, n: int) -> Interval:
    counted = {1.0: won, -1.0: lost, 0.0: n - won - lost}
    return interval_of_counts({v: c for v, c in counted.items() if c}, CONFIDENCE)


def score(counts: Counts) -> Interval:
    """The interval of the suite."""
    return _score(counts[1], counts[2], sum(counts))


def wald(counts: Counts) -> Interval:
    """The normal interval of the mean difference."""
    n, won, lost = sum(counts), counts[1], counts[2]
    mean = (won - lost) / n
    half = Z * max(0.0, ((won + lost) / n - mean**2) / n) ** 0.5
    return (mean - half, mean + half)


def adjusted(counts: Counts) -> Interval:
    """The same after one more question won and one more lost (Bonett and Price, 2012)."""
    both, won, lost, none = counts
    return wald((both, won + 1, lost + 1, none))


def conditional(counts: Counts) -> Interval:
    """Clopper and Pearson's of the share that was won among those that differ, taken as given."""
    from scipy.stats import beta

    n, won, lost = sum(counts), counts[1], counts[2]
    differ = won + lost
    if not differ:
        return (0.0, 0.0)
    tail = (1 - CONFIDENCE) / 2
    least = beta.ppf(tail, won, lost + 1) if won else 0.0
    most = beta.ppf(1 - tail, won + 1, lost) if lost else 1.0
    return (float((2 * least - 1) * differ / n), float((2 * most - 1) * differ / n))


def newcombe(counts: Counts) -> Interval:
    """Newcombe's tenth method (1998): Wilson's intervals of both scores, and their correlation."""
    both, won, lost, none = counts
    n = sum(counts)
    own, other = (both + won) / n, (both + lost) / n
    (low1, high1), (low2, high2) = _wilson(own, n), _wilson(other, n)
    margins = (both + won) * (lost + none) * (both + lost) * (won + none)
    cross = both * none - won * lost
    if cross > n / 2:
        cross -= n / 2
    elif cross >= 0:
        cross = 0
    phi = cross / margins**0.5 if margins else 0.0
    below, above = (own - low1, high2 - other), (high1 - own, other - low2)
    halves = [(a * a - 2 * phi * a * b + b * b) ** 0.5 for a, b in (below, above)]
    return (own - other - halves[0], own - other + halves[1])


def _wilson(share: float, n: int) -> Interval:
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * (share * (1 - share) / n + Z * Z / (4 * n * n)) ** 0.5
    return (middle - half, middle + half)


def bootstrap(counts: Counts, resamples: int = 2000) -> Interval:
    """Percentiles of the mean difference of questions drawn with replacement."""
    n, won, lost = sum(counts), counts[1], counts[2]
    rng = np.random.default_rng(won * 100_003 + lost)
    drawn = rng.multinomial(n, [won / n, lost / n, 1 - (won + lost) / n], size=resamples)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / n, [0.025, 0.975])
    return (float(low), float(high))


METHODS: dict[str, Callable[[Counts], Interval]] = {
    "score": score,
    "normal": wald,
    "adjusted normal": adjusted,
    "conditional": conditional,
    "Newcombe": newcombe,
    "bootstrap": bootstrap,
}
