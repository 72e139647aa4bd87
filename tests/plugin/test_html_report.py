"""
The HTML report, as pytest-html writes it: every verdict under its own word, in one harmless file.
"""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

CRITERIA = """
import pytest
from pytest_ernie.clauses import clause
from pytest_ernie.verdicts import Verdict, Word

WORDS = {words}
MESSAGE = {message!r}

@clause("training.context")
def test_context(criterion, judge):
    word = WORDS.get((criterion.method, criterion.length), Word.PASS)
    judge(Verdict(word=word, message=MESSAGE, measured="7 measured", required="8 required"))

def test_something_else():
    pass
"""
WORDS = """{
    ("sft", 8192): Word.FAIL,
    ("sft", 32768): Word.INCONCLUSIVE,
    ("sft", 131072): Word.NOT_RUN,
    ("sft_lora", 8192): Word.RECORDED,
}"""
TAG = re.compile(r"<(\w+)")
FILTERS = {"passed", "skipped", "failed", "error", "xfailed", "xpassed", "rerun"}
"""What pytest-html's script filters by; a row under any other name would never be shown."""


def english(markup: str) -> str:
    """Return it without what is there for those who read Chinese."""
    return re.sub(r'<span class="t-zh".*?</span>', "", markup)


class Report:
    """A written report, taken apart."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.text = (pytester.path / "report.html").read_text(encoding="utf-8")
        blob = re.search(r'data-jsonblob="([^"]*)"', self.text)
        assert blob
        self.data = json.loads(html.unescape(blob.group(1)))
        self.tests: list[dict[str, Any]] = [t for ts in self.data["tests"].values() for t in ts]

    def rows(self) -> dict[str, tuple[str, ...]]:
        """Return the visible cells of each row by its name, as text."""
        found = {}
        for test in self.tests:
            cells = [english(c) for c in test["resultsTableRow"] if " hidden>" not in c]
            texts = [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in cells]
            found[texts[1]] = tuple(texts)
        return found

    @property
    def section(self) -> str:
        """The certification section, or nothing."""
        match = re.search(r'<section id="ernie".*?</section>', self.text, re.DOTALL)
        return match.group(0) if match else ""

    def filters(self) -> str:
        """Return the labels of pytest-html's filters."""
        match = re.search(r'<div class="filters">(.*?)</div>', self.text, re.DOTALL)
        assert match
        return " ".join(re.sub(r"<[^>]*>", "", match.group(1)).split())


@pytest.fixture
def reported(pytester):
    """Run criteria with the given words and message, and read the report."""

    def run(*arguments: str, words: str = WORDS, message: str = "the message") -> Report:
        pytester.makepyfile(CRITERIA.format(words=words, message=message))
        pytester.runpytest_inprocess(
            "--device=cpu", "--html=report.html", "-p", "no:cacheprovider", *arguments
        )
        return Report(pytester)

    return run


def test_each_row_says_the_verdicts_own_word(reported):
    """RECORDED is never called passed, and INCONCLUSIVE never failed."""
    rows = reported().rows()

    assert {name.split("tiny-")[-1]: row[0] for name, row in rows.items()} == {
        "sft-8192]": "FAIL",
        "sft-32768]": "INCONCLUSIVE",
        "sft-131072]": "NOT RUN",
        "sft_lora-8192]": "RECORDED",
        "sft_lora-32768]": "PASS",
        "sft_lora-131072]": "PASS",
        next(name for name in rows if name.endswith("::test_something_else")): "Passed",
    }


def test_a_row_holds_what_was_measured_and_required(reported):
    row = reported().rows()["training.context[ERNIE-4.5-tiny-sft-8192]"]

    assert row[2:4] == ("7 measured", "8 required")


def test_every_row_is_under_a_filter_of_pytest_html(reported):
    """Its script shows nothing else, and it sorts by the verdict's word."""
    report = reported()

    assert {test["result"].lower() for test in report.tests} <= FILTERS
    verdicts = {re.sub(r"<[^>]*>", "", english(test["verdict"])) for test in report.tests}
    assert verdicts == {"FAIL", "INCONCLUSIVE", "NOT RUN", "RECORDED", "PASS", "Passed"}


