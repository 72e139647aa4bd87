"""
Every criterion: measured, required, margin, confidence, why it isn't PASS, what to do, the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from msgspec import Struct

from pytest_ernie.report.advice import advice, again
from pytest_ernie.report.confidence import confidence
from pytest_ernie.report.grid import TITLES, word_class, word_of
from pytest_ernie.report.margin import bar, margin_of
from pytest_ernie.report.matrix import Matrix, Row
from pytest_ernie.report.overview import SCOPES, Scope
from pytest_ernie.report.text import html
from pytest_ernie.report.words import both, pair, told
from pytest_ernie.verdicts import Verdict, Word

_ANSWER = 600
"""Characters of an answer in the list of flips."""

_ORDER = (Word.FAIL, Word.INCONCLUSIVE, Word.RECORDED, Word.NOT_RUN, Word.PASS)


class Source(Struct, frozen=True, kw_only=True):
    """
    One record that a verdict rests on: what it is, its id, and its raw material by name.

    Of each part of that the digest is known, and where it lies if it lies in a folder.
    """

    title: str
    id: str
    parts: tuple[tuple[str, str, str | None], ...] = ()


Sources = Mapping[str, tuple[Source, ...]]
"""By the name of a criterion."""


def model_details(
    matrix: Matrix, model: str, place: int, anchors: Mapping[str, str], sources: Sources
) -> str:
    """
    Return every judged criterion of a model by scope, worst first; what passes is folded.

    Criteria that this run never asked for are counted, not listed: the matrix shows each.
    """
    text = ""
    for scope in SCOPES:
        rows = [
            row
            for row in matrix.rows
            if row.criterion.model == model and scope.covers(row.criterion)
        ]
        text += _scope(scope, rows, f"ernie-model-{place}-{scope.key}", matrix, anchors, sources)
    return text


def _scope(
    scope: Scope,
    rows: list[Row],
    anchor: str,
    matrix: Matrix,
    anchors: Mapping[str, str],
    sources: Sources,
) -> str:
    judged = [row for row in rows if row.node is not None]
    ordered = [row for word in _ORDER for row in judged if row.verdict.word is word]
    text = f'<h4 id="{anchor}" tabindex="-1">{both(scope.title)}</h4>'
    text += "".join(_criterion(row, matrix, anchors, sources) for row in ordered)
    if unasked := len(rows) - len(judged):
        text += '<p class="ernie-quiet">' + pair(
            f"{unasked} of the {len(rows)} criteria were not part of this run: NOT RUN.",
            f"{len(rows)} 项判据中有 {unasked} 项不在本次运行之列：未运行。",
        )
        text += "</p>"
    return text


def _criterion(row: Row, matrix: Matrix, anchors: Mapping[str, str], sources: Sources) -> str:
    criterion, verdict = row.criterion, row.verdict
    margin = margin_of(verdict, criterion, matrix.edition)
    shown = bar(margin, word_class(verdict.word)) if margin else ""
    distance = f'<span class="ernie-margin">{both(margin.words)}</span>' if margin else ""
    is_open = "" if verdict.word is Word.PASS else " open"
    return (
        f'<details id="{anchors[criterion.name]}" class="ernie-criterion '
        f'{word_class(verdict.word)}"{is_open}><summary>{word_of(verdict.word)} '
        f'<span class="ernie-name">{both(TITLES[criterion.clause])} '
        f"<code>{html(criterion.id, 200)}</code></span>"
        f'<span class="ernie-figure">{told(verdict.measured, 200)}</span>{shown}{distance}</summary>'
        f'<div class="ernie-body">{_body(row, matrix, sources)}</div></details>'
    )


def _body(row: Row, matrix: Matrix, sources: Sources) -> str:
    criterion, verdict = row.criterion, row.verdict
    sure = confidence(verdict, matrix.edition)
    entries = [
        ("measured", told(verdict.measured, 400)),
        ("required", told(verdict.required, 400)),
        ("confidence", told(sure) if sure else ""),
        ("what to do", both(advice(criterion.clause, verdict))),
    ]
    if verdict.word is not Word.PASS:
        entries.append(("choose it alone", f"<code>{escape(again(criterion.name))}</code>"))
    if found := sources.get(criterion.name):
        entries.append(("evidence", "".join(map(_source, found))))
    facts = "".join(f"<dt>{both(name)}</dt><dd>{text}</dd>" for name, text in entries if text)
    notes = "".join(f"<li>{told(note)}</li>" for note in verdict.notes)
    clause = matrix.edition.clause(criterion.clause)
    return (
        f'<p class="ernie-message">{told(verdict.message)}</p><dl>{facts}</dl>'
        + (f'<ul class="ernie-noted">{notes}</ul>' if notes else "")
        + listing(verdict)
        + flips(verdict)
        + f'<blockquote lang="zh">{html(clause.text)}</blockquote>'
    )


def _source(source: Source) -> str:
    parts = "".join(
        f' <a href="{escape(place)}"><code>{html(name, 60)} {digest[:12]}</code></a>'
        if place
        else f" <code>{html(name, 60)} {digest[:12]}</code>"
        for name, digest, place in source.parts
    )
    return f"<div>{told(source.title, 200)} <code>{html(source.id[:12])}</code>{parts}</div>"


def listing(verdict: Verdict) -> str:
    """Return the short table that a verdict was counted from, such as every outlier."""
    table = verdict.listing
    if table is None:
        return ""
    heads = "".join(f'<th scope="col">{both(column)}</th>' for column in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_value(value)}</td>" for value in row) + "</tr>"
        for row in table.rows
    )
    rest = f"<p>{pair(f'and {table.omitted} more', f'另有 {table.omitted} 行')}</p>"
    return (
        f'<details class="ernie-listing"><summary>{told(table.title)} ({len(table.rows)})</summary>'
        f'<div class="ernie-scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>'
        f"</table></div>{rest if table.omitted else ''}</details>"
    )


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else html(str(value), 200)


def flips(verdict: Verdict) -> str:
    """Return the questions that came out otherwise than on the reference, with both answers."""
    if not verdict.flips:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><code>{html(flip.question, 200)}</code></th>'
        f"<td>{both('lost' if flip.lost else 'won')}</td>"
        f"<td>{html(flip.reference, _ANSWER)}</td><td>{html(flip.candidate, _ANSWER)}</td></tr>"
        for flip in verdict.flips
    )
    numbers = verdict.numbers
    lost, won = numbers.get("lost_questions"), numbers.get("won_questions")
    heads = "".join(
        f'<th scope="col">{both(head)}</th>'
        for head in ("question", "result", "reference answered", "candidate answered")
    )
    head = pair(
        f"Questions that came out otherwise: {lost} lost, {won} won",
        f"结果不同的题目：丢 {lost} 题，得 {won} 题",
    )
    return (
        f'<details class="ernie-flips"><summary>{head}</summary><div class="ernie-scroll"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
