"""
How far a criterion is from its threshold, where a verdict has the figures for it.
"""

from __future__ import annotations

import math

from msgspec import Struct

from pytest_ernie.report.words import either
from pytest_ernie.standard import Criterion, Edition
from pytest_ernie.verdicts import Verdict


class Margin(Struct, frozen=True, kw_only=True):
    """
    A value and its limit; ``at_least`` says on which side of the limit it must lie.
    """

    value: float
    limit: float
    at_least: bool

    @property
    def share(self) -> float:
        """Distance from the limit as a share of it; negative where the limit is broken."""
        if self.limit == 0:
            return 0.0 if self.value == 0 else -1.0
        distance = self.value / self.limit - 1
        return distance if self.at_least else -distance

    @property
    def words(self) -> str:
        """Return it as people say it."""
        return f"margin {self.share * 100:+.0f} %".replace("-", "−")


def margin_of(verdict: Verdict, criterion: Criterion, edition: Edition) -> Margin | None:
    """Return the distance from the threshold, None where there is no figure to tell it."""
    numbers, rulings = verdict.numbers, edition.rulings

    def figure(name: str) -> float:
        value = numbers.get(name)
        return float(value) if isinstance(value, (int, float)) else math.nan

    if criterion.clause.endswith(".throughput"):
        found = Margin(value=figure("share"), limit=criterion.share or math.nan, at_least=True)
    elif criterion.clause == "training.loss":
        found = Margin(value=figure("outliers"), limit=rulings.loss.max_outliers, at_least=False)
    elif criterion.clause == "training.context":
        largest, limit = figure("largest_difference"), rulings.training_context.tolerance
        found = Margin(value=largest, limit=limit, at_least=False)
    elif criterion.clause == "inference.accuracy":
        gap = abs(figure("score") - figure("reference_score"))
        found = Margin(value=gap, limit=rulings.accuracy.points_max, at_least=False)
    else:
        return None
    return found if math.isfinite(found.value) and math.isfinite(found.limit) else None


def bar(margin: Margin, kind: str) -> str:
    """
    Return the margin as a bar: the tick in its middle is the limit, full is twice the limit.
    """
    filled = 100 * min(2.0, max(0.0, margin.value / margin.limit)) if margin.limit else 0.0
    side = "at least" if margin.at_least else "at most"
    label = either(f"{margin.value:.3g}, {side} {margin.limit:.3g}; {margin.words}")
    return (
        f'<svg class="ernie-bar {kind}" viewBox="0 0 200 12" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><rect class="b-ground" x="0" y="2" width="200" height="8"/>'
        f'<rect class="b-value" x="0" y="2" width="{filled:.0f}" height="8"/>'
        '<rect class="b-limit" x="99" y="0" width="2" height="12"/></svg>'
    )
