"""
Two sides' answers: compared only where they were asked the same, with what flipped beside it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from doubles.two_sides import died, elsewhere, full, sample, side
from pytest_ernie.errors import EvidenceError
from pytest_ernie.measurements.accuracy import Answers
from pytest_ernie.paired_answers import EXCERPT, FLIPS_SHOWN, score_alone, scores_agree
from pytest_ernie.standard import load
from pytest_ernie.verdicts import Flip, Verdict, Word

EDITION = load("rehearsal")


def judged(own: Answers, other: Answers) -> Verdict:
    """The verdict under the rehearsal's edition."""
    return scores_agree(own, other, EDITION)


def refusal(own: Answers, other: Answers) -> str:
    """The words with which they aren't compared."""
    with pytest.raises(EvidenceError) as caught:
        judged(own, other)
    return str(caught.value)


def test_the_scores_are_compared_and_the_flips_listed() -> None:
    """Lost ones first, each with both answers and what of them was scored."""
    verdict = judged(full(3, 9), full(9, 11))

    assert (verdict.word, verdict.numbers["score"]) == (Word.PASS, 99.0)
    assert verdict.flips == (
        Flip(
            question="q003",
            lost=True,
            reference="So the answer to 3 is 7. [scored: 7]",
            candidate="So the answer to 3 is 8. [scored: 8]",
        ),
        Flip(
            question="q011",
            lost=False,
            reference="So the answer to 11 is 8. [scored: 8]",
            candidate="So the answer to 11 is 7. [scored: 7]",
        ),
    )


def test_a_flip_shows_where_long_answers_part() -> None:
    """Reasoning included; the rest is in the evidence."""
    same, tail = "It is known that " * 40, " and so on" * 90
    own = side(sample(0, 0.0, answer=f"5{tail}", reasoning=f"{same}2 + 2 = 5."), sample(1))
    other = side(sample(0, 1.0, answer=f"4{tail}", reasoning=f"{same}2 + 2 = 4."), sample(1))

    (flip,) = judged(own, other).flips

    assert flip.candidate.startswith("… ")
    assert "that 2 + 2 = 5.\n5 and so" in flip.candidate
    assert "that 2 + 2 = 4.\n4 and so" in flip.reference
    assert max(len(flip.candidate), len(flip.reference)) < EXCERPT + 40


def test_the_list_of_flips_is_bounded_in_both_directions() -> None:
    """Ten thousand of them would be no list."""
    verdict = judged(full(*range(50)), full(*range(100, 150)))

    lost = [flip.question for flip in verdict.flips if flip.lost]
    assert lost == [f"q{n:03d}" for n in range(FLIPS_SHOWN)]
    assert len(verdict.flips) == 2 * FLIPS_SHOWN
    assert (verdict.numbers["lost_questions"], verdict.numbers["won_questions"]) == (50, 50)


@pytest.mark.parametrize("whose", ["candidate", "reference"])
def test_unscored_questions_tell_how_many_and_why(whose: str) -> None:
    """The commonest reasons first; an unscored question is no flip."""
    torn = side(
        *(sample(n) for n in range(100)),
        *(sample(n, None) for n in range(100, 103)),
        sample(103, None, error="HTTP 500: out of memory"),
        sample(104, None, error="HTTP 400: too long"),
    )
    whole = full(of=105)
    sides = (torn, whole) if whose == "candidate" else (whole, torn)

    verdict = judged(*sides)

    owner = "" if whose == "candidate" else " of the reference's"
    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.endswith(
        f"; 5{owner} questions have no score (3 × ReadTimeout: timed out; 1 × HTTP 500: out of "
        "memory; 1 × others)"
    )
    assert verdict.flips == ()


def test_servers_that_died_on_the_way_are_told() -> None:
    """As in every other clause."""
    notes = judged(died(full(), "the server died"), full()).notes

    assert notes[-1] == "in an earlier attempt the server died"


def test_cut_answers_are_told_on_both_sides() -> None:
    """A score of answers that were cut says less."""
    cut = side(sample(0, finish_reason="length"), *(sample(n) for n in range(1, 200)))

    assert judged(cut, full()).notes[-1] == "1 of 200 answers were cut by max_tokens"
    assert judged(full(), cut).notes[-1] == (
        "on the reference 1 of 200 answers were cut by max_tokens"
    )


def test_broken_answers_explain_a_verdict() -> None:
    """What an engineer looks for first, beside a score that fell."""
    samples = [sample(n, 0.0, answer="!" * 99) for n in range(20)]
    own = side(*samples, *(sample(n) for n in range(20, 200)))

    verdict = judged(own, full())

    assert verdict.word is Word.FAIL
    assert verdict.notes == ("20 of 200 answers are no answers: 20 repeated",)