def test_filters_are_named_and_counted_by_word(reported):
    filters = reported().filters()

    for label in ("1 FAIL", "1 INCONCLUSIVE", "1 NOT RUN", "1 RECORDED", "3 PASS or Passed"):
        assert label in filters


def test_no_cell_holds_an_element_that_would_swallow_a_click(reported):
    """pytest-html opens a row by the parent of what was clicked, and sorts by the heading that was."""
    report = reported()

    elements = {
        tag for t in report.tests for c in t["resultsTableRow"][:6] for tag in TAG.findall(c)
    }
    assert elements <= {"td", "span", "bdi"}
    assert re.search(
        r"#results-table td > \*.*#results-table th > \* \{ pointer-events: none", report.text
    )


def test_what_the_table_says_is_there_in_both_languages(reported):
    """Its headings and words change with the rest of the page."""
    report = reported(message="m")

    row = next(t["resultsTableRow"] for t in report.tests if "sft-8192" in t["testId"])
    assert '<span class="t-zh" lang="zh">未通过</span>' in row[1]
    for heading in ("结论", "判据", "实测", "要求", "用时", "链接"):
        assert f'lang="zh">{heading}</span></th>' in report.text


def test_the_section_stands_in_the_report(reported):
    section = reported().section

    assert "Self-assessment" in section
    assert "Rehearsal" in section
    assert "the message" in section
    assert "certificate" not in section.lower()


def test_the_report_is_one_file_that_loads_nothing(reported, pytester):
    report = reported()

    assert not (pytester.path / "assets").exists()
    assert "--ernie-paper" in report.text
    assert re.findall(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="[^"]', report.text) == []
    assert "@import" not in report.text
    assert "url(" not in report.section.replace("url(#", "")


def test_under_xdist_the_report_is_the_same(reported):
    """The words are formed in workers and the report is written by their controller."""
    alone = reported()
    together = reported("-n", "2")

    assert together.rows().keys() == alone.rows().keys()
    assert {n: row[:4] for n, row in together.rows().items()} == {
        n: row[:4] for n, row in alone.rows().items()
    }
    assert together.section == alone.section


def test_hostile_text_does_nothing(reported):
    report = reported(
        words="dict.fromkeys([('sft', 8192)], Word.FAIL)",
        message="<script>alert(1)</script>\x1b[31m\x00\u202e" + "x" * 1_000_000,
    )

    assert "<script>alert" not in report.text
    assert all("<script" not in test["log"] for test in report.tests)
    assert not re.search("[\x00\x1b\u202e]", json.dumps(report.data, ensure_ascii=False))
    assert len(report.text) < 500_000


def test_what_was_deselected_is_not_run(reported):
    section = reported("-k", "sft-8192").section

    assert "36 of the 37 criteria were not part of this run: NOT RUN." in section


def test_a_report_without_criteria_is_left_alone(pytester):
    """Whoever has the plugin installed and tests something else sees pytest-html's own report."""
    pytester.makepyfile("def test_it(): pass")

    result = pytester.runpytest_inprocess("--html=report.html", "-p", "no:cacheprovider")

    report = Report(pytester)
    assert result.ret == 0
    assert report.section == ""
    assert "certification" not in report.text
    assert ">Result</th>" in report.text


def test_a_fault_in_the_section_costs_only_the_section(reported, monkeypatch):
    def section(page):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("pytest_ernie.report.page.section", section)

    report = reported()

    assert "This report is incomplete." in report.section
    assert "a fault of ours" in report.section
    assert len(report.rows()) == 7


def test_the_report_measures_nothing(reported, pytester):
    """It looks at evidence, and where there is none it makes none."""
    report = reported("--evidence=nowhere")

    assert not (pytester.path / "nowhere").exists()
    assert "Not drawn:" in report.section


def test_the_plugin_is_configured_before_pytest_html(pytester):
    """Else pytest-html has chosen a folder of assets and its own style already."""
    config = pytester.parseconfig()
    configure = [
        impl
        for impl in config.hook.pytest_configure.get_hookimpls()
        if impl.plugin_name in ("html", "ernie", "pytest_ernie.plugin")
    ]

    assert [impl.plugin_name == "html" for impl in configure] == [True, False]
    assert configure[-1].tryfirst
