"""
Why a criterion isn't PASS: its clause in the standard's words, the sum, the message and the notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from pytest_ernie.report.grid import TITLES, word_class, word_of
from pytest_ernie.report.matrix import Matrix, Row
from pytest_ernie.report.text import html
from pytest_ernie.verdicts import Verdict, Word

_ANSWER = 600
"""Characters of an answer in the list of flips."""

_ORDER = (Word.FAIL, Word.INCONCLUSIVE, Word.NOT_RUN, Word.RECORDED)


def details(matrix: Matrix, anchors: Mapping[str, str]) -> str:
    """
    Return every judged criterion that isn't PASS, worst first, then those that pass with a note.

    Criteria that this run never asked for are counted, not listed: the matrix shows each.
    """
    judged = [row for row in matrix.rows if row.node is not None]
    open_ones = [row for word in _ORDER for row in judged if row.verdict.word is word]
    passing = [row for row in judged if row.verdict.word is Word.PASS]
    noted = [row for row in passing if row.verdict.notes or row.verdict.flips]
    text = '<h3 id="ernie-open">What does not pass, and why</h3>'
    if judged and not open_ones:
        text += "<p>Every criterion that this run judged is PASS.</p>"
    text += "".join(_article(row, matrix, anchors) for row in open_ones)
    if unasked := len(matrix.rows) - len(judged):
        text += (
            f'<p class="ernie-quiet">{unasked} of the {len(matrix.rows)} criteria were not part of '
            "this run: NOT RUN.</p>"
        )
    if noted:
        text += '<h3 id="ernie-notes">Passed, with notes</h3>'
        text += f'<ul class="ernie-noted">{"".join(_note(row, anchors) for row in noted)}</ul>'
    return text


def _note(row: Row, anchors: Mapping[str, str]) -> str:
    notes = "<br>".join(html(note) for note in row.verdict.notes)
    return (
        f'<li id="{anchors[row.criterion.name]}">{_named(row)} '
        f'<span class="ernie-quiet">{notes}</span>{flips(row.verdict)}</li>'
    )


def _named(row: Row) -> str:
    return (
        f"{word_of(row.verdict.word)} {escape(TITLES[row.criterion.clause])} "
        f"<code>{html(row.criterion.id, 200)}</code>"
    )


def _article(row: Row, matrix: Matrix, anchors: Mapping[str, str]) -> str:
    criterion, verdict = row.criterion, row.verdict
    clause = matrix.edition.clause(criterion.clause)
    notes = "".join(f"<li>{html(note)}</li>" for note in verdict.notes)
    return (
        f'<article id="{anchors[criterion.name]}" class="{word_class(verdict.word)}">'
        f"<h4>{_named(row)}</h4>"
        f'<p class="ernie-message">{html(verdict.message)}</p>'
        f"<dl><dt>measured</dt><dd>{html(verdict.measured, 400)}</dd>"
        f"<dt>required</dt><dd>{html(verdict.required, 400)}</dd></dl>"
        + (f"<ul>{notes}</ul>" if notes else "")
        + flips(verdict)
        + f'<blockquote lang="zh">{html(clause.text)}</blockquote></article>'
    )


def flips(verdict: Verdict) -> str:
    """Return the questions that came out otherwise than on the reference, with both answers."""
    if not verdict.flips:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><code>{html(flip.question, 200)}</code></th>'
        f"<td>{'lost' if flip.lost else 'won'}</td>"
        f"<td>{html(flip.reference, _ANSWER)}</td><td>{html(flip.candidate, _ANSWER)}</td></tr>"
        for flip in verdict.flips
    )
    numbers = verdict.numbers
    return (
        '<details class="ernie-flips"><summary>Questions that came out otherwise: '
        f"{numbers.get('lost_questions')} lost, {numbers.get('won_questions')} won</summary>"
        "<table><thead><tr><th>question</th><th></th><th>reference answered</th>"
        f"<th>candidate answered</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )
