"""
The matrix of one model as a table: a line for each thing to be shown, a column for each tier.

A criterion that several tiers share is one cell across them; what a tier doesn't ask for is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import groupby

from pytest_ernie.report.matrix import Matrix, Row
from pytest_ernie.report.text import METHODS, html
from pytest_ernie.report.words import both, either, pair, told
from pytest_ernie.standard import Criterion
from pytest_ernie.standard.model import Clause
from pytest_ernie.verdicts import Word

TITLES = {
    "training.loss": "Training loss",
    "training.throughput": "Training throughput",
    "training.context": "Training context",
    "inference.datatype": "Data type",
    "inference.throughput": "Serving throughput",
    "inference.context": "Serving context",
    "inference.accuracy": "Accuracy",
    "reinforcement": "Reinforcement learning",
}
"""Short names of the clauses."""

NOTHING = "–"
"""What a verdict holds where it has no figure to show."""

Line = tuple[str, ...]
"""What tells the lines of a clause apart, whatever the tier."""


def word_of(word: Word) -> str:
    """Return a verdict's word as a badge; the word itself says it, colour only helps."""
    return f'<span class="ernie-word {word_class(word)}">{both(word.value)}</span>'


def word_class(word: Word) -> str:
    """Return the style sheet's class of a word."""
    return f"ernie-{word.value.lower().replace(' ', '-')}"


def model_table(matrix: Matrix, model: str, anchors: Mapping[str, str]) -> str:
    """Return the model's table; ``anchors`` maps names of criteria to the ids of their details."""
    tiers = [tier.number for tier in matrix.edition.tiers]
    heads = "".join(_tier_head(matrix, model, tier) for tier in tiers)
    bodies = "".join(
        _unspecified(clause, len(tiers))
        if clause.unspecified
        else _clause_body(matrix, clause, model, tiers, anchors)
        for clause in matrix.edition.clauses
    )
    return (
        '<table class="ernie-matrix">'
        f"<caption>{both('Every criterion by tier')}: {html(model)}</caption>"
        f'<thead><tr><th scope="col" colspan="2">{both("Clause")}</th>{heads}</tr></thead>'
        f"{bodies}</table>"
    )


def _tier_head(matrix: Matrix, model: str, tier: int) -> str:
    result = matrix.tier(model, tier)
    passed = result.counts.get(Word.PASS, 0)
    roman, datatype = "I" * tier, matrix.edition.tier(tier).datatype.upper()
    total = len(result.rows)
    counted = pair(f"{passed} of {total} PASS", f"{total} 项中 {passed} 项通过")
    serving = pair(f"serving in {datatype}", f"推理 {datatype}")
    return (
        f'<th scope="col">{pair(f"Tier {roman}", f"{roman} 级")} {word_of(result.word)} '
        f'<span class="ernie-count">{serving}</span><br>'
        f'<span class="ernie-count">{counted}</span></th>'
    )


def _unspecified(clause: Clause, tiers: int) -> str:
    return (
        f'<tbody><tr><th scope="row" colspan="2" title="{either(clause.summary)}">'
        f'{both(TITLES[clause.id])}</th><td colspan="{tiers}">{word_of(Word.UNSPECIFIED)} '
        f"{both('the standard leaves it open')}</td></tr></tbody>"
    )


def _clause_body(
    matrix: Matrix, clause: Clause, model: str, tiers: list[int], anchors: Mapping[str, str]
) -> str:
    rows = [
        row
        for row in matrix.rows
        if row.criterion.clause == clause.id and row.criterion.model == model
    ]
    lines: dict[Line, list[Row]] = {}
    for row in rows:
        lines.setdefault(_line(row.criterion), []).append(row)
    if not lines:
        return ""
    head = (
        f'<th scope="rowgroup" rowspan="{len(lines)}" title="{escape(clause.text)}">'
        f"{both(TITLES[clause.id])}</th>"
    )
    text = ""
    for line, of_line in lines.items():
        name = " ".join(line)
        cells = _cells(of_line, tiers, anchors)
        text += f'<tr>{head}<th scope="row">{told(name)}</th>{cells}</tr>'
        head = ""
    return f"<tbody>{text}</tbody>"


def _line(criterion: Criterion) -> Line:
    parts = (
        METHODS.get(criterion.method or ""),
        criterion.dataset,
        None if criterion.length is None else f"{criterion.length} tokens",
    )
    return tuple(part for part in parts if part)


def _cells(rows: list[Row], tiers: list[int], anchors: Mapping[str, str]) -> str:
    """One cell for each run of tiers that share a criterion."""
    by_tier = {tier: row for row in rows for tier in row.criterion.tiers}
    text = ""
    for name, group in groupby(tiers, key=lambda tier: _name(by_tier.get(tier))):
        shared = list(group)
        row = by_tier.get(shared[0])
        label = either(f"Tier {', '.join('I' * tier for tier in shared)}")
        span = f' colspan="{len(shared)}"' if len(shared) > 1 else ""
        inner = (
            _cell(row, anchors[name])
            if row
            else f'<span class="ernie-quiet">{both("no requirement")}</span>'
        )
        text += f'<td{span} data-tier="{label}">{inner}</td>'
    return text


def _name(row: Row | None) -> str:
    return row.criterion.name if row else ""


def _cell(row: Row, anchor: str) -> str:
    verdict = row.verdict
    badge = word_of(verdict.word)
    if row.node is None:
        return badge
    badge = f'<a href="#{anchor}">{badge}</a>'
    if verdict.measured != NOTHING:
        badge += f' <span class="ernie-measured">{told(verdict.measured, 200)}</span>'
    if verdict.required != NOTHING:
        badge += f' <span class="ernie-required">{told(verdict.required, 200)}</span>'
    return badge
