"""
The accuracy clause: 得分与GPU结果持平(相差1分以内), decided question by question (R10).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from pytest_ernie.standard.model import AccuracyRule
from pytest_ernie.verdicts.paired import chance_of_difference, paired_interval
from pytest_ernie.verdicts.verdict import Verdict, Word, inconclusive

Scores = Mapping[str, float | None]
"""Score of each answer by id, 0.0 to 1.0; None where the question could not be asked."""

Average = Literal["questions", "groups"]
"""What weighs the same in a score: every question, or every group of them (R11)."""

_ROUNDING = 1e-9
"""Points; scores are sums of thirds and tenths, so a difference of exactly the limit must hold."""

LUCK_TOLD = 0.01
"""From this probability of a false FAIL on, a FAIL says it."""


class Layout(Struct, frozen=True, kw_only=True):
    """How answers make up a score."""

    question_of: Mapping[str, str] = {}
    """Question by answer id, where one question is asked under several prompts."""
    group_of: Mapping[str, str] = {}
    """Group (subject, task) by answer id."""
    average: Average = "questions"

    def weights(self, ids: list[str]) -> dict[str, float]:
        """Return the share of each answer in the score; they sum to 1."""
        prompts = Counter(self.question_of.get(id, id) for id in ids)
        if self.average == "questions":
            return {id: 1 / len(prompts) / prompts[self.question_of.get(id, id)] for id in ids}
        answers = Counter(self.group_of.get(id, "") for id in ids)
        return {id: 1 / len(answers) / answers[self.group_of.get(id, "")] for id in ids}


class Side(Struct, frozen=True, kw_only=True):
    """Points of one side with its unscored questions all wrong, and all right."""

    wrong: float
    right: float
    unscored: int


def accuracy_equal(
    candidate: Scores,
    reference: Scores,
    rule: AccuracyRule,
    *,
    layout: Layout | None = None,
    unscored_because: str | None = None,
    reference_unscored_because: str | None = None,
) -> Verdict:
    """
    Judge |score - reference| ≤ 1 point, two-sided, on the 0..100 scale.

    A question without a score may have been right or wrong, on either side: PASS if every combination
    that could be true passes, FAIL if every one fails, else INCONCLUSIVE. Both sides must have the
    same answer ids. ``unscored_because`` says why questions have no score.
    """
    required = f"within {rule.points_max:g} point of the reference"
    if problem := _unusable(candidate, reference):
        return inconclusive(problem, required=required)
    weights = (layout or Layout()).weights(list(reference))
    own, other = _side(candidate, weights), _side(reference, weights)
    lowest, highest = own.wrong - other.right, own.right - other.wrong
    word = _word(lowest, highest, rule.points_max + _ROUNDING)
    differences = _Differences.of(candidate, reference, weights, layout or Layout())
    low, high = differences.interval(rule.confidence)
    weak = word is not Word.INCONCLUSIVE and any(
        low < limit < high for limit in (-rule.points_max, rule.points_max)
    )
    digits = _digits((lowest, own.wrong, other.right), (highest, own.right, other.wrong), rule)
    shown, benchmark = _range(own, digits), _range(other, digits)
    away = _away(lowest, highest, digits)
    return Verdict(
        word=word,
        message=f"{shown} points on {differences.questions} questions, the reference has "
        f"{benchmark}{differences.flipped}; a difference of {rule.points_max:g} is allowed"
        + _unscored(own, "", unscored_because)
        + _unscored(other, " of the reference's", reference_unscored_because),
        measured=f"{shown} ({away}){', weak' if weak else ''}",
        required=f"{benchmark} ± {rule.points_max:g}",
        notes=_notes(word, weak, (low, high), differences, rule),
        numbers={
            "score": own.wrong,
            "score_if_unscored_were_right": own.right,
            "reference_score": other.wrong,
            "reference_score_if_unscored_were_right": other.right,
            "questions": differences.questions,
            "prompts": len(candidate),
            "unscored": own.unscored,
            "reference_unscored": other.unscored,
            "lost_questions": differences.lost,
            "won_questions": differences.won,
            "difference_low": low if differences.known else None,
            "difference_high": high if differences.known else None,
            "weak": int(weak),
        },
    )


def score_of(scores: Scores, layout: Layout) -> str:
    """Return a side's score on the 0..100 scale, from its unscored questions all wrong to all right."""
    return _range(_side(scores, layout.weights(list(scores))), 2)


def _unusable(candidate: Scores, reference: Scores) -> str | None:
    """Say why there is nothing to compare, or None."""
    if not candidate:
        return "no question was asked"
    if candidate.keys() != reference.keys():
        odd = sorted(candidate.keys() ^ reference.keys())
        return (
            f"candidate and reference did not ask the same questions: {len(odd)} differ, "
            f"the first is {odd[0]}"
        )
    for side, scores in (("candidate", candidate), ("reference", reference)):
        for id, score in scores.items():
            if score is not None and not 0 <= score <= 1:
                return (
                    f"the {side}'s score of question {id} is {score:g}; a score lies between "
                    "0 and 1"
                )
    return None


