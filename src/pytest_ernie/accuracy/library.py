"""
Runs the evaluation library: it makes the prompts before a data set is asked, and the scores after.

It lives in a toolchain of its own and never talks to a server. What it is (versions, script) is
kept with the answers, since both sides of a comparison must have used the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.errors import MeasurementError, SiteError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.standard.dataset import Dataset
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
        system_prompts: Sequence[str] = (),
        progress: Progress = silent,
    ) -> None:
        assert dataset.evaluation is not None
        self._toolchain, self._dataset, self._found = toolchain, dataset, found
        self._folder, self._progress = folder, progress
        self._system_prompts = system_prompts
        """What is said before the question under prompt seed 1, 2, ..."""

    @property
    def facts(self) -> Facts:
        """What the library said of itself when it last ran."""
        return msgspec.json.decode((self._folder / "facts.json").read_bytes(), type=Facts)

    def prompts(self) -> PromptSet:
        """Return the prompts; SiteError if the data aren't those of the edition."""
        with self._started("prompts", "prompts.jsonl") as running:
            made = read_prompts(self._outcome("prompts", "prompts.jsonl", running))
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

    @contextmanager
    def scoring(self) -> Iterator[Scoring]:
        """Score answers while others are still asked: comparing mathematics takes a processor a while."""
        answers = self._folder / "answers.jsonl"
        answers.write_bytes(b"")
        with self._started("scores", "scores.jsonl", answers=str(answers.absolute())) as running:
            yield Scoring(answers, lambda: self._outcome("scores", "scores.jsonl", running))

    def _started(self, do: str, out: str, **further: Any) -> process.Running:
        evaluation = self._dataset.evaluation
        assert evaluation is not None
        job = {
            "do": do,
            "benchmark": evaluation.benchmark,
            "few_shot": self._dataset.few_shot,
            "seeds": self._dataset.prompt_seeds,
            "system_prompts": list(self._system_prompts),
            "folder": self._found.folder,
            "files": self._found.files,
            "out": str((self._folder / out).absolute()),
            "facts": str((self._folder / "facts.json").absolute()),
            **further,
        }
        path = self._folder / f"{do}.json"
        path.write_bytes(msgspec.json.encode(job))
        return process.start(
            [self._toolchain.python, str(SCRIPT), str(path.absolute())],
            env={**inherited(), **self._toolchain.env, "PYTHONNOUSERSITE": "1"},
            cwd=self._folder,
            log=self._folder / f"{do}.log",
        )

    def _outcome(self, do: str, out: str, running: process.Running) -> Path:
        """Wait for the end; MeasurementError in the library's words if it made nothing."""
        self._progress(do, detail=f"evalscope at {self._dataset.name}")
        code = running.wait(None)
        made = self._folder / out
        if code or not made.is_file():
            raise MeasurementError(
                f"the evaluation library made no {do} of {self._dataset.name}",
                where=self._found.folder,
                got=_last_words(running.output_tail(SHOWN_LINES)) or f"exit code {code}",
            )
        return made


class Scoring:
    """The library while it scores: what is added is scored at once, and told at the end."""

    END = b"end\n"

    def __init__(self, answers: Path, outcome: Callable[[], Path]) -> None:
        self._answers, self._outcome = answers, outcome
        self._added: set[str] = set()

    def add(self, record: AnswerRecord) -> None:
        """Hand over an answer; a question that has none isn't scored."""
        if record.error is None and record.id not in self._added:
            self._added.add(record.id)
            self._write(msgspec.json.encode({"id": record.id, "answer": record.answer}) + b"\n")

    def scores(self, records: Iterable[AnswerRecord]) -> dict[str, Score]:
        """Return the score of each answer by id; of a question without one there is no entry."""
        for record in records:
            self.add(record)
        self._write(self.END)
        decoder = msgspec.json.Decoder(Score)
        made = self._outcome()
        try:
            scores = [decoder.decode(line) for line in made.read_bytes().splitlines()]
        except msgspec.DecodeError as problem:
            raise MeasurementError(
                "the scores of the evaluation library can't be read", got=problem
            ) from None
        found = {score.id: score for score in scores}
        if found.keys() != self._added:
            raise MeasurementError(
                "the evaluation library didn't score what it was given",
                got=f"{len(found)} scores",
                wanted=len(self._added),
            )
        return found

    def _write(self, line: bytes) -> None:
        with self._answers.open("ab") as file:
            file.write(line)


def script_digest() -> str:
    """Return the SHA-256 of the script that drives the library."""
    return hashlib.sha256(SCRIPT.read_bytes()).hexdigest()


def _last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][-500:] if lines else ""