def test_other_questions_are_named() -> None:
    """How many each side has alone, and the first of them."""
    assert refusal(full(of=10), full(of=12)) == (
        "candidate and reference were not asked the same questions, so they can't be compared; got "
        "2 only of the reference, the first is q010; wanted the same data set on both sides"
    )
    assert "got 1 only of the candidate, the first is q001" in refusal(full(of=2), full(of=1))


def test_a_question_that_reads_otherwise_is_another_one() -> None:
    """Its id alone doesn't match it."""
    other = side(sample(0), sample(1, question_digest="a" * 64), sample(2))

    assert refusal(full(of=3), other) == (
        "1 of 3 questions differ between candidate and reference, so they can't be compared; the "
        "first is q001; got sha256 000000000000…; wanted sha256 aaaaaaaaaaaa…"
    )


def test_other_prompts_are_named() -> None:
    """By the first that differs; the digest of all of them is the engine-neutral one."""
    other = side(sample(0), sample(1, prompt_digest="a" * 64), prompts_sha256="b")

    assert refusal(full(of=2, prompts_sha256="a"), other) == (
        "1 of 2 prompts differ between candidate and reference, so they can't be compared; the "
        "first is q001; got sha256 000000000000…; wanted sha256 aaaaaaaaaaaa…"
    )


def test_greedy_decoding_in_an_engines_own_words_is_the_same_prompt() -> None:
    """Its sampling fields are part of a prompt's digest, and not of the messages'."""
    own = side(*(sample(n, prompt_digest="a" * 64) for n in range(3)), prompts_sha256="p")

    assert judged(own, full(of=3, prompts_sha256="p")).word is Word.PASS


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        (
            {"harness": "evalscope 1.14.1"},
            {"harness": "evalscope 1.15.0"},
            "the same evaluation library, so they can't be compared; got evalscope 1.14.1; wanted "
            "evalscope 1.15.0",
        ),
        (
            {"harness": "evalscope 1.14.1"},
            {},
            "the same evaluation library, so they can't be compared; got evalscope 1.14.1; wanted "
            "none recorded",
        ),
        (
            {"decoding": "greedy, at most 1024 tokens"},
            {"decoding": "greedy, at most 2048 tokens"},
            "the same decoding, so they can't be compared; got greedy, at most 1024 tokens",
        ),
        ({"questions_sha256": "e" * 64}, {}, "the same questions, so they can't be compared"),
        (
            {"prompts_sha256": "e" * 64},
            {},
            "the same prompts, so they can't be compared; got sha256 eeeeeeeeeeee…; wanted none",
        ),
    ],
)
def test_whoever_asked_otherwise_is_not_compared(
    own: dict[str, Any], other: dict[str, Any], words: str
) -> None:
    """Harness, decoding, prompts: one side without a word of it counts as another."""
    assert words in refusal(full(of=3, **own), full(of=3, **other))


def test_a_question_answered_twice_is_refused() -> None:
    """Two answers to the same prompt are a choice between them."""
    with pytest.raises(EvidenceError) as caught:
        side(sample(0), sample(1, 0.0), sample(1, 1.0))

    assert str(caught.value) == (
        "serving.accuracy of m, arithmetic: a question was answered twice, and which answer counts "
        "can't be told; got two answers to q001. Measure it again with --fresh REASON"
    )


def test_an_answer_to_an_earlier_prompt_gives_way() -> None:
    """A run that was resumed by another version of the suite asks anew what it asks otherwise."""
    answers = side(sample(0, 0.0, prompt_digest="a" * 64), sample(0, 1.0))

    assert answers.scores == {"q000": 1.0}


def _with(**changed: Any) -> Any:
    datasets = tuple(msgspec.structs.replace(one, **changed) for one in EDITION.datasets)
    return msgspec.structs.replace(EDITION, datasets=datasets)


def seeded(*scores: float, number: int = 0) -> list[dict[str, Any]]:
    """One question under several prompts."""
    ids = [f"q{number:03d}{f'#{seed}' if seed else ''}" for seed in range(len(scores))]
    return [
        sample(number, score, id=id, prompt_seed=seed)
        for seed, (id, score) in enumerate(zip(ids, scores, strict=True))
    ]


def test_prompt_seeds_are_averaged_within_their_question() -> None:
    """Two prompts of a question are one question in the count, and each may flip."""
    edition = _with(prompt_seeds=2)
    own, other = side(*seeded(1.0, 0.0)), side(*seeded(1.0, 1.0))

    verdict = scores_agree(own, other, edition)

    assert (verdict.numbers["questions"], verdict.numbers["prompts"]) == (1, 2)
    assert (verdict.numbers["score"], verdict.numbers["lost_questions"]) == (50.0, 1)
    assert [flip.question for flip in verdict.flips] == ["q000#1"]


