"""
Every pytest command of the docs is run as far as that goes without a device: it must collect criteria.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie import rehearsal

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


@pytest.fixture
def lab(pytester: pytest.Pytester) -> Path:
    """A folder with what the commands name: site files, references, and evidence to judge."""
    recorded = Path(rehearsal.__file__).with_name("reference")
    for name in ("a100", "ernie-reference"):
        (pytester.path / name).symlink_to(recorded)
    for name in ("ALL", "FOLDER"):  # not the shipped reference itself: nothing is its own reference
        (pytester.path / name).mkdir()
        for part in ("journal.jsonl", "blobs"):
            (pytester.path / name / part).symlink_to(recorded / part)
    for name in ("site.toml", "a100.toml"):
        (pytester.path / name).write_text('cards = ["0", "1"]\n')
    (pytester.path / "fixtures").symlink_to(ROOT / "fixtures")
    return pytester.path


@pytest.mark.parametrize(("page", "command"), ALL, ids=lambda text: text[:70])
def test_the_command_chooses_criteria(
    pytester: pytest.Pytester, lab: Path, conformance_folder: Path, page: str, command: str
) -> None:
    """A flag, mark or name that doesn't exist is an error or chooses nothing."""
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
        str(conformance_folder), "--rootdir", str(lab), "-p", "no:cacheprovider", *words
    )

    assert done.ret == 0, page
    assert "no tests collected" not in done.stdout.str()
