"""
The loss clause: 400步后（到500步）loss曲线逐位diff基本维持在±1e-2以内, outlier不多于10个, 且diff无发散迹象.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from pytest_ernie.standard.model import LossRule
from pytest_ernie.verdicts.band import agreement
from pytest_ernie.verdicts.diagnosis import Curve, diagnose
from pytest_ernie.verdicts.statistics import mann_kendall_p_increasing, theil_sen_slope
from pytest_ernie.verdicts.verdict import (
    ROUNDING,
    Verdict,
    Word,
    inconclusive,
    listing,
    passed,
    shown,
)

__all__ = ["Curve", "loss_follows"]

OUTLIER_COLUMNS = ("step", "candidate", "reference", "difference")


def loss_follows(
    candidate: Curve,
    reference: Curve,
    rule: LossRule,
    *,
    repeats: Sequence[Curve] = (),
    layout_noise: float | None = None,
    rates: tuple[Curve, Curve] | None = None,
) -> Verdict:
    """
    Judge the candidate's loss curve against the reference's (R2, R3, R4).

    A loss that is NaN or infinite anywhere up to the last step fails, whatever else is missing. A step
    missing on either side is never skipped: the verdict is INCONCLUSIVE and names it.

    ``repeats`` are further recordings of the reference: if one of them doesn't follow the first by this
    very rule, the reference is no measure. ``layout_noise`` is given where the sides split the
    global batch differently: how far two such splits differ by themselves; a verdict that this
    could turn is INCONCLUSIVE. ``rates`` are the logged learning rates of both sides; they only serve
    to say what a difference looks like.
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
    runs = [("reference", reference)]
    runs += [(f"reference's run {place}", curve) for place, curve in enumerate(repeats, 2)]
    for side, curve in (("candidate", candidate), *runs):
        if problem := _incomplete(side, curve, steps):
            return inconclusive(problem, required=required)
    verdict = _compare(candidate, reference, rule)
    if verdict.word is Word.FAIL:
        verdict = _diagnosed(verdict, candidate, reference, rule, rates)
    if layout_noise is not None:
        verdict = _beside_layouts(verdict, candidate, reference, rule, layout_noise)
    return _beside_band(verdict, reference, repeats, rule) if repeats else verdict


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


class _Difference(Struct, frozen=True, kw_only=True):
    """The window's differences, counted."""

    size: dict[int, float]
    outliers: list[int]
    growth: float
    p_value: float
    diverges: bool

    @property
    def largest(self) -> int:
        return max(self.size, key=lambda step: self.size[step])

    def holds(self, rule: LossRule) -> bool:
        return len(self.outliers) <= rule.max_outliers and not self.diverges


def _difference(candidate: Curve, reference: Curve, rule: LossRule) -> _Difference:
    window = range(rule.first_step, rule.last_step + 1)
    size = {step: abs(candidate[step] - reference[step]) for step in window}
    differences = list(size.values())
    growth = theil_sen_slope(differences) * len(window) if len(window) > 1 else 0.0
    p_value = mann_kendall_p_increasing(differences) if len(window) > 1 else 1.0
    grows = growth > rule.divergence_growth + ROUNDING
    return _Difference(
        size=size,
        outliers=[step for step in window if size[step] > rule.tolerance + ROUNDING],
        growth=growth,
        p_value=p_value,
        diverges=grows and p_value < rule.divergence_significance,
    )


def _compare(candidate: Curve, reference: Curve, rule: LossRule) -> Verdict:
    found = _difference(candidate, reference, rule)
    largest, sizes = found.largest, list(found.size.values())
    return Verdict(
        word=passed(found.holds(rule)),
        message=_sentence(found, rule),
        measured=f"{len(found.outliers)} outliers, largest "
        f"{shown(found.size[largest], rule.tolerance, 2, 'g')}"
        + (", diverging" if found.diverges else ""),
        required=_required(rule),
        numbers={
            "outliers": len(found.outliers),
            "largest_difference": found.size[largest],
            "largest_at_step": largest,
            "mean_difference": sum(sizes) / len(sizes),
            "growth_over_window": found.growth,
            "growth_p_value": found.p_value,
        },
        listing=listing(
            f"steps that differ by more than {rule.tolerance:g}",
            OUTLIER_COLUMNS,
            [
                (step, candidate[step], reference[step], candidate[step] - reference[step])
                for step in found.outliers
            ],
        ),
    )


