"""
Accuracy: every question of a data set asked once, greedily, and every answer kept as it came (R10).

A data set with an ``evaluation`` goes through the evaluation library: prompts first, then the
suite asks, and the library scores while it does. The rehearsal's sets are asked as they are and
matched exactly.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from pytest_ernie.challenge import in_challenged_order
from pytest_ernie.errors import EvidenceError
from pytest_ernie.evidence import Record, Recording, Subject, What
from pytest_ernie.measurements.equipment import SCRATCH, Equipment, file_digest, files_digest
from pytest_ernie.measurements.serving import Configuration, ServedPlan
from pytest_ernie.standard import Criterion, Edition, digest
from pytest_ernie.standard.dataset import Dataset

if TYPE_CHECKING:
    from pytest_ernie.accuracy.ask import AnswerRecord, Asked
    from pytest_ernie.accuracy.library import Library
    from pytest_ernie.engines.protocol import Server

IN_FLIGHT = 64
"""Questions of a data set that are asked at once, of each server."""
IN_FLIGHT_PLAIN = 8
"""The same of the rehearsal's, whose answers the shipped reference was recorded with."""


class AccuracyPlan(ServedPlan, frozen=True, kw_only=True):
    """Every question of a data set, asked greedily (R10)."""

    dataset: Dataset
    system_prompts: tuple[str, ...] = ()
    """What is said before the question under prompt seed 1, 2, ...; under seed 0 nothing is."""

    @classmethod
    def of(cls, edition: Edition, criterion: Criterion) -> AccuracyPlan:
        """Return the plan of a criterion."""
        dataset = next(data for data in edition.datasets if data.name == criterion.dataset)
        prompts = edition.rulings.accuracy.system_prompts[: dataset.prompt_seeds - 1]
        return cls(
            configuration=Configuration.of(edition, criterion),
            dataset=dataset,
            system_prompts=prompts,
        )

    @property
    def what(self) -> What:
        """Key by model, data type, data set and how its questions are asked."""
        asked: dict[str, Any] = {
            "few_shot": self.dataset.few_shot,
            "max_tokens": self.dataset.max_tokens,
        }
        if self.dataset.thinking is not None:
            asked["thinking"] = self.dataset.thinking
        if self.system_prompts:
            asked["system_prompts"] = self.system_prompts
        if self.dataset.evaluation is not None:
            asked["benchmark"] = self.dataset.evaluation.benchmark
        return self.configuration.what(
            "serving.accuracy", dataset=self.dataset.name, workload=digest(asked)
        )

    def subject(self, equipment: Equipment) -> Subject:
        """Device, engine, weights, launch, the questions themselves, and what scores them."""
        if self.dataset.evaluation is None:
            questions = file_digest(equipment.questions(self.dataset.name))
            return self.configuration.subject(equipment, questions=questions)
        from pytest_ernie.accuracy.library import script_digest

        there = equipment.dataset(self.dataset)
        return self.configuration.subject(
            equipment,
            questions=files_digest(Path(there.folder), there.paths()),
            evaluator=equipment.evaluator_digest,
            evaluation_script=script_digest(),
        )

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Ask what no earlier attempt asked; each answer is kept as it comes."""
        if self.dataset.evaluation is None:
            self._measure_plain(equipment, recording)
            return
        from pytest_ernie.accuracy.library import Library

        with _folder(equipment.settings.evidence / SCRATCH, recording) as folder:
            library = Library(
                equipment.evaluator,
                self.dataset,
                equipment.dataset(self.dataset),
                folder,
                system_prompts=self.system_prompts,
                progress=equipment.progress,
            )
            self._measure_by(library, equipment, recording)

    def _measure_by(self, library: Library, equipment: Equipment, recording: Recording) -> None:
        made = library.prompts()
        doing = f"while it answered {self.dataset.name}"
        with library.scoring() as scoring:
            with self.configuration.serving(equipment, recording, doing) as server:
                in_flight = IN_FLIGHT * (1 + len(server.other_urls))
                records = self._ask(
                    server, made.prompts, in_flight, equipment, recording, on_answer=scoring.add
                )
                decoding = self._decoding(server)
            scores = scoring.scores(records)
        recording.finish(
            {
                "questions_sha256": made.questions_sha256,
                "questions": made.questions,
                "prompts_sha256": made.prompts_sha256,
                "harness": str(library.facts),
                "decoding": decoding,
                "in_flight": in_flight,
                "scores": {id: (score.score, score.extracted) for id, score in scores.items()},
                "unscorable": {id: score.error for id, score in scores.items() if score.error},
            }
        )

    def _measure_plain(self, equipment: Equipment, recording: Recording) -> None:
        from pytest_ernie.accuracy.tasks import load_questions

        asked = load_questions(equipment.questions(self.dataset.name))
        doing = f"while it answered {self.dataset.name}"
        with self.configuration.serving(equipment, recording, doing) as server:
            self._ask(server, asked.questions, IN_FLIGHT_PLAIN, equipment, recording)
        recording.finish({"questions_sha256": asked.digest, "questions": len(asked.questions)})

    def _ask(
        self,
        server: Server,
        questions: Sequence[Asked],
        in_flight: int,
        equipment: Equipment,
        recording: Recording,
        on_answer: Any = lambda record: None,
    ) -> Sequence[AnswerRecord]:
        from pytest_ernie.accuracy.ask import ask
        from pytest_ernie.accuracy.nonsense import Watch, seen_of

        watch = Watch()

        def broken(record: AnswerRecord) -> str | None:
            # Whoever measures again for a stated reason wants the answers, whatever they look like.
            if recording.reason is not None or record.error is not None:
                return None
            return watch.see(seen_of(record))

        earlier = _answers(recording.samples)

        def keep(record: AnswerRecord) -> None:
            recording.sample(msgspec.to_builtins(record))
            on_answer(record)

        return ask(
            server.base_url,
            server.model,
            in_challenged_order(questions, equipment.settings.challenge, self.dataset.name),
            dialect=server.dialect,
            max_tokens=self.dataset.max_tokens,
            thinking=self.dataset.thinking,
            other_urls=server.other_urls,
            concurrency=in_flight,
            already=earlier,
            on_answer=keep,
            stop=broken,
            api_key=server.api_key,
            progress=equipment.progress,
        )

    def _decoding(self, server: Server) -> str:
        """Say how answers are decoded, in words that are the same for every engine's fields."""
        said = f"greedy, at most {self.dataset.max_tokens} tokens"
        if self.dataset.thinking is None:
            return said
        if not server.dialect.thinking:
            return f"{said}, thinking as the server likes"
        return f"{said}, {'thinking' if self.dataset.thinking else 'not thinking'}"


