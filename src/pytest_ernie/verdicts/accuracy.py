"""
The accuracy clause: 得分与GPU结果持平(相差1分以内), decided question by question (R10).
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ernie.standard.model import AccuracyRule
from pytest_ernie.verdicts.statistics import paired_interval
from pytest_ernie.verdicts.verdict import Verdict, Word, inconclusive, passed

Scores = Mapping[str, float | None]
"""Score by question id, 0.0 to 1.0; None where the question could not be asked."""

_ROUNDING = 1e-9
"""Points; scores are sums of thirds and tenths, so a difference of exactly the limit must hold."""


def accuracy_equal(
    candidate: Scores,
    reference: Scores,
    rule: AccuracyRule,
    *,
    unscored_because: str | None = None,
) -> Verdict:
    """
    Judge |score - reference| ≤ 1 point, two-sided, on the 0..100 scale.

    Questions that could not be asked are judged twice, as all right and as all wrong; PASS needs both,
    FAIL needs both, anything else is INCONCLUSIVE. Both sides must have asked the same questions.
    ``unscored_because`` says why the candidate's first question without a score has none.
    """
    required = f"within {rule.points_max:g} point of the reference"
    if not candidate:
        return inconclusive("no question was asked", required=required)
    if candidate.keys() != reference.keys():
        odd = sorted(candidate.keys() ^ reference.keys())
        return inconclusive(
            f"candidate and reference did not ask the same questions: {len(odd)} differ, "
            f"the first is {odd[0]}",
            required=required,
        )
    unasked = [id for id, score in reference.items() if score is None]
    if unasked:
        return inconclusive(
            f"the reference has no score for {len(unasked)} questions, the first is {unasked[0]}",
            required=required,
        )
    for side, scores in (("candidate", candidate), ("reference", reference)):
        for id, score in scores.items():
            if score is not None and not 0 <= score <= 1:
                return inconclusive(
                    f"the {side}'s score of question {id} is {score:g}; a score lies between "
                    "0 and 1",
                    required=required,
                )
    known = {id: score or 0.0 for id, score in reference.items()}
    because = f" ({unscored_because})" if unscored_because else ""
    return _compare(candidate, known, rule, required, because)


def _compare(
    candidate: Scores,
    reference: Mapping[str, float],
    rule: AccuracyRule,
    required: str,
    because: str,
) -> Verdict:
    count = len(candidate)
    benchmark = 100 * sum(reference.values()) / count
    unscored = [id for id, score in candidate.items() if score is None]
    wrong = 100 * sum(score or 0.0 for score in candidate.values()) / count
    right = wrong + 100 * len(unscored) / count
    holds = [abs(score - benchmark) <= rule.points_max + _ROUNDING for score in (wrong, right)]
    word = passed(all(holds)) if all(holds) or not any(holds) else Word.INCONCLUSIVE
    if min(wrong, right) <= benchmark <= max(wrong, right) and not all(holds):
        word = Word.INCONCLUSIVE
    pairs = [100 * (score - reference[id]) for id, score in candidate.items() if score is not None]
    low, high = paired_interval(pairs, rule.confidence)
    weak = any(low < limit < high for limit in (-rule.points_max, rule.points_max))
    flipped = sum(
        1 for id, score in candidate.items() if score is not None and score < reference[id]
    )
    digits = _digits(wrong, right, benchmark, rule.points_max)
    shown = f"{wrong:.{digits}f}" + (f" to {right:.{digits}f}" if unscored else "")
    notes = (
        (
            f"weak: the {rule.confidence:.0%} interval of the difference is {low:+.2f} to "
            f"{high:+.2f} points and crosses the limit",
        )
        if weak
        else ()
    )
    return Verdict(
        word=word,
        message=f"{shown} points on {count} questions, the reference has {benchmark:.{digits}f}; "
        f"a difference of {rule.points_max:g} is allowed"
        + (f"; {len(unscored)} questions have no score{because}" if unscored else ""),
        measured=f"{shown} ({wrong - benchmark:+.{digits}f})",
        required=f"{benchmark:.{digits}f} ± {rule.points_max:g}",
        notes=notes,
        numbers={
            "score": wrong,
            "score_if_unscored_were_right": right,
            "reference_score": benchmark,
            "questions": count,
            "unscored": len(unscored),
            "lost_questions": flipped,
            "difference_low": low if pairs else None,
            "difference_high": high if pairs else None,
        },
    )


def _digits(wrong: float, right: float, benchmark: float, limit: float) -> int:
    """Return how many decimals it takes for the printed scores to bear the verdict out."""
    for digits in range(2, 9):
        if all(
            (abs(round(score, digits) - round(benchmark, digits)) <= limit + _ROUNDING)
            == (abs(score - benchmark) <= limit + _ROUNDING)
            for score in (wrong, right)
        ):
            return digits
    return 9