@pytest.mark.parametrize(("asked", "wanted"), [(1, 2), (2, 1), (3, 2)])
def test_another_number_of_prompts_than_the_editions_is_refused(asked: int, wanted: int) -> None:
    """Fewer would decide less, more would be a choice."""
    one, other = (side(*seeded(*[1.0] * asked)) for _ in range(2))

    with pytest.raises(EvidenceError) as caught:
        scores_agree(one, other, _with(prompt_seeds=wanted))

    assert str(caught.value) == (
        "question q000 was asked under another number of prompts than the edition says; "
        f"got {asked}; wanted {wanted}"
    )


def test_the_editions_average_decides() -> None:
    """By groups, three of four questions of one subject weigh as much as the only one of another."""
    groups = ("law", "law", "law", "art")
    own = side(*(sample(n, float(n != 3), group=group) for n, group in enumerate(groups)))
    other = side(*(sample(n, group=group) for n, group in enumerate(groups)))

    assert scores_agree(own, other, _with(average="groups")).numbers["score"] == 50.0
    assert scores_agree(own, other, EDITION).numbers["score"] == 75.0


LIBRARYS = {
    "harness": "evalscope 1.14.1, gsm8k v0",
    "decoding": "greedy, at most 1024 tokens",
    "prompts_sha256": "p" * 64,
}


def of_a_library(questions: int = 100, sha256: str | None = "q" * 64) -> Any:
    """An edition whose sets a library asks and scores."""
    evaluation = load("ernie-4.5").datasets[0].evaluation
    assert evaluation is not None
    return _with(evaluation=msgspec.structs.replace(evaluation, questions=questions, sha256=sha256))


def test_a_whole_data_set_of_the_edition_is_compared() -> None:
    """As many questions as the edition says, with the digest that it says."""
    one = full(of=100, **LIBRARYS)

    assert (scores_agree(one, elsewhere(one), of_a_library()).word, one.notes) == (Word.PASS, ())


@pytest.mark.parametrize(
    ("edition", "words"),
    [
        (
            of_a_library(questions=101),
            "arithmetic isn't complete on either side; got 100 questions; wanted 101",
        ),
        (
            of_a_library(sha256="e" * 64),
            "neither side was asked the arithmetic of the edition: questions or answers differ; "
            "got sha256 qqqqqqqqqqqq…; wanted sha256 eeeeeeeeeeee…",
        ),
    ],
)
def test_a_part_of_a_data_set_passes_nothing(edition: Any, words: str) -> None:
    """However well both sides agree in it."""
    one = full(of=100, **LIBRARYS)

    with pytest.raises(EvidenceError) as caught:
        scores_agree(one, elsewhere(one), edition)

    assert str(caught.value) == words


def test_prompts_of_a_question_do_not_make_a_data_set_whole() -> None:
    """50 questions under two prompts are 50 questions."""
    samples = [one for n in range(50) for one in seeded(1.0, 1.0, number=n)]
    half = side(*samples, **LIBRARYS)

    with pytest.raises(EvidenceError, match="got 50 questions; wanted 100"):
        scores_agree(half, elsewhere(half), of_a_library())


@pytest.mark.parametrize("missing", ["harness", "decoding", "questions_sha256", "prompts_sha256"])
def test_a_record_that_says_nothing_of_its_questions_is_not_compared(missing: str) -> None:
    """Two sides that both say nothing don't say the same."""
    one = full(of=100, **{**LIBRARYS, missing: None})

    with pytest.raises(EvidenceError) as caught:
        scores_agree(one, elsewhere(one), of_a_library())

    assert str(caught.value) == (
        "serving.accuracy of m, arithmetic: the reference's record of arithmetic lacks "
        f"{missing}, so it can't be compared with. Record it anew"
    )


def test_questions_that_nobody_checked_are_told() -> None:
    """An edition without a digest can't tell one copy of a data set from another."""
    one = full(of=100, **LIBRARYS)

    assert scores_agree(one, elsewhere(one), of_a_library(sha256=None)).notes[-1] == (
        "the edition has no digest of arithmetic: both sides were asked the same 100 questions "
        "(sha256 qqqqqqqqqqqq…), and which copy that is nobody checked"
    )


def test_a_score_is_shown_without_a_reference() -> None:
    """With what a reader should know of the answers; unscored questions make it a range."""
    cut = side(
        sample(0, None), sample(1, finish_reason="length"), *(sample(n) for n in range(2, 200))
    )

    assert score_alone(full(0, 1, 2), EDITION) == ("98.50", ("98.50 points on 200 questions",))
    assert score_alone(cut, EDITION) == (
        "99.50 to 100.00",
        (
            "99.50 to 100.00 points on 200 questions",
            "1 of 200 answers were cut by max_tokens",
        ),
    )
