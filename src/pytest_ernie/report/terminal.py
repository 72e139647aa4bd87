"""
The end of a run in the terminal: the same verdicts as in the report, in at most 100 columns.
"""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_ernie.comparison import DIED
from pytest_ernie.outcomes import Judgement, judgement_of
from pytest_ernie.questions import ATTEMPTS
from pytest_ernie.report.matrix import Matrix, Row, TierResult, matrix, sentence
from pytest_ernie.report.overview import MARKS, ROMAN, SCOPES, within
from pytest_ernie.report.results import write_results
from pytest_ernie.report.text import shown_cell
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.session import ErnieSession

_COLOUR = {
    Word.PASS: {"green": True},
    Word.FAIL: {"red": True, "bold": True},
    Word.INCONCLUSIVE: {"yellow": True},
    Word.NOT_RUN: {"yellow": True},
    Word.RECORDED: {"cyan": True},
    Word.UNSPECIFIED: {"blue": True},
}


LISTED = 10
"""Rows of a verdict's listing; the report has them all."""

MOST_PASSES = 40
"""Criteria of a run of which all are listed; of more, those that aren't PASS."""

_PLAIN = {"✓": "+", "✗": "x", "●": "r", "–": "-"}
"""What stands for a mark that a terminal can't show."""


def tier_table(result: Matrix, encoding: str = "utf-8") -> list[str]:
    """Return models x scopes with a mark for each tier, in at most 100 columns, and what they mean."""
    heads = ("", "SFT", "SFT-LoRA", "RL", "inference", "both")
    lines = [f"{heads[0]:<24}" + "".join(f"{head:<15}" for head in heads[1:]).rstrip()]
    for model in result.edition.models:
        tiers = [result.tier(model.name, tier.number) for tier in result.edition.tiers]
        sft, lora, inference = ([within(tier, scope) for tier in tiers] for scope in SCOPES)
        cells = (_marks(sft), _marks(lora), "unspecified", _marks(inference), _marks(tiers))
        lines.append(f"{model.name[:23]:<24}" + "".join(f"{cell:<15}" for cell in cells).rstrip())
    words = (Word.PASS, Word.FAIL, Word.INCONCLUSIVE, Word.NOT_RUN)
    lines.append(", ".join(f"{MARKS[word]} {word.value}" for word in words))
    return [_shown(line, encoding) for line in lines]


def _marks(results: list[TierResult]) -> str:
    return " ".join(f"{ROMAN[r.tier]}{MARKS[r.word]}" for r in results if r.rows)


def _shown(line: str, encoding: str) -> str:
    try:
        line.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "".join(_PLAIN.get(letter, letter) for letter in line)
    return line


def judgements(terminal: pytest.TerminalReporter) -> tuple[Judgement, ...]:
    """Return every judgement of the run, in the order of its reports."""
    found: dict[str, Judgement] = {}
    for reports in terminal.stats.values():
        for report in reports:
            judgement = judgement_of(report)
            if judgement is not None:
                found[judgement.criterion.name] = judgement
    return tuple(found.values())


def write_summary(terminal: pytest.TerminalReporter, session: ErnieSession) -> None:
    """Write the certification section; nothing where no criterion was judged."""
    judged = judgements(terminal)
    if not judged:
        return
    result = matrix(session.settings.edition, judged)
    rows = [row for row in result.rows if row.node is not None]
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    terminal.section("ERNIE 4.5 certification: self-assessment", sep="=")
    everything = terminal.verbosity > 0 or len(rows) <= MOST_PASSES
    for row in rows:
        if everything or row.verdict.word is not Word.PASS:
            _write_row(terminal, row, width)
    if not everything:
        passed = sum(row.verdict.word is Word.PASS for row in rows)
        terminal.write_line(f"{'PASS':<13}{passed} criteria, which -v lists")
    terminal.write_line("")
    for row in rows:
        if row.verdict.word not in (Word.PASS, Word.RECORDED):
            _write_message(terminal, row, width)
            _write_what_it_looks_like(terminal, row, width)
    for line in tier_table(result, terminal._tw._file.encoding or "ascii"):
        terminal.write_line(line)
    for model in session.settings.edition.models:
        for tier in result.asked_tiers():
            terminal.write_line(sentence(result.tier(model.name, tier)))
    terminal.write_line("Reinforcement learning: UNSPECIFIED by the standard")
    for line in (*_provenance(session), *write_results(session, judged)):
        terminal.write_line(line)


def _write_row(terminal: pytest.TerminalReporter, row: Row, width: int) -> None:
    word = row.verdict.word
    measured = f"{row.verdict.measured}  (required: {row.verdict.required})"
    terminal.write(f"{word.value:<13}", **_COLOUR[word])
    terminal.write(f"{row.criterion.name}\n")  # whole, however narrow it is: -k takes it
    if word in (Word.PASS, Word.FAIL):
        _write_wrapped(terminal, measured, width)
    elif row.verdict.measured != "–":
        _write_wrapped(terminal, row.verdict.measured, width)
    for note in row.verdict.notes:
        if note.startswith((DIED, ATTEMPTS)):
            _write_wrapped(terminal, note, width)


def _write_message(terminal: pytest.TerminalReporter, row: Row, width: int) -> None:
    terminal.write(f"{row.verdict.word.value} ", **_COLOUR[row.verdict.word])
    text = f"{row.criterion.name}: {row.verdict.message}"
    lines = textwrap.wrap(text, width - 14, subsequent_indent="    ", max_lines=12)
    terminal.write("\n".join(lines) + "\n")


def _write_what_it_looks_like(terminal: pytest.TerminalReporter, row: Row, width: int) -> None:
    """Write the notes of a curve that went wrong, and the first steps of its listing."""
    verdict = row.verdict
    if "looks_like" not in verdict.numbers:
        return
    for note in verdict.notes:
        _write_wrapped(terminal, note, width)
    if verdict.listing is not None:
        terminal.write_line(
            f"{'':13}{'  '.join(f'{name:>12}' for name in verdict.listing.columns)}"
        )
        for cells in verdict.listing.rows[:LISTED]:
            terminal.write_line(f"{'':13}{'  '.join(f'{shown_cell(cell):>12}' for cell in cells)}")


def _write_wrapped(terminal: pytest.TerminalReporter, text: str, width: int) -> None:
    indent = " " * 13
    lines = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, max_lines=6)
    terminal.write("\n".join(lines) + "\n")


def _provenance(session: ErnieSession) -> list[str]:
    settings = session.settings
    lines = [f"evidence: {settings.evidence}"]
    candidate = session.candidate_if_used
    if candidate is not None:
        lines[0] += f" ({candidate.measured} measurements were made in this run)"
        if (
            entries := candidate.store.journal.entries
        ):  # who keeps this line can tell a tail that is cut
            lines.append(f"journal: {len(entries)} entries, the last {entries[-1].hash[:16]}")
        lines += [f"left on this machine: {told}" for told in candidate.left_behind]
    lines += [told.removeprefix("ernie: ") for told in session.signatures()]
    if not settings.edition.certifies:
        lines.append(
            "REHEARSAL: nothing here certifies; a certificate needs the certifying body (R16)"
        )
    return lines
