"""
How sure a verdict is, in a sentence, where it says anything about that.
"""

from __future__ import annotations

from pytest_ernie.standard import Edition
from pytest_ernie.verdicts import Verdict


def confidence(verdict: Verdict, edition: Edition) -> str:
    """Return the interval or the probability that a verdict holds among its figures, else nothing."""
    numbers = verdict.numbers
    low, high = numbers.get("difference_low"), numbers.get("difference_high")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        level = edition.rulings.accuracy.confidence
        limit = edition.rulings.accuracy.points_max
        weak = any(low < edge < high for edge in (-limit, limit))
        text = f"{level:.0%} interval of the difference: {low:+.2f} to {high:+.2f} points"
        return f"{text}; weak: it crosses the limit" if weak else text
    p_value = numbers.get("growth_p_value")
    if isinstance(p_value, (int, float)):
        shown = f"= {p_value:.3g}" if p_value >= 0.001 else "< 0.001"
        return f"growth of the difference: p {shown} (Mann-Kendall, one-sided)"
    return ""
