"""
Paired differences of two sides over the same questions: the interval of their mean, and how often
chance alone carries it over a limit (R10).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist

Mass = tuple[float, float]
"""A value and how many questions have it."""

STEPS = 200
CLOSE = 1e-12
FAR = 1e6


def paired_interval(
    differences: Sequence[float], confidence: float, *, most: float = 1.0
) -> tuple[float, float]:
    """
    Return the two-sided score interval of the mean of differences that lie in -most .. most.

    A mean belongs to it if the distribution that explains the differences best among all with that mean
    doesn't put the observed one further than z standard errors away. For differences of -1, 0 and
    1 that is Tango's interval (Statistics in Medicine 17, 1998); the same rule takes partial credit,
    the mean over several prompts of a question and weights. Values that were never seen, up to ±most,
    stay possible, so 0 flips of n don't give an interval of no width. Nothing gives (NaN, NaN).
    """
    counted = Counter(min(1.0, max(-1.0, value / most)) for value in differences)
    low, high = interval_of_counts(counted, confidence)
    return (low * most, high * most)


def interval_of_counts(counted: Mapping[float, int], confidence: float) -> tuple[float, float]:
    """Return the same of so many differences of each value, which lies in -1 .. 1."""
    if not counted:
        return (float("nan"), float("nan"))
    masses = [(value, float(count)) for value, count in counted.items()]
    n = sum(count for _, count in masses)
    mean = sum(value * count for value, count in masses) / n
    z = NormalDist().inv_cdf(0.5 + confidence / 2)

    def distance(at: float) -> float:
        """How many standard errors the observed mean lies from ``at``, less those allowed."""
        if abs(mean - at) < CLOSE:
            return -z
        variance = _variance_given_mean(masses, n, at)
        return FAR if variance <= 0 else min(FAR, abs(mean - at) * (n / variance) ** 0.5 - z)

    return (
        -1.0 if mean <= -1 else _crossing(distance, mean, -1.0, z * z / n),
        1.0 if mean >= 1 else _crossing(distance, mean, 1.0, z * z / n),
    )


def _variance_given_mean(masses: Sequence[Mass], n: float, at: float) -> float:
    """
    Return the variance of the likeliest distribution with mean ``at`` on the values seen and -1, 1.

    The likelihood's multiplier keeps every weight positive; where it would have to leave its range, the
    rest of the probability lies on an end of the scale that wasn't seen.
    """
    if not -1 < at < 1:
        return 0.0
    least, greatest = -1 / (1 - at), 1 / (1 + at)
    multiplier = _multiplier(masses, at, least, greatest)
    seen, variance = 0.0, 0.0
    for value, count in masses:
        if (scale := 1 + multiplier * (value - at)) <= CLOSE:
            continue  # an end of the scale, which takes the rest below
        share = count / n / scale
        seen += share
        variance += share * (value - at) ** 2
    end = 1.0 if multiplier < 0 else -1.0
    return variance + max(0.0, 1 - seen) * (end - at) ** 2


def _multiplier(masses: Sequence[Mass], at: float, least: float, greatest: float) -> float:
    """Return where the weighted mean is ``at``, or the end of the range if it is nowhere so."""

    def slope(multiplier: float) -> tuple[float, float]:
        total = steepness = 0.0
        for value, count in masses:
            part = (value - at) / max(1 + multiplier * (value - at), CLOSE)
            total += count * part
            steepness -= count * part * part
        return total, steepness

    if slope(least)[0] <= 0:
        return least
    if slope(greatest)[0] >= 0:
        return greatest
    low, high, tried = least, greatest, 0.0
    for _ in range(STEPS):  # Newton's steps, halved where they would leave what is known
        total, steepness = slope(tried)
        low, high = (tried, high) if total > 0 else (low, tried)
        step = tried - total / steepness
        following = step if low < step < high else (low + high) / 2
        if abs(following - tried) < CLOSE:
            return following
        tried = following
    return tried


def _crossing(distance: Callable[[float], float], mean: float, end: float, width: float) -> float:
    """Return where ``distance``, negative at the mean, turns positive on the way to the scale's end."""
    inside, outside = mean, end
    while width < abs(end - mean) and distance(tried := mean + math.copysign(width, end)) < 0:
        inside, width = tried, 2 * width
    if width < abs(end - mean):
        outside = mean + math.copysign(width, end)
    below, above = distance(inside), distance(outside)
    for _ in range(STEPS):  # regula falsi; an end that stays twice counts half (Illinois)
        tried = (inside * above - outside * below) / (above - below)
        found = distance(tried)
        if abs(found) < CLOSE or abs(inside - outside) < CLOSE:
            break
        if found > 0:
            outside, above, below = tried, found, below / 2
        else:
            inside, below, above = tried, found, above / 2
    return tried


def chance_of_difference(
    questions: int,
    points_max: float,
    *,
    discordance: float,
    lost_points: float = 0.0,
    prompt_seeds: int = 1,
) -> float:
    """
    Return how probable it is that two sides' scores end more than ``points_max`` points apart.

    Every prompt of every question differs with probability ``discordance``, one way or the other, so that
    the candidate truly lies ``lost_points`` below. 0 lost is an equal chip: what comes out is its
    probability of a false FAIL. Exact for right and wrong answers that differ independently.
    """
    import numpy as np  # only documents and checks of an edition need it

    lost = (discordance + lost_points / 100) / 2
    won = discordance - lost
    if won < 0 or lost < 0:
        raise ValueError(
            f"{lost_points:g} points can't be lost by {discordance:.1%} of the answers"
        )
    n = questions * prompt_seeds
    angle = 2 * np.pi * np.arange(2 * n + 1) / (2 * n + 1)
    wave = np.exp(1j * angle)
    # The distribution of (won - lost) out of n is the inverse transform of its characteristic function.
    chances = np.fft.fft((1 - discordance + won * wave + lost / wave) ** n).real / (2 * n + 1)
    net = np.concatenate([np.arange(n + 1), np.arange(-n, 0)])
    apart = 100 * np.abs(net) > points_max * n + 1e-6
    return float(min(1.0, max(0.0, chances[apart].sum())))
