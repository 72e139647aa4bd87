"""
Two sides' answers to one data set, question by question: may they be compared, what comes of it, and
which questions came out otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.accuracy.nonsense import seen_of, why_broken
from pytest_ernie.comparison import comparable, with_deaths
from pytest_ernie.errors import EvidenceError
from pytest_ernie.measurements.accuracy import Answers
from pytest_ernie.standard import Edition
from pytest_ernie.standard.dataset import Dataset
from pytest_ernie.verdicts import Flip, Layout, Verdict, Word, accuracy_equal, score_of

if TYPE_CHECKING:
    from pytest_ernie.accuracy.ask import AnswerRecord

HOW = (("harness", "evaluation library"), ("decoding", "decoding"))
"""What a record says of how its questions were asked and scored, and what a message calls it."""

PROMPTS = "prompts_sha256"
QUESTIONS = "questions_sha256"
TOLD = ("harness", "decoding", QUESTIONS, PROMPTS)
"""What every record of a data set that a library asks and scores must say: without it nothing is the same."""

FLIPS_SHOWN = 12
"""Of each direction; the evidence holds every answer."""
EXCERPT = 240
"""Characters of an answer that a flip shows."""
LEAD = 60
"""Of these, before the two answers begin to differ."""
BROKEN_SHARE_TOLD = 0.01
"""From this share of them on, broken answers are told beside a verdict that isn't PASS."""
REASONS_TOLD = 2
REASON_CHARACTERS = 160


def scores_agree(measured: Answers, benchmark: Answers, edition: Edition) -> Verdict:
    """
    Judge the two scores (R10); EvidenceError if they aren't of the same questions, asked alike.
    """
    same_questions(measured, benchmark)
    comparable(measured.record, benchmark.record)
    dataset = edition.dataset(benchmark.record.what.dataset or "")
    _the_editions(benchmark, dataset)
    _all_prompts(benchmark, dataset.prompt_seeds)
    verdict = accuracy_equal(
        measured.scores,
        benchmark.scores,
        edition.rulings.accuracy,
        layout=_layout(benchmark, dataset),
        unscored_because=reasons(measured.answers.values()),
        reference_unscored_because=reasons(benchmark.answers.values()),
    )
    verdict = msgspec.structs.replace(
        verdict,
        flips=(*_shown(measured, benchmark, lost=True), *_shown(measured, benchmark, lost=False)),
        notes=(
            *verdict.notes,
            *_of_answers(verdict.word, measured, benchmark),
            *_of_questions(benchmark, dataset),
        ),
    )
    return with_deaths(verdict, *measured.record.deaths)


def score_alone(measured: Answers, edition: Edition) -> tuple[str, tuple[str, ...]]:
    """Return a score that nothing is compared with, and what a reader of it should know."""
    dataset = edition.dataset(measured.record.what.dataset or "")
    shown = score_of(measured.scores, _layout(measured, dataset))
    questions = len({answer.question for answer in measured.answers.values()})
    return shown, (f"{shown} points on {questions} questions", *measured.notes)


def _layout(answers: Answers, dataset: Dataset) -> Layout:
    return Layout(
        question_of={id: answer.question for id, answer in answers.answers.items()},
        group_of={id: answer.group for id, answer in answers.answers.items()},
        average=dataset.average,
    )


def _of_answers(word: Word, measured: Answers, benchmark: Answers) -> Iterator[str]:
    """Say what a reader of the scores should know of the answers; broken ones where they may explain it."""
    yield from measured.notes
    yield from (f"on the reference {note}" for note in benchmark.notes)
    if word is not Word.PASS:
        answered = [answer for answer in measured.answers.values() if answer.error is None]
        broken = Counter(filter(None, (why_broken(seen_of(answer)) for answer in answered)))
        if broken.total() >= max(1, BROKEN_SHARE_TOLD * len(answered)):
            told = ", ".join(f"{count} {kind}" for kind, count in broken.most_common())
            yield f"{broken.total()} of {len(answered)} answers are no answers: {told}"


def same_questions(measured: Answers, benchmark: Answers) -> None:
    """
    Raise EvidenceError if the sides weren't asked the same, in the same way, naming the difference.
    """
    own, other = measured.answers, benchmark.answers
    if own.keys() != other.keys():
        differing = [
            f"{len(ids)} only of the {side}, the first is {min(ids)}"
            for side, ids in (
                ("candidate", own.keys() - other.keys()),
                ("reference", other.keys() - own.keys()),
            )
            if ids
        ]
        raise EvidenceError(
            "candidate and reference were not asked the same questions, so they can't be compared",
            got="; ".join(differing),
            wanted="the same data set on both sides",
        )
    _same(own, other, "question_digest", "questions")
    for key, called in HOW:
        ours, theirs = (side.record.data.get(key) for side in (measured, benchmark))
        if ours != theirs:
            raise EvidenceError(
                f"candidate and reference don't have the same {called}, so they can't be compared",
                got=ours or "none recorded",
                wanted=theirs or "none recorded",
            )
    # A prompt's digest holds the engine's own words for greedy decoding, too; that of all messages
    # doesn't, so it decides whether they differ, and the prompts' own say where.
    if measured.record.data.get(PROMPTS) != benchmark.record.data.get(PROMPTS):
        _same(own, other, "prompt_digest", "prompts")