def _sentence(found: _Difference, rule: LossRule) -> str:
    allowed = f"{rule.max_outliers} are allowed"
    text = (
        f"{len(found.outliers)} of {len(found.size)} steps differ from the reference by "
        f"more than {rule.tolerance:g} ({allowed}); the largest difference is "
        f"{shown(found.size[found.largest], rule.tolerance, 3, 'g')} at step {found.largest}"
    )
    if len(found.outliers) > rule.max_outliers:
        text += f"; the first outliers are steps {', '.join(map(str, found.outliers[:5]))}"
    if found.diverges:
        text += (
            f"; the difference grows by {shown(found.growth, rule.divergence_growth, 2, 'g')} over the "
            f"window, {rule.divergence_growth:g} is allowed"
        )
    return text


def _diagnosed(
    verdict: Verdict,
    candidate: Curve,
    reference: Curve,
    rule: LossRule,
    rates: tuple[Curve, Curve] | None,
) -> Verdict:
    """Add from which step it goes wrong and what it looks like."""
    steps = range(1, rule.last_step + 1)
    found = diagnose(
        {step: candidate[step] for step in steps},
        {step: reference[step] for step in steps},
        rule.tolerance,
        rates=rates,
    )
    since, numbers = "", {**verdict.numbers, "looks_like": found.kind}
    if found.from_step is not None:
        since = f"it goes wrong from step {found.from_step} on; "
        numbers["wrong_from_step"] = found.from_step
    return msgspec.structs.replace(
        verdict,
        notes=(*verdict.notes, f"{since}{found.text}"),
        numbers=numbers,
    )


def _beside_layouts(
    verdict: Verdict, candidate: Curve, reference: Curve, rule: LossRule, noise: float
) -> Verdict:
    """
    Judge twice more, with the limits narrower and wider by what two layouts differ by themselves.

    If the words differ, nobody can tell the device from the layout.
    """
    words = []
    for shift in (-noise, noise):
        limits = msgspec.structs.replace(
            rule,
            tolerance=rule.tolerance + shift,
            divergence_growth=rule.divergence_growth + shift,
        )
        words.append(_difference(candidate, reference, limits).holds(limits))
    note = (
        f"the sides split the global batch differently; such layouts differ by up to {noise:.2g} "
        "by themselves"
    )
    if words[0] == words[1]:
        return msgspec.structs.replace(verdict, notes=(*verdict.notes, note))
    return msgspec.structs.replace(
        verdict,
        word=Word.INCONCLUSIVE,
        message=f"{note}, and that could turn the verdict: {verdict.message}",
        notes=(
            *verdict.notes,
            "train with the reference's layout to get a verdict, or add a reference that was recorded in "
            "this one",
        ),
    )


def _beside_band(
    verdict: Verdict, reference: Curve, repeats: Sequence[Curve], rule: LossRule
) -> Verdict:
    """Print how far the reference agrees with itself beside the limit, and refuse one that doesn't."""
    window = range(rule.first_step, rule.last_step + 1)
    band = agreement((reference, *repeats))
    widest = max(window, key=lambda step: band[step])
    words = f"{len(repeats) + 1} runs of the reference agree within {band[widest]:.2g}"
    verdict = msgspec.structs.replace(
        verdict,
        required=f"{verdict.required} ({words})",
        numbers={
            **verdict.numbers,
            "reference_runs": len(repeats) + 1,
            "reference_noise": band[widest],
            "reference_noise_at_step": widest,
        },
    )
    for place, repeat in enumerate(repeats, 2):
        found = _difference(repeat, reference, rule)
        if not found.holds(rule):
            return msgspec.structs.replace(
                verdict,
                word=Word.INCONCLUSIVE,
                message=f"the reference doesn't agree with itself, so it is no measure: of its run "
                f"{place}, {_sentence(found, rule)} (its first run). Of the candidate: "
                f"{verdict.message}",
            )
    return verdict