@contextmanager
def _folder(scratch: Path, recording: Recording) -> Iterator[Path]:
    """Make a folder for prompts and answers; remove it, and a killed attempt's: pictures make it large."""
    folder, *left = (scratch / f"evaluation-{id}" for id in (recording.id, *recording.continues))
    for one in left:
        shutil.rmtree(one, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Answers(Struct, frozen=True, kw_only=True):
    """The answer to every question, and its score: 0.0 to 1.0, None where it could not be asked."""

    record: Record
    scores: dict[str, float | None]
    answers: dict[str, AnswerRecord] = {}
    """The same by id with everything that was kept: answer, reasoning, extracted, tokens ..."""

    @property
    def truncated(self) -> int:
        """How many answers were cut by max_tokens."""
        return sum(answer.truncated for answer in self.answers.values())

    @property
    def only_reasoning(self) -> int:
        """How many answers are empty beside their reasoning."""
        return sum(bool(a.reasoning) and not a.answer for a in self.answers.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the score should know of the answers."""
        lines = (
            (self.truncated, "cut by max_tokens"),
            (self.only_reasoning, "empty, with all that was said in the reasoning"),
        )
        total = len(self.answers)
        return tuple(f"{count} of {total} answers were {how}" for count, how in lines if count)


Scored = tuple[float | None, str]
"""Score of an answer, and what of it was scored."""


def read_answers(record: Record) -> Answers:
    """
    Return the answers; of a question asked twice the newer prompt's counts, of one prompt the answer that
    didn't fail.

    Two answers to the same prompt are refused: no run asks so, and a choice between them is none (R15).

    What a library scores is scored when all answers are there; those scores stand in the result.
    """
    try:
        answers = _answers(record.samples, record)
        unscorable = msgspec.convert(record.data.get("unscorable", {}), dict[str, str])
        for id, (score, extracted) in msgspec.convert(
            record.data.get("scores", {}), dict[str, Scored]
        ).items():
            if answers[id].error is not None:
                raise ValueError(f"{id} has a score and no answer")
            answers[id] = msgspec.structs.replace(
                answers[id], score=score, extracted=extracted, error=unscorable.get(id)
            )
    except (ValueError, KeyError) as problem:  # msgspec's errors are ValueErrors
        raise EvidenceError(
            "the answers of a question set can't be read",
            where=record.what.title,
            got=f"{type(problem).__name__}: {problem}",
        ) from None
    return Answers(
        record=record,
        scores={id: answer.score for id, answer in answers.items()},
        answers=answers,
    )


def answered_twice(record: Record, id: str) -> EvidenceError:
    """Return the error of a record that holds two answers to one prompt."""
    return EvidenceError(
        "a question was answered twice, and which answer counts can't be told",
        where=record.what.title,
        got=f"two answers to {id}",
        fix="Measure it again with --fresh REASON",
    )


def _answers(
    samples: Sequence[Mapping[str, Any]], record: Record | None = None
) -> dict[str, AnswerRecord]:
    """Return the answer that counts of each question, by id; a finished record holds one of each."""
    from pytest_ernie.accuracy.ask import AnswerRecord

    answers: dict[str, AnswerRecord] = {}
    for sample in samples:
        answer = msgspec.convert(sample, AnswerRecord)
        known = answers.get(answer.id)
        again = known is not None and answer.prompt_digest == known.prompt_digest
        if known is None or known.error is not None or not again:
            answers[answer.id] = answer
        elif answer.error is None and record is not None:
            raise answered_twice(record, answer.id)
    return answers
