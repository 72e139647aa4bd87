"""
Every command of the docs is run as far as that goes without a device, a server and a network.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie import rehearsal
from pytest_ernie.cli import main

ROOT = Path(__file__).resolve().parents[2]
RUN_BY_THEIR_OWN_TESTS = {"add-a-device.md"}
PAGES = sorted(
    page for page in (ROOT / "docs").glob("*.md") if page.name not in RUN_BY_THEIR_OWN_TESTS
)


COMMAND = re.compile(r"^ *(?:\$ )?(?:.+ && )?((?:python -m )?pytest (?!-ernie).*)$", re.M)


def commands(page: Path) -> Iterator[str]:
    """Yield every pytest command of a page's blocks and sentences, lines that go on joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.M | re.S):
        if language in ("", "sh", "console"):
            yield from COMMAND.findall(block)
    yield from re.findall(r"`(pytest -[^`]+)`", text)


ALL = [(page.name, command) for page in (ROOT / "README.md", *PAGES) for command in commands(page)]


def test_pages_that_tell_people_what_to_run_are_among_them():
    assert {
        "README.md",
        "appliance.md",
        "record-a-reference.md",
        "certify-a-chip.md",
        "report.md",
    } <= {name for name, _ in ALL}


THIS_REPOSITORY = "tests"
"""Commands over these folders are the project's own, and run by CI."""


def furnish(lab: Path) -> None:
    """Put what the commands name into a folder: site files, references, and evidence to judge."""
    recorded = Path(rehearsal.__file__).with_name("reference")
    for name in ("a100", "ernie-reference"):
        (lab / name).symlink_to(recorded)
    for name in ("ALL", "FOLDER"):  # not the shipped reference itself: nothing is its own reference
        (lab / name).mkdir()
        for part in ("journal.jsonl", "blobs"):
            (lab / name / part).symlink_to(recorded / part)
    for name in ("site.toml", "a100.toml"):
        (lab / name).write_text('cards = ["0", "1"]\n')
    (lab / "fixtures").symlink_to(ROOT / "fixtures")


@pytest.mark.parametrize(("page", "command"), ALL, ids=lambda text: text[:70])
def test_the_command_chooses_criteria(
    pytester: pytest.Pytester, conformance_folder: Path, page: str, command: str
) -> None:
    """A flag, mark or name that doesn't exist is an error or chooses nothing."""
    furnish(pytester.path)
    words = shlex.split(command.replace("…", ""), comments=True)
    words = [
        word for word in words[words.index("pytest") + 1 :] if word != "pytest_ernie.conformance"
    ]
    if any(word.startswith(THIS_REPOSITORY) for word in words):
        assert (ROOT / words[-1 if words[0].startswith("-") else 0]).exists()
        return
    if "--markers" not in words:
        words += ["--collect-only", "-q"]

    done = pytester.runpytest_inprocess(
        str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider", *words
    )

    assert done.ret == 0, page
    assert "no tests collected" not in done.stdout.str()


NEED_FILES_ONLY = "pack|keys|verify|reference|diff|certificate|plan|show|doctor"
OURS = re.compile(rf"^ *(?:\$ )?(pytest-ernie (?:{NEED_FILES_ONLY}) .*)$", re.M)
HELD_OR_NOT = {"verify", "certificate", "diff", "reference", "doctor"}
"""Their exit code 1 is an answer, too; everything else means that they couldn't do what was asked."""


def ours(page: Path) -> Iterator[str]:
    """Yield every command of a page's blocks that needs nothing but files."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.M | re.S):
        if language in ("", "sh", "console"):
            yield from OURS.findall(block)


@pytest.mark.parametrize(
    ("page", "command"),
    [(page.name, command) for page in (ROOT / "README.md", *PAGES) for command in ours(page)],
    ids=lambda text: text[:70],
)
def test_our_own_command_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, command: str
) -> None:
    """Over bundles of a real accelerator, keys made just so, and the shipped reference."""
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    recorded = ROOT / "fixtures" / "gpu-proof"
    for name in ("chip", "june", "july", "chip-june", "chip-july"):
        shutil.copy(recorded / "candidate.ernie", f"{name}.ernie")
    shutil.copy(recorded / "reference.ernie", "a100.ernie")
    Path("references").mkdir()
    shutil.copy("a100.ernie", "references")
    Path("ernie-evidence").symlink_to("FOLDER")
    Path("report.html").write_text("<!doctype html><title>report</title>", encoding="utf-8")
    words = shlex.split(command, comments=True)[1:]
    if words[0] == "pack":
        Path(words[words.index("-o") + 1]).unlink()
    if words[0] == "certificate":  # the stand-in's name, which is what was recorded
        words[words.index("--model") + 1] = "ERNIE-4.5-0.3B-geometry"
    if words[0] != "keys":
        for key in ("lab.key", "body.key"):
            assert main(["keys", "new", key]) == 0
        shutil.copy("body.key.pub", "body.pub")

    assert main(words) in ({0, 1} if words[0] in HELD_OR_NOT else {0}), page
