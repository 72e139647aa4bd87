"""
The words of verdicts, as pytest, its exit code and JUnit meet them.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

CRITERION = """
import pytest
from pytest_ernie.clauses import clause
from pytest_ernie.errors import EvidenceMissing
from pytest_ernie.verdicts import Verdict, Word

@clause("training.loss")
def test_loss(criterion, judge, reference):
    if criterion.method != "sft":
        pytest.fail("not chosen")
    {body}
"""

CHOICE = ("--device=cpu", "-m", "sft", "-p", "no:cacheprovider")


def run(pytester: pytest.Pytester, body: str, *arguments: str) -> pytest.RunResult:
    """Run one criterion (training.loss of the rehearsal's SFT) with that body."""
    pytester.makepyfile(CRITERION.format(body=body))
    return pytester.runpytest_inprocess(*CHOICE, *arguments)


def judging(word: str) -> str:
    return f"judge(Verdict(word=Word.{word}, message='the message', measured='7', required='8'))"


@pytest.mark.parametrize(
    ("word", "shown", "exit_code"),
    [
        ("PASS", "PASS", 0),
        ("FAIL", "FAIL", 1),
        ("INCONCLUSIVE", "INCONCLUSIVE", 1),
        ("NOT_RUN", "NOT RUN", 1),
    ],
)
def test_each_word_is_shown_and_only_pass_exits_zero(pytester, word, shown, exit_code):
    """
    A run whose only verdict isn't PASS can't be taken for a success by a shell.
    """
    result = run(pytester, judging(word), "-v")

    assert exit_code == result.ret
    result.stdout.fnmatch_lines([f"*test_loss*ERNIE-4.5-tiny-sft* {shown} *"])
    result.stdout.fnmatch_lines([f"{shown}*training.loss*ERNIE-4.5-tiny-sft*"])


def test_inconclusive_is_a_category_of_its_own_with_its_message_printed(pytester):
    """
    INCONCLUSIVE counts neither as passed nor as failed, and its message isn't lost.
    """
    result = run(pytester, judging("INCONCLUSIVE"))

    result.stdout.fnmatch_lines(["*1 inconclusive*"])
    result.stdout.fnmatch_lines(["INCONCLUSIVE training.loss*: the message"])
    result.stdout.no_fnmatch_line("*1 failed*")
    result.stdout.no_fnmatch_line("*1 passed*")


def test_evidence_that_is_missing_is_inconclusive_and_not_an_error(pytester):
    """
    An error of ours inside a criterion's test is a verdict: evidence is missing, and why.
    """
    result = run(pytester, "raise EvidenceMissing('there is nothing', where='evidence')")

    result.stdout.fnmatch_lines(["INCONCLUSIVE training.loss*: evidence: there is nothing"])
    assert result.ret == 1


def test_a_test_that_forms_no_verdict_is_inconclusive(pytester):
    """
    Silence never certifies.
    """
    result = run(pytester, "pass")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["INCONCLUSIVE training.loss*: the test formed no verdict"])


def test_a_fault_of_the_test_is_inconclusive_and_shows_its_stack(pytester):
    """
    A bug shows nothing about the device, but somebody must be able to mend it.
    """
    result = run(pytester, "raise ZeroDivisionError('oops')", "--tb=short", "-rA")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the test itself broke off: ZeroDivisionError: oops*"])


@pytest.mark.parametrize("body", ["pytest.skip('no time')", "pytest.xfail('known')"])
def test_skips_and_xfails_never_certify(pytester, body):
    """
    R15: skips and xfails are NOT RUN, and the run isn't a success.
    """
    result = run(pytester, body)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["NOT RUN*training.loss*"])


def test_a_reference_that_is_recorded_exits_zero_and_is_no_pass(pytester):
    """
    RECORDED is success for the recorder and never a PASS.
    """
    result = run(
        pytester,
        "reference.training_run(criterion)",
        "--record-reference",
        "-v",
    )

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_loss*RECORDED*", "*1 recorded*"])
    result.stdout.no_fnmatch_line("*1 passed*")


def test_a_reference_whose_own_criterion_fails_is_not_recorded(pytester):
    """
    A benchmark that breaks the standard itself is no benchmark.
    """
    result = run(pytester, judging("FAIL"), "--record-reference")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL*training.loss*"])


def test_a_verdict_given_twice_is_inconclusive(pytester):
    """
    A test that judges twice could let the second verdict hide the first.
    """
    body = judging("FAIL") + "; " + judging("PASS")

    result = run(pytester, body)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*judged twice*"])


def test_nothing_chosen_exits_non_zero(pytester):
    """
    A run without a criterion says nothing, least of all that all is well.
    """
    result = run(pytester, judging("PASS"), "-k", "nothing_of_that_name")

    assert result.ret != 0


