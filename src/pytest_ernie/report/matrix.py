"""
The matrix of a certification: models x tiers, and under each the criteria with their words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from pytest_ernie.outcomes import Judgement
from pytest_ernie.standard import Criterion, Edition, criteria
from pytest_ernie.verdicts import Verdict, Word

_WORST_FIRST = (Word.FAIL, Word.INCONCLUSIVE, Word.NOT_RUN, Word.RECORDED, Word.PASS)


class Row(Struct, frozen=True, kw_only=True):
    """A criterion with its verdict; NOT RUN where this run didn't reach it."""

    criterion: Criterion
    verdict: Verdict
    node: str | None = None


class TierResult(Struct, frozen=True, kw_only=True):
    """One model at one tier: all criteria of that row of the standard (R1)."""

    model: str
    tier: int
    rows: tuple[Row, ...]

    @property
    def word(self) -> Word:
        """Return the worst word of the rows; a tier without criteria shows nothing: NOT RUN."""
        words = {row.verdict.word for row in self.rows}
        return next((word for word in _WORST_FIRST if word in words), Word.NOT_RUN)

    @property
    def counts(self) -> dict[Word, int]:
        """Return how many criteria have each word, worst first, zeros left out."""
        counted = Counter(row.verdict.word for row in self.rows)
        return {word: counted[word] for word in _WORST_FIRST if counted[word]}

    def of_clause(self, clause: str) -> tuple[Row, ...]:
        """Return the rows of one clause."""
        return tuple(row for row in self.rows if row.criterion.clause == clause)


class Matrix(Struct, frozen=True, kw_only=True):
    """Everything that a certification run can say, judged or not."""

    edition: Edition
    rows: tuple[Row, ...]

    def tier(self, model: str, tier: int) -> TierResult:
        """Return one model's result at one tier."""
        rows = (r for r in self.rows if r.criterion.model == model and tier in r.criterion.tiers)
        return TierResult(model=model, tier=tier, rows=tuple(rows))

    def asked_tiers(self) -> tuple[int, ...]:
        """Return the tiers of which this run judged every criterion that it could tell apart."""
        judged = [row for row in self.rows if row.node is not None]
        own = {
            tier for row in judged if row.criterion.tier is not None for tier in row.criterion.tiers
        }
        shared = {tier for row in judged for tier in row.criterion.tiers}
        return tuple(sorted(own or shared))


def matrix(edition: Edition, judgements: Iterable[Judgement]) -> Matrix:
    """Return the matrix of an edition; criteria without a judgement are NOT RUN."""
    judged: Mapping[str, Judgement] = {
        judgement.criterion.name: judgement for judgement in judgements
    }
    not_run = Verdict(word=Word.NOT_RUN, message="this run didn't ask for it")
    rows = []
    for criterion in criteria(edition):
        judgement = judged.get(criterion.name)
        rows.append(
            Row(criterion=criterion, verdict=not_run)
            if judgement is None
            else Row(criterion=criterion, verdict=judgement.verdict, node=judgement.node)
        )
    return Matrix(edition=edition, rows=tuple(rows))


def sentence(result: TierResult) -> str:
    """Return one sentence on a tier: how many criteria hold and what keeps the rest."""
    total = len(result.rows)
    passed = result.counts.get(Word.PASS, 0)
    others = [
        f"{count} {word.value}" for word, count in result.counts.items() if word is not Word.PASS
    ]
    start = f"{result.model}, tier {'I' * result.tier}: {passed} of {total} criteria PASS"
    return f"{start}; {', '.join(others)}" if others else start