def _side(scores: Scores, weights: Mapping[str, float]) -> Side:
    unscored = [id for id, score in scores.items() if score is None]
    wrong = 100 * math.fsum(weights[id] * (score or 0.0) for id, score in scores.items())
    return Side(
        wrong=wrong,
        right=wrong + 100 * math.fsum(weights[id] for id in unscored),
        unscored=len(unscored),
    )


def _word(lowest: float, highest: float, limit: float) -> Word:
    """Judge every difference that could be true: they lie from ``lowest`` to ``highest``."""
    if -limit <= lowest and highest <= limit:
        return Word.PASS
    if lowest > limit or highest < -limit:
        return Word.FAIL
    return Word.INCONCLUSIVE


class _Differences(Struct, frozen=True, kw_only=True):
    """Candidate less reference, question by question, in shares of the score's scale."""

    lowest: list[float]
    """With the candidate's unscored answers wrong and the reference's right; ``highest`` vice versa."""
    highest: list[float]
    most: float
    """The most that a question can lose or win; above 1 where it weighs more than others."""
    questions: int
    prompts: int
    lost: int
    won: int
    changed: float
    """Share of the prompts that both sides were scored on and that they answered differently."""
    known: bool
    """At least one question has a score on both sides."""

    @classmethod
    def of(
        cls, candidate: Scores, reference: Scores, weights: Mapping[str, float], layout: Layout
    ) -> _Differences:
        """Add up the answers of each question."""
        low: dict[str, float] = {}
        high: dict[str, float] = {}
        known: dict[str, float] = {}
        weight: dict[str, float] = {}
        changed = scored = 0
        for id, theirs in reference.items():
            ours, question = candidate[id], layout.question_of.get(id, id)
            share = weights[id]
            weight[question] = weight.get(question, 0.0) + share
            least = (ours or 0.0) - (1.0 if theirs is None else theirs)
            greatest = (1.0 if ours is None else ours) - (theirs or 0.0)
            low[question] = low.get(question, 0.0) + share * least
            high[question] = high.get(question, 0.0) + share * greatest
            if ours is not None and theirs is not None:
                known[question] = known.get(question, 0.0) + share * (ours - theirs)
                scored += 1
                changed += ours != theirs
        count = len(weight)
        return cls(
            lowest=[count * value for value in low.values()],
            highest=[count * value for value in high.values()],
            most=count * max(weight.values()),
            questions=count,
            prompts=len(reference),
            lost=sum(value < -_ROUNDING / count for value in known.values()),
            won=sum(value > _ROUNDING / count for value in known.values()),
            changed=changed / scored if scored else 0.0,
            known=bool(known),
        )

    @property
    def flipped(self) -> str:
        """Say how many questions came out otherwise than the reference's, in either direction."""
        if not self.lost and not self.won:
            return ""
        return f" ({self.lost} question{'' if self.lost == 1 else 's'} lost, {self.won} won)"

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval of the mean difference in points; unscored questions widen it."""
        low, high = paired_interval(self.lowest, confidence, most=self.most)
        if self.highest != self.lowest:
            _, high = paired_interval(self.highest, confidence, most=self.most)
        return 100 * low, 100 * high


def _notes(
    word: Word,
    weak: bool,
    interval: tuple[float, float],
    differences: _Differences,
    rule: AccuracyRule,
) -> tuple[str, ...]:
    notes = []
    if weak:
        notes.append(
            f"weak: the {rule.confidence:.0%} interval of the difference is {interval[0]:+.2f} to "
            f"{interval[1]:+.2f} points and crosses the limit"
        )
    if weak and word is Word.FAIL:
        luck = chance_of_difference(
            differences.prompts, rule.points_max, discordance=differences.changed
        )
        if luck >= LUCK_TOLD:
            notes.append(
                f"{differences.changed:.1%} of the answers changed; an equal chip of which as many "
                f"change fails by luck with a probability of {luck:.0%}"
            )
    return tuple(notes)


def _unscored(side: Side, whose: str, because: str | None) -> str:
    if not side.unscored:
        return ""
    reason = f" ({because})" if because else ""
    return f"; {side.unscored}{whose} questions have no score{reason}"


def _range(side: Side, digits: int) -> str:
    shown = f"{side.wrong:.{digits}f}"
    return shown + (f" to {side.right:.{digits}f}" if side.unscored else "")


def _away(lowest: float, highest: float, digits: int) -> str:
    shown = [f"{value:+.{digits}f}" for value in (lowest, highest)]
    return " to ".join(dict.fromkeys(shown))


def _digits(
    one: tuple[float, float, float], two: tuple[float, float, float], rule: AccuracyRule
) -> int:
    """Return how many decimals it takes for the printed scores to bear the verdict out."""
    limit = rule.points_max + _ROUNDING
    for digits in range(2, 9):
        if all(
            (abs(round(own, digits) - round(other, digits)) <= limit) == (abs(difference) <= limit)
            for difference, own, other in (one, two)
        ):
            return digits
    return 9
