"""
The loss clause: 400步后（到500步）loss曲线逐位diff基本维持在±1e-2以内, outlier不多于10个, 且diff无发散迹象.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pytest_ernie.standard.model import LossRule
from pytest_ernie.verdicts.statistics import mann_kendall_p_increasing, theil_sen_slope
from pytest_ernie.verdicts.verdict import ROUNDING, Verdict, inconclusive, passed, shown

Curve = Mapping[int, float]
"""Loss by step, steps counted from 1."""


def loss_follows(candidate: Curve, reference: Curve, rule: LossRule) -> Verdict:
    """
    Judge the candidate's loss curve against the reference's (R2, R3, R4).

    A loss that is NaN or infinite anywhere up to the last step fails, whatever else is missing. A step
    missing on either side is never skipped: the verdict is INCONCLUSIVE and names it.
    """
    required = _required(rule)
    steps = range(1, rule.last_step + 1)
    if bad := [step for step in steps if not math.isfinite(candidate.get(step, 0.0))]:
        return Verdict(
            word=passed(False),
            message=f"the loss is {candidate[bad[0]]} at step {bad[0]}; every loss up to step "
            f"{rule.last_step} must be finite",
            measured=f"{candidate[bad[0]]} at step {bad[0]}",
            required=required,
            numbers={"first_bad_step": bad[0], "bad_steps": len(bad)},
        )
    for side, curve in (("candidate", candidate), ("reference", reference)):
        if problem := _incomplete(side, curve, steps):
            return inconclusive(problem, required=required)
    return _compare(candidate, reference, rule)


def _required(rule: LossRule) -> str:
    return (
        f"steps {rule.first_step}..{rule.last_step}: |difference| ≤ {rule.tolerance:g}, "
        f"at most {rule.max_outliers} outliers, no divergence"
    )


def _incomplete(side: str, curve: Curve, steps: Iterable[int]) -> str | None:
    missing = [step for step in steps if step not in curve]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return (
            f"the {side}'s log has no loss for step {missing[0]}{more}; "
            "a missing step is never skipped"
        )
    bad = [step for step in steps if not math.isfinite(curve[step])]
    return f"the {side}'s loss is {curve[bad[0]]} at step {bad[0]}" if bad else None


def _compare(candidate: Curve, reference: Curve, rule: LossRule) -> Verdict:
    window = range(rule.first_step, rule.last_step + 1)
    size = {step: abs(candidate[step] - reference[step]) for step in window}
    outliers = [step for step in window if size[step] > rule.tolerance + ROUNDING]
    differences = list(size.values())
    growth = theil_sen_slope(differences) * len(window) if len(window) > 1 else 0.0
    p_value = mann_kendall_p_increasing(differences) if len(window) > 1 else 1.0
    grows = growth > rule.divergence_growth + ROUNDING
    diverges = grows and p_value < rule.divergence_significance
    largest = max(window, key=lambda step: size[step])
    holds = len(outliers) <= rule.max_outliers and not diverges
    return Verdict(
        word=passed(holds),
        message=_sentence(outliers, diverges, growth, largest, size[largest], rule),
        measured=f"{len(outliers)} outliers, largest {shown(size[largest], rule.tolerance, 2, 'g')}"
        + (", diverging" if diverges else ""),
        required=_required(rule),
        numbers={
            "outliers": len(outliers),
            "largest_difference": size[largest],
            "largest_at_step": largest,
            "mean_difference": sum(differences) / len(differences),
            "growth_over_window": growth,
            "growth_p_value": p_value,
        },
    )


def _sentence(
    outliers: list[int],
    diverges: bool,
    growth: float,
    largest: int,
    size: float,
    rule: LossRule,
) -> str:
    allowed = f"{rule.max_outliers} are allowed"
    text = (
        f"{len(outliers)} of {rule.last_step - rule.first_step + 1} steps differ from the reference by "
        f"more than {rule.tolerance:g} ({allowed}); the largest difference is "
        f"{shown(size, rule.tolerance, 3, 'g')} at step {largest}"
    )
    if len(outliers) > rule.max_outliers:
        text += f"; the first outliers are steps {', '.join(map(str, outliers[:5]))}"
    if diverges:
        text += (
            f"; the difference grows by {shown(growth, rule.divergence_growth, 2, 'g')} over the "
            f"window, {rule.divergence_growth:g} is allowed"
        )
    return text
