"""
A certification in a folder of its own, against a laboratory of doubles.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import pytest_ernie
from doubles.laboratory import SITE
from pytest_ernie.accuracy import ask

TESTS = Path(__file__).resolve().parent.parent

Words = dict[str, str]
"""Verdict by criterion, read from the JUnit file: what a vendor's CI would see."""


class Laboratory:
    """Runs the conformance tests in a folder of its own and reads their verdicts."""

    def __init__(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, conformance: Path
    ) -> None:
        self.pytester = pytester
        self.conformance = conformance
        pytester.syspathinsert(TESTS)
        self.path = pytester.path
        ours = Path(pytest_ernie.__file__).parents[1]  # and no other one that is installed
        monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{ours}")
        monkeypatch.setattr(ask, "PAUSE_S", 0.02)  # a double that died stays dead
        (self.path / "site.toml").write_text(SITE.format(python=sys.executable))

    def plant(self, **faults: Any) -> None:
        (self.path / "faults.json").write_text(json.dumps(faults))

    def run(self, *arguments: str) -> tuple[pytest.RunResult, Words]:
        workers = "-n" in arguments  # xdist's workers find the doubles by PYTHONPATH only
        run = self.pytester.runpytest_subprocess if workers else self.pytester.runpytest_inprocess
        result = run(
            str(self.conformance),
            "--rootdir",
            str(self.path),
            "-p",
            "doubles.laboratory",
            "-p",
            "no:cacheprovider",
            "--device=cpu",
            "--site=site.toml",
            "--junitxml=junit.xml",
            *arguments,
        )
        return result, self.words()

    def words(self) -> Words:
        from xml.etree import ElementTree

        tree = ElementTree.parse(self.path / "junit.xml")
        found = {}
        for case in tree.iter("testcase"):
            properties = {p.get("name"): p.get("value") for p in case.iter("property")}
            if "criterion" in properties:
                found[str(properties["criterion"])] = str(properties["verdict"])
        return found

    def verdicts(self) -> list[dict[str, Any]]:
        from xml.etree import ElementTree

        tree = ElementTree.parse(self.path / "junit.xml")
        judged = [p.get("value") for p in tree.iter("property") if p.get("name") == "ernie"]
        return [json.loads(str(judgement))["verdict"] for judgement in judged]

    def record_reference(self, *arguments: str, **faults: Any) -> Words:
        self.plant(**faults)
        _, words = self.run("--record-reference", *arguments)
        return words

    def starts(self) -> list[str]:
        path = self.path / "starts.txt"
        return path.read_text().splitlines() if path.exists() else []


def not_passed(words: Words) -> dict[str, str]:
    return {name: word for name, word in words.items() if word != "PASS"}
