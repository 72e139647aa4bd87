"""
Every pytest command of the docs is taken by pytest with this suite's options, and its marks exist.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie.clauses import MARKERS

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


@pytest.mark.parametrize(("page", "command"), ALL, ids=lambda text: text[:70])
def test_pytest_takes_the_command(pytester, page, command):
    """A flag that doesn't exist is a usage error, and a mark that doesn't exist chooses nothing."""
    words = shlex.split(command, comments=True)
    words = words[words.index("pytest") + 1 :]

    config = pytester.parseconfig(*words)

    named = set(re.findall(r"\w+", config.option.markexpr)) - {"and", "or", "not"}
    assert named <= {*MARKERS, "preflight"}, page
