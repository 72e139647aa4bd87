"""
The CI examples of docs/vendor-ci.md: YAML that parses, shards that are all there, commands that exist.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_ernie.clauses import MARKERS
from pytest_ernie.cli import _parser
from pytest_ernie.options import OPTIONS

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "vendor-ci.md").read_text(encoding="utf-8")
GITLAB, GITHUB = (
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.M | re.S)
)
OTHERS = ("--html", "--junitxml")
"""Of pytest and its other plugins."""


def steps(job: dict[str, Any]) -> list[str]:
    """The commands of a GitHub job."""
    return [step["run"] for step in job["steps"] if "run" in step]


def of_gitlab(command: str, index: int) -> str:
    count = GITLAB["measure"]["parallel"]
    return command.replace("$CI_NODE_INDEX", str(index)).replace("$CI_NODE_TOTAL", str(count))


def of_github(command: str, index: int) -> str:
    return re.sub(r"\$\{\{ matrix\.shard \}\}", str(index), command)


MEASURED = {
    "gitlab": [
        of_gitlab(GITLAB["measure"]["script"][0], n)
        for n in range(1, GITLAB["measure"]["parallel"] + 1)
    ],
    "github": [
        of_github(steps(GITHUB["jobs"]["measure"])[0], n)
        for n in GITHUB["jobs"]["measure"]["strategy"]["matrix"]["shard"]
    ],
}
JUDGED = {"gitlab": GITLAB["judge"]["script"], "github": steps(GITHUB["jobs"]["judge"])}


@pytest.mark.parametrize("ci", MEASURED)
def test_every_shard_is_measured_and_merged(ci: str) -> None:
    """
    1/N to N/N, each into a folder of its own, and all of these folders joined.
    """
    words = [shlex.split(command) for command in MEASURED[ci]]
    merged = shlex.split(JUDGED[ci][0])
    count = len(words)

    assert [word for one in words for word in one if word.startswith("--shard")] == [
        f"--shard={n}/{count}" for n in range(1, count + 1)
    ]
    folders = [word.partition("=")[2] for one in words for word in one if "--evidence=" in word]
    assert merged == ["pytest-ernie", "merge", *folders, "-o", "ernie-evidence"]


@pytest.mark.parametrize("ci", MEASURED)
def test_every_command_exists(ci: str) -> None:
    """
    The suite's own parser takes its commands, and pytest the options and markers of the others.
    """
    ours = {f"--{name}" for name, _ in OPTIONS}
    for command in [*MEASURED[ci], *JUDGED[ci]]:
        name, *words = shlex.split(command)
        if name == "pytest-ernie":
            _parser().parse_args(words)
            continue
        assert name == "pytest"
        assert set(re.findall(r"[a-z]\w+", words[words.index("-m") + 1])) <= {*MARKERS}
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options - ours - set(OTHERS) == set()


@pytest.mark.parametrize("ci", MEASURED)
def test_evidence_is_kept_and_judged_whatever_a_shard_says(ci: str) -> None:
    """
    A shard that FAILs, or dies, costs neither what it measured nor the verdict.
    """
    if ci == "gitlab":
        measure, judge = GITLAB["measure"], GITLAB["judge"]
        assert measure["artifacts"]["when"] == judge["when"] == "always"
        assert measure["allow_failure"] == {"exit_codes": 1}
    else:
        measure, judge = GITHUB["jobs"]["measure"], GITHUB["jobs"]["judge"]
        assert measure["steps"][-1]["if"] == judge["if"] == "always()"
        assert measure["strategy"]["fail-fast"] is False
