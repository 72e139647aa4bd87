"""
Hooks of pytest-html: the certification section on top, and every verdict under its own word.

pytest-html's script knows only its own outcomes, by which it filters and sorts. They stay in a
hidden column; what a reader sees is the verdict's word.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ernie.options import destination
from pytest_ernie.outcomes import Judgement, judgement_of
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.report.page import Page, Side
    from pytest_ernie.session import ErnieSession

STYLES = tuple(Path(__file__).with_name(name) for name in ("style.css", "criteria.css"))
SCRIPT = Path(__file__).with_name("script.js")

_CATEGORY = {
    Word.PASS: "Passed",
    Word.FAIL: "Failed",
    Word.INCONCLUSIVE: "XFailed",
    Word.NOT_RUN: "Error",
    Word.RECORDED: "XPassed",
    Word.UNSPECIFIED: "Skipped",
}
"""Under which of pytest-html's filters a word goes: one each, so that readers filter by word."""

_OUTCOME = re.compile(r'<td class="col-result">(.*?)</td>')


class HtmlReport:
    """
    Registered when --html is given; leaves reports of runs without a certification alone.
    """

    def __init__(self, session: ErnieSession) -> None:
        self._session = session
        self._judgements: dict[str, Judgement] = {}
        self._shown: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._data: Any = None
        self._took_s: float | None = None
        option = session.config.option
        asked = ("device", "endpoint", "offline")
        self._certifies = any(getattr(option, destination(name), None) for name in asked)
        if self._certifies and str(STYLES[0]) not in option.css:
            option.css = [*option.css, *map(str, STYLES)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect verdicts; under xdist this runs where the report is written."""
        judgement = judgement_of(report)
        if judgement is not None:
            self._judgements[judgement.criterion.name] = judgement

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        if self._certifies:
            self._data = report
            chinese = self._session.settings.lang == "zh"
            kind = "自评" if chinese else "self-assessment"
            report.title = f"{self._session.settings.edition.title} · {kind}"
            # The section on top says why; a row of the table opens when it is asked to.
            if self._session.config.getini("render_collapsed") == "passed":
                report.set_data("renderCollapsed", sorted(report.outcomes))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        if self._certifies:
            from pytest_ernie.report.words import both

            cells[:] = [_headed(cell) for cell in cells]
            cells[:2] = [
                '<th class="sortable" data-column-type="result" hidden>Outcome for pytest</th>',
                f'<th class="sortable" data-column-type="verdict">{both("Verdict")}</th>',
                f'<th class="sortable" data-column-type="testId">{both("Criterion")}</th>',
                f"<th>{both('Measured')}</th>",
                f"<th>{both('Required')}</th>",
            ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        if self._certifies and cells:
            cells[:2] = self._cells(report, cells)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Show a verdict's message harmless and of bearable length; captured output likewise."""
        if self._certifies and judgement_of(report) is not None:
            from pytest_ernie.report.text import visible

            # pytest-html has escaped these texts already.
            data[:] = [visible(text, 20_000) for text in data]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the section on top; whatever goes wrong with it, the rest is written."""
        if not self._certifies:
            return
        self._name_filters()
        if not self._judgements:
            return
        from pytest_ernie.report import page

        started_s = time.process_time()
        try:
            prefix.append(page.section(self._page()))
            prefix.append(f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>")
        except Exception as error:
            # Hours of measuring stand behind a report: a fault in drawing must not cost it.
            prefix.append(page.broken(error))
        self._took_s = time.process_time() - started_s

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the certification section took."""
        if self._took_s is not None:
            terminalreporter.write_line(f"report written in {self._took_s:.1f} s of processor time")

    def _cells(self, report: Any, cells: list[str]) -> list[str]:
        from pytest_ernie.report.grid import word_class
        from pytest_ernie.report.text import line
        from pytest_ernie.report.words import both, told

        judgement = judgement_of(report)
        match = _OUTCOME.search(cells[0])
        outcome = match.group(1) if match else str(report.outcome).capitalize()
        name, word, kind, measured, required = report.nodeid, outcome, "", "", ""
        if judgement is not None:
            verdict = judgement.verdict
            outcome = outcome if outcome == "Rerun" else _CATEGORY[verdict.word]
            name, word = judgement.criterion.name, verdict.word.value
            kind = f" {word_class(verdict.word)}"
            measured, required = told(verdict.measured, 200), told(verdict.required, 200)
        if report.when in ("call", "collect") or report.outcome != "passed":
            self._shown[outcome.lower()][word] += 1
        # The script finds a row through the parent of what was clicked: the style sheet lets clicks through.
        return [
            f'<td class="col-result" hidden>{outcome}</td>',
            f'<td class="col-verdict{kind}">{both(word)}</td>',
            f'<td class="col-testId">{escape(line(name, 400))}</td>',
            f'<td class="col-measured">{measured}</td>',
            f'<td class="col-required">{required}</td>',
        ]

    def _name_filters(self) -> None:
        """Name and count pytest-html's filters by what is shown under them."""
        for category, entry in self._data.outcomes.items() if self._data else ():
            words = self._shown.get(category)
            if words:
                entry["value"] = words.total()
                entry["label"] = " or ".join(sorted(words))
            else:
                entry["value"] = 0

    def _page(self) -> Page:
        from pytest_ernie import __version__
        from pytest_ernie.measurements.candidate import OfflineCandidate
        from pytest_ernie.report.matrix import matrix
        from pytest_ernie.report.page import Page
        from pytest_ernie.report.pictures import pictures
        from pytest_ernie.report.sources import sources

        settings = self._session.settings
        result = matrix(settings.edition, self._judgements.values())
        # Not the run's own candidate: that one would measure what it doesn't find.
        candidate, used = OfflineCandidate(settings), self._session.candidate_if_used
        if used is not None:
            candidate.take_over(used)
        place = Path(self._session.config.option.htmlpath).parent
        return Page(
            matrix=result,
            edition_digest=settings.edition_digest,
            suite=__version__,
            candidate=_side(candidate, settings.evidence),
            reference=None
            if settings.reference is None
            else _side(self._session.reference, settings.reference),
            recording=settings.record_reference,
            pictures=pictures(result, candidate, self._session.reference),
            sources=sources(result, candidate, place),
            lang=settings.lang,
        )


def _headed(cell: str) -> str:
    """Return a heading of pytest-html's in both languages."""
    from pytest_ernie.report.words import both

    return re.sub(r"^(<th[^>]*>)(\w+)</th>$", lambda th: f"{th[1]}{both(th[2])}</th>", cell)


def _side(bench: Any, folder: Path) -> Side:
    """Return what a side's evidence says of its devices; why not, where it can't be read."""
    import msgspec

    from pytest_ernie.bundles.signing import vouching
    from pytest_ernie.errors import ErnieError
    from pytest_ernie.report.page import Side

    try:
        store = bench.store
        header = next((e for e in store.journal.entries if e.type == "header"), None)
        return Side(
            folder=str(folder),
            subjects=store.subjects(),
            suite=str(header.body.get("suite")) if header else None,
            signed=vouching(store, bench.edition),
        )
    except (ErnieError, msgspec.MsgspecError) as error:
        return Side(folder=str(folder), remark=str(error))