def test_junit_carries_the_verdict(pytester):
    """
    Vendor CI reads clause, criterion, verdict, measured and required from JUnit's properties.
    """
    run(pytester, judging("INCONCLUSIVE"), "--junitxml=junit.xml")

    tree = ElementTree.parse(pytester.path / "junit.xml")
    properties = {p.get("name"): p.get("value") for p in tree.iter("property")}
    assert properties["verdict"] == "INCONCLUSIVE"
    assert properties["clause"] == "training.loss"
    assert properties["criterion"] == "training.loss[ERNIE-4.5-tiny-sft]"
    assert (properties["measured"], properties["required"]) == ("7", "8")


def test_words_survive_xdist(pytester):
    """
    Verdicts travel from a worker to the controller's terminal and exit code.
    """
    result = run(pytester, judging("INCONCLUSIVE"), "-n", "1")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["INCONCLUSIVE training.loss*: the message", "*1 inconclusive*"])


def test_the_message_of_a_verdict_stands_where_the_stack_would(pytester):
    """
    An engineer reads why it failed, not our call stack.
    """
    result = run(pytester, judging("FAIL"))

    result.stdout.fnmatch_lines(["training.loss*ERNIE-4.5-tiny-sft*: FAIL: the message"])
    result.stdout.no_fnmatch_line("*outcomes.py*")
    result.stdout.no_fnmatch_line("*Failed:*")


def test_control_characters_in_a_message_don_t_reach_the_terminal(pytester):
    """
    Messages may quote model output.
    """
    result = run(
        pytester,
        "judge(Verdict(word=Word.INCONCLUSIVE, message='say \\x1b[2J\\x07 it'))",
    )

    section = result.stdout.str().split("self-assessment")[1]
    assert "\x1b[2J" not in section
    assert "\x07" not in section


def test_machines_get_results_and_a_summary(pytester, monkeypatch):
    """--results, --summary, and whatever file GitHub names for the job."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "github.md"))

    result = run(pytester, judging("FAIL"), "--results=r.json", "--summary=s.md")

    assert '"verdict": "FAIL"' in (pytester.path / "r.json").read_text()
    summary = (pytester.path / "s.md").read_text()
    assert "| FAIL |" in summary
    assert summary == (pytester.path / "github.md").read_text()
    result.stdout.fnmatch_lines(["results: r.json", "summary: s.md"])


def test_a_long_requirement_is_wrapped_and_not_cut(pytester):
    """A hundred columns are enough for whatever is required, on as many lines as it takes."""
    words = " ".join(f"word{number}" for number in range(40))

    result = run(pytester, f"judge(Verdict(word=Word.PASS, message='m', required='{words}'))")

    section = result.stdout.str().split("self-assessment")[1]
    assert "word39)" in section
    assert max(map(len, section.splitlines()[1:8])) <= 100


HOSTILE = "<script>alert(1)</script>|]]>\\x1b[31m\\x00\\ud800\\u202e " + "x" * 1_000_000


def test_hostile_text_does_nothing_in_what_machines_read(pytester):
    """JUnit stays XML; nothing holds markup, a sequence or a direction mark, and nothing is long."""
    body = (
        f"judge(Verdict(word=Word.FAIL, message='{HOSTILE}', measured='{HOSTILE}', required='8'))"
    )

    result = run(pytester, body, "--junitxml=j.xml", "--results=r.json", "--summary=s.md")

    (failure,) = ElementTree.parse(pytester.path / "j.xml").iter("failure")
    texts = {
        "junit": ElementTree.tostring(failure, "unicode") + (pytester.path / "j.xml").read_text(),
        "results": (pytester.path / "r.json").read_text(),
        "summary": (pytester.path / "s.md").read_text(),
        "terminal": result.stdout.str().split("self-assessment")[1],
    }
    for name, text in texts.items():
        assert not re.search("[\x00\x1b\ud800\u202e]", text), name
        assert len(text) < 60_000, name
    assert "<script" not in texts["summary"] + texts["junit"]


def test_junit_tells_of_a_criterion_whose_worker_died(pytester):
    """Killed by the system, for instance: the criterion is there by name, and not as passed."""
    result = run(pytester, "import os; os.kill(os.getpid(), 9)", "-n", "1", "--junitxml=j.xml")

    tree = ElementTree.parse(pytester.path / "j.xml")
    properties = {p.get("name"): p.get("value") for p in tree.iter("property")}
    assert result.ret == 1
    assert properties["criterion"] == "training.loss[ERNIE-4.5-tiny-sft]"
    assert properties["verdict"] in ("INCONCLUSIVE", "NOT RUN")
    assert len(list(tree.iter("failure"))) + len(list(tree.iter("error"))) == 1
