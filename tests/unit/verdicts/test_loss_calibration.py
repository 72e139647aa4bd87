"""
R4, measured: how often honest differences are called divergence, how often divergence is missed.

Simulated: differences in the window of 100 steps, 200 seeded runs for each row. The bounds hold the
rates where they were measured; docs/interpretations.md prints the table.
"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_ernie.standard.model import LossRule, Rulings
from pytest_ernie.verdicts import Word, loss_follows

RUNS = 200
LEVEL = 2.0


@pytest.fixture
def rule(rulings: Rulings) -> LossRule:
    """R2 to R4 as the standard has them."""
    return rulings.loss


def noise(rng: np.random.Generator, scale: float, correlation: float) -> np.ndarray:
    """AR(1) noise of 100 steps with the given standard deviation; correlation 0 is white."""
    shocks = rng.normal(scale=scale * (1 - correlation**2) ** 0.5, size=100)
    values = np.empty(100)
    values[0] = rng.normal(scale=scale)
    for step in range(1, 100):
        values[step] = correlation * values[step - 1] + shocks[step]
    return values


def words(
    rule: LossRule, offset: float, growth: float, scale: float, correlation: float
) -> list[Word]:
    """Judge runs whose difference is offset + growth in a line + noise."""
    rng = np.random.default_rng(20251103)
    steps = range(rule.first_step, rule.last_step + 1)
    reference = dict.fromkeys(range(1, rule.last_step + 1), LEVEL)
    line = offset + growth * np.arange(100) / 100
    found = []
    for _ in range(RUNS):
        curve = LEVEL + line + noise(rng, scale, correlation)
        candidate = reference | dict(zip(steps, curve.tolist(), strict=True))
        found.append(loss_follows(candidate, reference, rule).word)
    return found


def failed(rule: LossRule, **how: float) -> float:
    """Return the share of runs that fail."""
    return words(rule, **how).count(Word.FAIL) / RUNS


HONEST = [
    ({"offset": 0.0, "scale": 0.001, "correlation": 0.0}, 0.0),
    ({"offset": 0.0, "scale": 0.003, "correlation": 0.0}, 0.0),
    ({"offset": 0.005, "scale": 0.001, "correlation": 0.0}, 0.0),
    ({"offset": 0.005, "scale": 0.002, "correlation": 0.0}, 0.0),
    ({"offset": 0.0, "scale": 0.003, "correlation": 0.5}, 0.0),
    ({"offset": 0.0, "scale": 0.003, "correlation": 0.9}, 0.02),
    ({"offset": 0.005, "scale": 0.001, "correlation": 0.9}, 0.0),
    ({"offset": 0.005, "scale": 0.002, "correlation": 0.9}, 0.06),
]
"""Differences within the tolerance that don't grow, and the share that may be called divergence."""

PLANTED = [
    ({"growth": 0.0070, "scale": 0.001, "correlation": 0.0}, 0.99),
    ({"growth": 0.0070, "scale": 0.002, "correlation": 0.0}, 0.85),
    ({"growth": 0.0095, "scale": 0.001, "correlation": 0.0}, 1.0),
    ({"growth": 0.0095, "scale": 0.001, "correlation": 0.9}, 0.95),
    ({"growth": 0.0150, "scale": 0.001, "correlation": 0.0}, 1.0),
]
"""Differences that grow in a line from zero, and the share that must be found."""


@pytest.mark.parametrize(("how", "allowed"), HONEST)
def test_honest_differences_are_seldom_called_divergence(
    rule: LossRule, how: dict[str, float], allowed: float
) -> None:
    """
    A wrong FAIL: noise around a constant level, white or AR(1).
    """
    assert failed(rule, growth=0.0, **how) <= allowed


@pytest.mark.parametrize(("how", "found"), PLANTED)
def test_planted_divergence_is_found(rule: LossRule, how: dict[str, float], found: float) -> None:
    """
    A wrong PASS: a difference that grows although hardly a step is an outlier yet.
    """
    assert failed(rule, offset=0.0, **how) >= found
