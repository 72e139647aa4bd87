"""
The README's two commands are what CI runs, and what it says of the suite holds.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie.clauses import MARKERS
from pytest_ernie.cli import _parser
from pytest_ernie.engines.fastdeploy.flags import FLAGS
from pytest_ernie.options import OPTIONS
from pytest_ernie.proof import __main__ as proof

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_stand_alone_in_their_blocks() -> None:
    """
    CI takes the first two sh blocks as they are.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)

    assert blocks == [
        "pip install . && pytest -m tier1 --device=cpu --html=report.html\n",
        "pip install '.[test]' && pytest tests -n 2\n",
    ]


def test_both_languages_show_the_same_commands() -> None:
    """
    README.zh-CN.md is in step with README.md: what is typed is equal to the letter.
    """
    chinese = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    block = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

    assert block.findall(chinese) == block.findall(README)
    words = re.compile(r"^\| ([A-Z]+(?: [A-Z]+)?)\b", re.MULTILINE)
    assert words.findall(chinese) == words.findall(README.split("## What has run")[0])


def test_links_of_the_docs_lead_somewhere() -> None:
    """
    A page that was renamed must not be linked by its old name.
    """
    pages = [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").glob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def flags_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield every flag of a command and of all commands below it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from flags_of(below)


def test_every_option_in_the_docs_exists() -> None:
    """
    A flag that was renamed must not live on in the docs.
    """
    ours = {f"--{name}" for name, _ in OPTIONS} | {f"--ernie-{name}" for name, _ in OPTIONS}
    ours |= (
        set(flags_of(_parser())) | set(flags_of(proof.parser())) | {f"--{name}" for name in FLAGS}
    )
    others = {
        "--gpus",  # docker's
        "--runtime",
        "--junitxml",
        "--partition",
        "--exclusive",
        "--html",
        "--collect-only",
        "--pyargs",
        "--markers",
        "--ernie-",
        "--peers",
        "--quick",
    }
    texts = [README, *(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))]
    named = {flag for text in texts for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}

    assert named - ours - others == set()


def test_every_marker_in_the_readme_exists() -> None:
    """
    -m with an unknown marker chooses nothing.
    """
    listed = README.split("`-m` takes")[1].split("`pytest --markers`")[0]

    assert set(re.findall(r"`(\w+)`", listed)) <= set(MARKERS)


@pytest.mark.parametrize("module", ["pytest_ernie", "pytest_ernie.plugin"])
def test_importing_stays_light(module: str) -> None:
    """
    Every pytest run of the environment pays for it: no numpy, no matplotlib, no HTTP client.
    """
    heavy = (
        "{'numpy', 'matplotlib', 'httpx', 'openai', 'psutil', 'scipy', 'paddle', 'torch', 'vllm'}"
    )
    code = f"import {module}, sys; print(sorted({heavy} & set(sys.modules)))"

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert shown.strip() == "[]"


COMMANDS = [
    (page.name, line.strip())
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for language, block in re.findall(
        r"^ *```(\w*)\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.M | re.S
    )
    if language in ("", "sh", "console")
    for line in block.replace("\\\n", " ").splitlines()
    if re.match(r" *(\$ )?pytest-ernie ", line)
]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda text: text[:60])
def test_every_command_of_the_docs_is_understood(page: str, line: str) -> None:
    """
    What a page tells people to type is taken by the command's own parser, to the last argument.
    """
    words = shlex.split(line.removeprefix("$ "), comments=True)

    assert callable(_parser().parse_args(words[1:]).run), page
