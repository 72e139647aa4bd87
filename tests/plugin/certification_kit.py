"""
A certification in a folder of its own, against a laboratory of doubles.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
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
        (self.path / "junit.xml").unlink(missing_ok=True)
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

        found: Words = {}
        if not (self.path / "junit.xml").exists():
            return found  # the call was refused
        tree = ElementTree.parse(self.path / "junit.xml")
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

    def record_reference(self, *arguments: str, **faults: Any) -> None:
        """
        Record one; what another test recorded by the same doubles in the same way is copied.

        The doubles count their starts from here on.
        """
        self.plant(**faults)
        site = (self.path / "site.toml").read_text()
        how = hashlib.sha256(repr((arguments, faults, site)).encode()).hexdigest()[:16]
        kept = self.path.parent / f"reference-{how}"
        if kept.exists():
            shutil.copytree(kept, self.path / "ernie-reference")
        else:
            _, words = self.run("--record-reference", *arguments)
            assert set(words.values()) == {"RECORDED"}
            shutil.copytree(self.path / "ernie-reference", kept)
        for counted in ("starts.txt", "trained.txt"):
            (self.path / counted).unlink(missing_ok=True)

    def starts(self) -> list[str]:
        path = self.path / "starts.txt"
        return path.read_text().splitlines() if path.exists() else []


def not_passed(words: Words) -> dict[str, str]:
    return {name: word for name, word in words.items() if word != "PASS"}
