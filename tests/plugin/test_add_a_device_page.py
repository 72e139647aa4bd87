"""
docs/add-a-device.md: every block and every command of the page, in their order.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-device.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_works_as_it_is_written(pytester, conformance_folder, monkeypatch):
    """
    A chip maker who pastes block below block gets what the page says.
    """
    module = pytester.path / "npx.py"
    tool = pytester.path / "bin" / "npx-smi"
    tool.parent.mkdir()
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    commands = 0
    for kind, text in BLOCKS:
        if kind == "python":
            with module.open("a") as file:
                file.write(text)
        elif kind == "text":
            (pytester.path / "npx-smi.txt").write_text(text)
            tool.write_text(f"#!/bin/sh\ncat {pytester.path / 'npx-smi.txt'}\n")
            tool.chmod(0o755)
        elif kind == "console":
            commands += 1
            run(pytester, str(conformance_folder), text)

    assert (commands, len(BLOCKS)) == (4, 12)


def run(pytester, conformance, text):
    """Run a command of the page, and find the lines that it shows."""
    command, *shown = text.splitlines()
    words = shlex.split(command.removeprefix("$ python -m pytest "))
    if not any(word.endswith(".py") for word in words):
        words.insert(0, conformance)
    result = pytester.runpytest_subprocess(
        *("--rootdir", str(pytester.path), "-p", "no:cacheprovider"), *words
    )
    result.stdout.fnmatch_lines([line.replace("[", "[[]").replace("…", "*") for line in shown])


def test_a_rule_of_the_page_is_held(pytester):
    """
    The device that the page ends with has its names, its links, its needs and its variables.
    """
    names: dict[str, object] = {}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(text, names)
    device = names["DEVICE"]

    assert list(device.card_sets(4, 2)) == [(0, 1), (2, 3)]
    assert [need.fact for need in device.needs] == ["driver", "firmware"]
    assert device.engine_environment["NPX_GRAPH"] == "1"


@pytest.mark.parametrize("command", re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE))
def test_every_command_is_one_that_is_run(command):
    """
    Nothing on the page is left out of the test.
    """
    assert command.startswith("python -m pytest ")
