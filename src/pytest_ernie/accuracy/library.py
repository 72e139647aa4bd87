"""
Runs the evaluation library: it makes the prompts before a data set is asked, and the scores after.

It lives in a toolchain of its own and never talks to a server. What it is (versions, script) is
kept with the answers, since both sides of a comparison must have used the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.errors import MeasurementError, SiteError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard.model import Dataset
from pytest_ernie.toolchains import process
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain

from .ask import AnswerRecord
from .data import Found
from .prompts import PromptSet, read_prompts

SCRIPT = Path(__file__).parent / "inside" / "evalscope_inside.py"
SHOWN_LINES = 6


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What made prompts and scores."""

    packages: dict[str, str | None]
    benchmark: str
    benchmark_version: str
    script_sha256: str

    def __str__(self) -> str:
        versions = (f"{name} {version}" for name, version in self.packages.items() if version)
        parts = (*versions, f"{self.benchmark} {self.benchmark_version}", self.script_sha256[:12])
        return ", ".join(parts)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One answer's score; None with an error where the library has none."""

    id: str
    score: float | None
    extracted: str
    error: str | None


class Library:
    """One data set in the hands of the library; ``folder`` is for its files, and is there."""

    def __init__(
        self,
        toolchain: Toolchain,
        dataset: Dataset,
        found: Found,
        folder: Path,
        *,
        progress: Progress = silent,
    ) -> None:
        assert dataset.evaluation is not None
        self._toolchain, self._dataset, self._found = toolchain, dataset, found
        self._folder, self._progress = folder, progress

    @property
    def facts(self) -> Facts:
        """What the library said of itself when it last ran."""
        return msgspec.json.decode((self._folder / "facts.json").read_bytes(), type=Facts)

    def prompts(self) -> PromptSet:
        """Return the prompts; SiteError if the data aren't those of the edition."""
        out = self._folder / "prompts.jsonl"
        self._run("prompts", out)
        made = read_prompts(out)
        evaluation = self._dataset.evaluation
        assert evaluation is not None
        if made.questions != evaluation.questions:
            raise SiteError(
                f"{self._dataset.name} isn't complete",
                where=self._found.folder,
                got=f"{made.questions} questions",
                wanted=evaluation.questions,
            )
        if evaluation.sha256 not in (None, made.questions_sha256):
            raise SiteError(
                f"this isn't the {self._dataset.name} of the edition: questions or answers differ",
                where=self._found.folder,
                got=f"sha256 {made.questions_sha256[:12]}…",
                wanted=f"sha256 {str(evaluation.sha256)[:12]}…",
            )
        return made

    def scores(self, answers: Iterable[AnswerRecord]) -> dict[str, Score]:
        """Return the score of each answer by id; of what has none there is no entry."""
        asked = self._folder / "answers.jsonl"
        with asked.open("wb") as file:
            for record in answers:
                if record.error is None:
                    line = {"id": record.id, "answer": record.answer}
                    file.write(msgspec.json.encode(line) + b"\n")
        out = self._folder / "scores.jsonl"
        self._run("scores", out, answers=str(asked))
        decoder = msgspec.json.Decoder(Score)
        return {(score := decoder.decode(line)).id: score for line in out.open("rb")}

    def _run(self, do: str, out: Path, **further: Any) -> None:
        evaluation = self._dataset.evaluation
        assert evaluation is not None
        job = {
            "do": do,
            "benchmark": evaluation.benchmark,
            "few_shot": self._dataset.few_shot,
            "seeds": 1,
            "system_prompts": [],
            "folder": self._found.folder,
            "files": self._found.files,
            "out": str(out.absolute()),
            "facts": str((self._folder / "facts.json").absolute()),
            **further,
        }
        path = self._folder / f"{do}.json"
        path.write_bytes(msgspec.json.encode(job))
        self._progress(f"{do} of {self._dataset.name}", detail="evalscope starts")
        running = process.start(
            [self._toolchain.python, str(SCRIPT), str(path.absolute())],
            env={**inherited(), **self._toolchain.env, "PYTHONNOUSERSITE": "1"},
            cwd=self._folder,
            log=self._folder / f"{do}.log",
        )
        with running:
            code = running.wait(None)
        if code or not out.is_file():
            raise MeasurementError(
                f"the evaluation library made no {do} of {self._dataset.name}",
                where=self._found.folder,
                got=_last_words(running.output_tail(SHOWN_LINES)) or f"exit code {code}",
            )


def script_digest() -> str:
    """Return the SHA-256 of the script that drives the library."""
    return hashlib.sha256(SCRIPT.read_bytes()).hexdigest()


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][-500:] if lines else ""