def _the_editions(benchmark: Answers, dataset: Dataset) -> None:
    """
    Refuse what a run wouldn't have measured: another number of questions, other ones, nothing said of them.

    Two sides that agree in a part of a data set agree in too little.
    """
    evaluation = dataset.evaluation
    if evaluation is None:
        return
    for key in TOLD:
        if not benchmark.record.data.get(key):
            raise EvidenceError(
                f"the reference's record of {dataset.name} lacks {key}, so it can't be compared with",
                where=benchmark.record.what.title,
                fix="Record it anew",
            )
    questions = len({answer.question for answer in benchmark.answers.values()})
    if questions != evaluation.questions:
        raise EvidenceError(
            f"{dataset.name} isn't complete on either side",
            got=f"{questions} questions",
            wanted=evaluation.questions,
        )
    sha256 = benchmark.record.data[QUESTIONS]
    if evaluation.sha256 not in (None, sha256):
        raise EvidenceError(
            f"neither side was asked the {dataset.name} of the edition: questions or answers differ",
            got=f"sha256 {sha256[:12]}…",
            wanted=f"sha256 {str(evaluation.sha256)[:12]}…",
        )


def _of_questions(benchmark: Answers, dataset: Dataset) -> Iterator[str]:
    """Say that nobody checked which copy it is: an edition without a digest can't tell."""
    if dataset.evaluation is not None and dataset.evaluation.sha256 is None:
        yield (
            f"the edition has no digest of {dataset.name}: both sides were asked the same "
            f"{dataset.evaluation.questions} questions (sha256 "
            f"{benchmark.record.data[QUESTIONS][:12]}…), and which copy that is nobody checked"
        )


def _all_prompts(benchmark: Answers, prompt_seeds: int) -> None:
    """Refuse answers to fewer, or more, prompts of a question than the edition asks for."""
    asked = Counter(answer.question for answer in benchmark.answers.values())
    for question, prompts in asked.items():
        if prompts != prompt_seeds:
            raise EvidenceError(
                f"question {question} was asked under another number of prompts than the edition says",
                got=prompts,
                wanted=prompt_seeds,
            )


def _same(
    own: Mapping[str, AnswerRecord], other: Mapping[str, AnswerRecord], field: str, called: str
) -> None:
    differing = [id for id in own if getattr(own[id], field) != getattr(other[id], field)]
    if differing:
        first = differing[0]
        raise EvidenceError(
            f"{len(differing)} of {len(own)} {called} differ between candidate and reference, so "
            f"they can't be compared; the first is {first}",
            got=f"sha256 {getattr(own[first], field)[:12]}…",
            wanted=f"sha256 {getattr(other[first], field)[:12]}…",
        )


def reasons(answers: Iterable[AnswerRecord]) -> str | None:
    """Say why questions have no score, the commonest reasons first; None if all have one."""
    counted = Counter(
        (answer.error or "not scored")[:REASON_CHARACTERS]
        for answer in answers
        if answer.score is None
    )
    if not counted:
        return None
    told = counted.most_common(REASONS_TOLD)
    rest = counted.total() - sum(count for _, count in told)
    parts = [f"{count} × {reason}" if len(counted) > 1 else reason for reason, count in told]
    return "; ".join([*parts, *([f"{rest} × others"] if rest else [])])


def flips(measured: Answers, benchmark: Answers, *, lost: bool) -> Iterator[str]:
    """Yield the id of every answer that only the reference has right, or only the candidate."""
    for id, theirs in benchmark.scores.items():
        ours = measured.scores[id]
        if ours is not None and theirs is not None and (ours < theirs if lost else ours > theirs):
            yield id


def _shown(measured: Answers, benchmark: Answers, *, lost: bool) -> Iterator[Flip]:
    for id, _ in zip(flips(measured, benchmark, lost=lost), range(FLIPS_SHOWN), strict=False):
        ours, theirs = (
            f"{side.answers[id].reasoning}\n{side.answers[id].answer}".strip()
            for side in (measured, benchmark)
        )
        start = max(0, _parting(ours, theirs) - LEAD)
        yield Flip(
            question=id,
            lost=lost,
            reference=_excerpt(theirs, start, benchmark.answers[id].extracted),
            candidate=_excerpt(ours, start, measured.answers[id].extracted),
        )


def _parting(one: str, two: str) -> int:
    """Return the place from which on two texts differ."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(two)))


def _excerpt(text: str, start: int, extracted: str) -> str:
    shown = text[start : start + EXCERPT]
    before = "… " if start else ""
    after = " …" if len(text) > start + EXCERPT else ""
    scored = f" [scored: {extracted[:EXCERPT]}]" if extracted and extracted != text else ""
    return f"{before}{shown}{after}{scored}"
