"""
References at hand, and two bundles side by side.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from doubles.bundles import packed
from doubles.forger import Workshop, claimed_run
from pytest_ernie.bundles.diff import SCRIPT, as_html, compare, how_much
from pytest_ernie.bundles.references import read_reference
from pytest_ernie.bundles.runs import write_run
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.cli import main
from pytest_ernie.outcomes import Judgement
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Verdict, Word

EVIL = "<script>alert(1)</script>\x1b[2J"


def claiming(folder: Path, word: Word, measured: str) -> Path:
    """Add what a run claimed of one criterion."""
    criterion = criteria(load("ernie-4.5"))[0]
    verdict = Verdict(word=word, message="m", measured=measured, required="r")
    judgement = Judgement(criterion=criterion, verdict=verdict, node="n")
    run = claimed_run((judgement,), edition="ernie-4.5", device="gpu")
    write_run(folder, run)
    return folder


@pytest.fixture
def two(small: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The same chip before and after an update: another verdict, another toolchain."""
    before = claiming(shutil.copytree(small, tmp_path / "before"), Word.PASS, "1.0")
    after = claiming(shutil.copytree(small, tmp_path / "after"), Word.FAIL, EVIL)
    workshop = Workshop(after)
    from pytest_ernie.standard.digest import digest

    for entry in workshop.of("subject"):
        old = entry["id"]
        entry["body"]["toolchain"] = "f" * 64
        entry["id"] = digest(entry["body"])
        for begin in workshop.of("begin"):
            if begin["body"]["subject"] == old:
                begin["body"]["subject"] = entry["id"]
    return Workshop(before).pack(tmp_path / "b.ernie").path, workshop.pack(
        tmp_path / "a.ernie"
    ).path


def test_what_changed_is_told(two: tuple[Path, Path]) -> None:
    """
    The verdict and the software; what stayed isn't listed.
    """
    found = compare(*two)

    assert {"verdict", "software"} == {change.about for change in found.changes}
    (verdict,) = (change for change in found.changes if change.about == "verdict")
    assert verdict.before == "PASS: 1.0" and verdict.after.startswith("FAIL: ")


def test_nothing_changed_between_a_bundle_and_itself(two: tuple[Path, Path]) -> None:
    """
    Else every other line of a diff would be doubtful.
    """
    assert () == compare(two[0], two[0]).changes


def test_the_page_of_a_diff_runs_nothing(two: tuple[Path, Path]) -> None:
    """
    What others wrote is escaped, and says UNSIGNED where nobody signed.
    """
    page = as_html(compare(*two))

    assert 1 == page.count("<script") and SCRIPT.read_text(encoding="utf-8") in page
    assert "\x1b" not in page
    assert 2 == page.count("UNSIGNED")


def test_the_page_speaks_both_languages(two: tuple[Path, Path]) -> None:
    """
    It begins in the one that is asked for, and has a switch.
    """
    page = as_html(compare(*two), "zh")

    assert '<html lang="zh" class="ernie-zh">' in page
    for words in ("两份证据对比", "未签名", ">未通过<", 'id="ernie-language"'):
        assert words in page


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ("400 tok/s = 50.0 %", "500 tok/s = 62.5 %", "+100 (+25.0%), +12.5 (+25.0%)"),
        ("0 outliers, largest 0.004", "3 outliers, largest 0.004", "+3"),
        ("78.00 (-7.00)", "79.00 (-6.00)", "+1 (+1.3%), +1 (+14.3%)"),
        ("–", "400 tok/s = 50.0 %", ""),
        ("5 steps, finite", "largest difference 0.1", ""),
    ],
)
def test_by_how_much_figures_moved(before: str, after: str, moved: str) -> None:
    """
    Figure by figure, absolute and as a share; nothing where the texts differ in words.
    """
    assert moved == how_much(before, after)


def test_verdicts_that_changed_come_before_figures_that_moved(two: tuple[Path, Path]) -> None:
    """
    They are what a reader looks for.
    """
    abouts = [change.about for change in compare(*two).changes]

    assert "verdict" == abouts[0]


def test_the_command_writes_table_and_page(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 1 where something changed.
    """
    page = tmp_path / "diff.html"

    assert 1 == main(["diff", *map(str, two), "--html", str(page)])

    shown = capsys.readouterr().out
    assert "verdict" in shown and "\x1b[2J" not in shown
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_reference_says_why_it_can_not_certify(tmp_path: Path, keys: dict[str, Path]) -> None:
    """
    Hardware and signature, each by itself (R14).
    """
    bundle = packed(tmp_path)
    sign_bundle(bundle.path, keys["vendor"])

    found = read_reference(bundle.path)
    trusted = read_reference(bundle.path, (Path(f"{keys['vendor']}.pub"),))

    assert found.why_not[0] == "it was recorded on Chip X1, not on A100 or A800"
    assert "isn't trusted here" in found.why_not[1]
    assert 1 == len(trusted.why_not)
    assert {"serving.context": 2} == found.measurements


def test_a_list_names_what_can_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    One broken file costs its own line and no other.
    """
    packed(tmp_path)
    (tmp_path / "broken.ernie").write_bytes(b"what")

    assert 0 == main(["reference", "list", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "broken.ernie: " in shown and "too short to be a bundle" in shown
    assert "chip.ernie: edition ernie-4.5" in shown
