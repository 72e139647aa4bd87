"""
Accuracy over an endpoint: a stand-in of the evaluation library, a made-up GSM8K, an edition that fits.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest_ernie
from pytest_ernie.measurements.accuracy import Answers
from pytest_ernie.measurements.candidate import candidate_of
from pytest_ernie.registry import Registry
from pytest_ernie.settings import Settings, read_settings
from pytest_ernie.standard import criteria

TESTS = Path(__file__).resolve().parent.parent
STAND_IN = TESTS / "doubles" / "evaluator"
EDITIONS = Path(pytest_ernie.__file__).parent / "standard" / "editions"
MODEL = "ERNIE-4.5-0.3B"


class Lab:
    """A folder with site file, data and edition, in which an endpoint's answers are measured."""

    model = MODEL

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settings(self, url: str, **options: object) -> Settings:
        """Return what a command line would ask for."""
        asked = {
            "endpoint": url,
            "site": "site.toml",
            "data": "data",
            "edition": str(self.folder / "edition.toml"),
            "models": self.model,
            **options,
        }
        return read_settings(asked, self.folder)

    def measure(self, url: str, dataset: str = "GSM8K", **options: object) -> Answers:
        """Ask every question that isn't in the evidence yet."""
        settings = self.settings(url, **options)
        candidate = candidate_of(settings, Registry())
        wanted = next(
            criterion
            for criterion in criteria(settings.edition)
            if (criterion.model, criterion.dataset) == (self.model, dataset)
            and 1 in criterion.tiers
        )
        try:
            return candidate.accuracy(wanted)
        finally:
            candidate.close()


class AccuracyLab(Lab):
    """
    A lab with a made-up GSM8K and the stand-in of the evaluation library.

    ``rows`` are GSM8K's questions of this lab, ``changes`` words of its edition.
    """

    def __init__(self, folder: Path, rows: list[dict[str, str]], *changes: tuple[str, str]) -> None:
        super().__init__(folder)
        data = folder / "data"
        data.mkdir()
        self.write("gsm8k-test", rows)
        self.write("gsm8k-train", rows[:4])
        (folder / "site.toml").write_text(
            f'[evaluator]\npython = "{sys.executable}"\nenv = {{ PYTHONPATH = "{STAND_IN}" }}\n'
        )
        official = (EDITIONS / "ernie-4.5.toml").read_text(encoding="utf-8")
        made_up = re.sub("questions = 1319\nsha256 = .*\n", f"questions = {len(rows)}\n", official)
        named = made_up.replace('name = "ernie-4.5"', 'name = "made-up"', 1)
        for old, new in changes:  # of the first data set, which is GSM8K
            named = named.replace(old, new, 1)
        (folder / "edition.toml").write_text(named, encoding="utf-8")

    def write(self, name: str, rows: list[dict[str, str]]) -> None:
        """Put rows into a file of the data folder."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / "data" / f"{name}.jsonl").write_text(lines, encoding="utf-8")

    def command(self, url: str) -> list[str]:
        """Return the same as a pytest of its own."""
        return [
            *(sys.executable, "-m", "pytest", str(TESTS.parent / "conformance")),
            *("-p", "no:cacheprovider", "--rootdir", str(self.folder), "-k", "GSM8K"),
            *("-m", "tier1 and accuracy", f"--endpoint={url}", "--site=site.toml"),
            *("--data=data", f"--edition={self.folder / 'edition.toml'}", f"--models={MODEL}"),
            "--applicant=appliance",
        ]

    @property
    def environment(self) -> dict[str, str]:
        """That command's, with this package and no other one that is installed."""
        ours = Path(pytest_ernie.__file__).parents[1]
        return {**os.environ, "PYTHONPATH": str(ours)}
