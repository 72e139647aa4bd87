"""
The demonstration's report and certificate page in a real Chromium, as people open, print and hear them.

``tox -e browser`` runs it: node, Debian's chromium (or $CHROMIUM), and once a network for npm. With
$PYTEST_ERNIE_SHOTS the screenshots and the PDF are kept there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from doubles.demonstration import build

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODEL = "ERNIE-4.5-28B-A3B"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demonstration lies; 5000 requests a load, as the standard asks, take a minute."""
    kept = os.environ.get("PYTEST_ERNIE_DEMONSTRATION")
    place = Path(kept) if kept else tmp_path_factory.mktemp("demonstration")
    build(place, requests=1000, questions=200)
    return place


def reported(folder: Path, name: str, *arguments: str) -> Path:
    """Judge the demonstration offline, as anybody would, and return the report."""
    path = folder / f"{name}.html"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(ROOT / "conformance"), "-q"),
            *("-p", "no:cacheprovider", "-m", "training or inference", "--offline"),
            *("--evidence", str(folder / "chip"), "--reference", str(folder / "reference")),
            *("--edition", str(folder / "edition.toml")),
            *(f"--html={path}", f"--results={folder / name}.json", *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    (folder / f"{name}.txt").write_text(run.stdout)
    return path


@pytest.fixture(scope="session")
def report(folder: Path) -> Path:
    """The report of all 185 criteria."""
    return reported(folder, "report")


@pytest.fixture(scope="session")
def report_of_one_model(folder: Path) -> Path:
    """A shorter one, in Chinese, for what asks about every element."""
    return reported(folder, "one", "--models", MODEL, "--lang=zh")


def ours(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a subcommand of pytest-ernie."""
    code = "import sys; from pytest_ernie.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def looked(page: Path, *asked: str) -> dict[str, Any]:
    """Open a page in three widths, two schemes and two languages; return what was met."""
    shots = Path(os.environ.get("PYTEST_ERNIE_SHOTS", page.parent)) / page.stem
    shots.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        ["node", str(HERE / "look.mjs"), str(page), str(shots), *asked],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.fixture(scope="session")
def seen(report: Path) -> dict[str, Any]:
    return looked(report, "1440-light-en,390-dark-zh")


@pytest.fixture(scope="session")
def asked(report_of_one_model: Path) -> dict[str, Any]:
    return looked(report_of_one_model, "axe")


def test_nothing_goes_wrong_in_the_console_and_nothing_is_fetched(seen, asked):
    """Model answers of the demonstration hold scripts; none of them runs."""
    for each in (*seen["looks"], *asked["looks"]):
        assert each["errors"] == []
        assert "owned" not in each["title"]


def test_no_page_scrolls_sideways(seen, asked):
    for each in (*seen["looks"], *asked["looks"]):
        assert each["scroll"] <= each["inner"], each


def test_each_language_is_shown_alone(seen):
    for each in seen["looks"]:
        assert ("criteria are PASS" in each["shown"]) is (each["language"] == "en")
        assert ("项判据中" in each["shown"]) is (each["language"] == "zh")


def test_axe_finds_nothing_serious(seen, asked):
    """WCAG 2.1 A and AA: contrast, names, roles, headings; the whole page twice, one model's at each look."""
    looks = [each for each in (*seen["looks"], *asked["looks"]) if each["asked"]]
    serious = [
        (each["width"], each["scheme"], violation)
        for each in looks
        for violation in each["violations"]
        if violation["impact"] in ("serious", "critical")
    ]

    assert len(looks) == 14
    assert serious == []


def test_the_keyboard_reaches_the_switch_and_opens_a_criterion(seen):
    assert seen["keyboard"] == {"language": True, "criterion": True, "toggles": True}


def test_it_prints(seen):
    assert seen["pdf"]["pages"] > 5


def test_185_criteria_are_one_file_under_15_megabytes(report, folder):
    assert report.stat().st_size < 15_000_000
    assert not (folder / "assets").exists()
    results = json.loads((folder / "report.json").read_text())
    assert len(results["criteria"]) == 185


def test_the_first_paint_takes_less_than_a_second_and_a_half(seen):
    """The median of the openings: on a busy machine single ones wait for a processor."""
    times = sorted(each["paint_ms"] for each in seen["looks"])

    assert times[len(times) // 2] < 1500


def test_the_report_is_written_in_five_seconds(folder, report):
    """Processor time, because this machine may be busy; what the run judged already isn't counted."""
    told = re.search(r"^report written in ([\d.]+) s", (folder / "report.txt").read_text(), re.M)

    assert told is not None
    assert float(told.group(1)) < 5


def test_nothing_that_a_model_said_acts_on_the_terminal(folder, report):
    text = (folder / "report.txt").read_text()

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 400


def test_two_runs_side_by_side_are_a_page_for_every_screen(folder, report):
    """The chip's claims beside a folder that has none: every criterion is a row."""
    page = folder / "diff.html"
    run = ours("diff", str(folder / "chip"), str(folder / "reference"), "--html", str(page))

    assert run.returncode == 1, run.stderr
    found = looked(page, "axe")
    for each in found["looks"]:
        assert (each["errors"], each["violations"]) == ([], [])
        assert each["scroll"] <= each["inner"]
    assert found["pdf"]["pages"] >= 1


def test_the_certificate_page_is_one_sheet_and_says_what_is_missing(folder):
    """A bundle of the demonstration is synthetic and unsigned: a self-assessment, on one page of A4."""
    bundle, page = folder / "chip.ernie", folder / "certificate.html"
    bundle.unlink(missing_ok=True)
    edition = ("--edition", str(folder / "edition.toml"))
    ours("pack", "--evidence", str(folder / "chip"), "-o", str(bundle), *edition)
    started = time.monotonic()
    run = ours(
        *("certificate", str(bundle), "--reference", str(folder / "reference"), *edition),
        *("--model", "ERNIE-4.5-0.3B", "--tier", "1", "-o", str(page)),
    )

    assert run.returncode == 1, run.stderr
    assert "self-assessment" in run.stdout
    assert time.monotonic() - started < 600
    found = looked(page, "axe")
    assert found["pdf"]["pages"] == 1
    for each in found["looks"]:
        assert (each["errors"], each["violations"]) == ([], [])
        assert each["scroll"] <= each["inner"]


def test_a_signed_bundle_of_which_everything_holds_gets_a_certificate_of_one_sheet(tmp_path):
    """
    From keys to page through the command line; without the key's signature it isn't one.

    The figures are made up, and the devices' names say so; the edition, which isn't a shipped one, trusts
    the key.
    """
    key, page, edition = (
        tmp_path / "body.key",
        tmp_path / "certificate.html",
        tmp_path / "edition.toml",
    )
    trusted = ours("keys", "new", str(key)).stdout.rsplit("key ", 1)[1].strip()
    asked = ("--edition", str(edition), "--model", "ERNIE-4.5-0.3B", "--tier", "2", "-o", str(page))
    build(tmp_path, requests=60, model="ERNIE-4.5-0.3B", trusted_key=trusted)
    bundles = []
    for side, signed in (("chip", True), ("reference", True), ("chip", False)):
        bundles.append(str(tmp_path / f"{side}-{signed}.ernie"))
        by = ("--key", str(key)) if signed else ()
        ours("pack", "--evidence", str(tmp_path / side), "-o", bundles[-1], *asked[:2], *by)
    chip, reference, unsigned = bundles

    run = ours("certificate", chip, "--reference", reference, *asked)

    assert (run.returncode, run.stdout) == (0, f"certificate written to {page}\n")
    text = page.read_text(encoding="utf-8")
    for part in (">Certificate<", "Demo S1 (synthetic)", "by Test body", "suite doesn&#x27;t ship"):
        assert part in text
    found = looked(page, "axe")
    assert found["pdf"]["pages"] == 1
    assert [each for each in found["looks"] if each["errors"] or each["violations"]] == []
    run = ours("certificate", unsigned, "--reference", reference, *asked)
    assert run.returncode == 1
    assert ">Self-assessment<" in page.read_text(encoding="utf-8")
