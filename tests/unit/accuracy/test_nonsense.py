"""
Broken answers are told from wrong ones: early on a broken server, never on an honest one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie import rehearsal
from pytest_ernie.accuracy.ask import ask
from pytest_ernie.accuracy.nonsense import (
    BROKEN,
    IDENTICAL_CHARACTERS,
    LOOPING_CHARACTERS,
    WINDOW,
    Seen,
    Watch,
    seen_of,
    why_broken,
)
from pytest_ernie.accuracy.tasks import Question
from pytest_ernie.engines.dialects import VLLM

HONEST = "Natalia sold 48 / 2 = 24 clips in May, and 48 + 24 = 72 altogether. The answer is 72."
LOOP = "!" * 512


def answers(*texts: str) -> list[Seen]:
    """An answer to each of as many questions."""
    return [Seen(question=f"q{number}", text=text) for number, text in enumerate(texts)]


def broken_server(seen: list[Seen]) -> str | None:
    """The first sentence that watching these answers, in the order in which they came, gives."""
    watch = Watch()
    return next((told for one in seen if (told := watch.see(one)) is not None), None)


def honest(count: int) -> list[str]:
    """Right and wrong ones, all different."""
    return [HONEST.replace("72", str(number)) for number in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        LOOP,
        "the " * 300,
        "0 0 0 0 " * 64,
        "<unk>" * 99,
        "答" * 200,
        "是的，" * 100,
        HONEST + " So so" + " so" * 200,
        "\n".join(["I can't."] * 40),
    ],
)
def test_one_piece_again_and_again_is_no_answer(text: str) -> None:
    """A character, a token, a few of them; it may have begun well."""
    assert why_broken(Seen(question="q", text=text)) == "repeated"


@pytest.mark.parametrize(
    "text",
    [
        "ha ha ha",
        "1" + "0" * 40,
        "horse olive " * 8,
        "-" * 40 + "\nA title",
        "\n".join(f"{n}. Take the number {n} and double it." for n in range(40)),
        "| a | b |\n|---|---|\n" + "| x | y |\n" * 8,
        HONEST + " " + "=" * 60,
        "0.3333333333333333333333333333333",
    ],
)
def test_what_repeats_for_a_reason_is_an_answer(text: str) -> None:
    """Numbers, rules, lists, tables, and IFEval's wishes to say something ten times."""
    assert why_broken(Seen(question="q", text=text)) is None


def test_a_loop_is_one_from_its_length_and_its_share_on() -> None:
    """At, under and over."""
    for length, kind in ((LOOPING_CHARACTERS - 1, None), (LOOPING_CHARACTERS, "repeated")):
        assert why_broken(Seen(question="q", text="7" * length)) == kind
    for begin, kind in ((43, None), (42, "repeated")):
        varied = "".join(chr(0x4E00 + 7 * n) for n in range(begin))
        assert why_broken(Seen(question="q", text=varied + "!" * (140 - begin))) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\ufffd" * 8, "unprintable"),
        ("ab\x00\x01\x02\x03cd", "unprintable"),
        ("\ue000\ue001\ue002\ue003 x", "unprintable"),
        ("caf\ufffd, 7 clips", None),  # a token cut in the middle of a character
        ("\ufffd\ufffd\ufffd", None),
        ("a\tb\r\nc\td\n" * 3, None),
        ("Ünïcödé 文心 🙂 ١٢٣ ﬁ", None),
    ],
)
def test_what_no_screen_can_show_is_no_answer(text: str, kind: str | None) -> None:
    """From four characters and a fifth of the text on."""
    assert why_broken(Seen(question="q", text=text)) == kind


@pytest.mark.parametrize(("finished", "kind"), [(True, "empty"), (False, None)])
def test_empty_is_broken_only_if_the_model_ended_it(finished: bool, kind: str | None) -> None:
    """What max_tokens cut was on its way somewhere."""
    assert why_broken(Seen(question="q", text=" \n", finished=finished)) == kind


@pytest.mark.parametrize(("broken", "flagged"), [(BROKEN - 1, False), (BROKEN, True)])
def test_twenty_of_the_last_answers_flag_the_server(broken: int, flagged: bool) -> None:
    """At and under; an honest one in between doesn't save it."""
    texts = [LOOP] * broken + honest(WINDOW - broken)
    random.Random(1).shuffle(texts)

    assert bool(broken_server(answers(*texts))) is flagged


def test_only_the_latest_answers_count() -> None:
    """Nineteen broken ones, long ago, say nothing of now."""
    texts = [LOOP] * (BROKEN - 1) + honest(WINDOW) + [LOOP] * (BROKEN - 1)

    assert broken_server(answers(*texts)) is None
    assert broken_server(answers(*texts, LOOP)) is not None


def test_the_sentence_says_what_is_broken() -> None:
    """How many, of how many, and how."""
    texts = honest(2) + [LOOP] * 13 + ["\ufffd" * 9] * 4 + [""] * 3

    assert broken_server(answers(*texts)) == (
        "20 of the last 22 answers are broken: 13 a token or a few again and again, 4 unprintable "
        "characters, 3 nothing at all"
    )


def test_the_same_long_answer_to_different_questions_is_broken() -> None:
    """Whatever it says; the same question under several prompts may well be answered alike."""
    assert broken_server(answers(*[HONEST] * BROKEN)) == (
        "20 of the last 20 answers are broken: 20 the same answer to different questions"
    )
    one_question = [Seen(question="q", text=HONEST) for _ in range(WINDOW)]
    assert broken_server(one_question) is None


@pytest.mark.parametrize("text", ["A", "yes", "42", "没有", "x" * (IDENTICAL_CHARACTERS - 1)])
def test_short_answers_may_agree(text: str) -> None:
    """A hundred right answers B in a row are possible; a wrong kernel that says B fails by its score."""
    assert broken_server(answers(*[text] * WINDOW)) is None


def recorded() -> Iterator[tuple[str, Seen]]:
    """Every answer of the rehearsal's shipped reference, in the order in which they came."""
    journal = Path(rehearsal.__file__).parent / "reference" / "journal.jsonl"
    names: dict[str, str] = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        body = entry["body"]
        if entry["type"] == "begin" and body["spec"]["kind"] == "serving.accuracy":
            names[entry["id"]] = f"{body['spec']['dataset']} {body['spec']['datatype']}"
        if entry["type"] == "sample" and entry["id"] in names:
            finished = body["finish_reason"] != "length"
            seen = Seen(question=body["id"], text=body["answer"], finished=finished)
            yield names[entry["id"]], seen


def test_a_real_models_answers_are_never_broken() -> None:
    """2400 answers of the rehearsal's model in three data types: not one, let alone twenty."""
    by_set: dict[str, list[Seen]] = {}
    for name, seen in recorded():
        by_set.setdefault(name, []).append(seen)

    assert sum(map(len, by_set.values())) == 2400
    for name, seen in by_set.items():
        assert [one for one in seen if why_broken(one)] == [], name
        assert broken_server(seen) is None, name


def test_one_answer_in_five_may_loop() -> None:
    """A small model under greedy decoding does; 5000 answers of one raise no alarm."""
    rng = random.Random(20251103)
    texts = [LOOP if rng.random() < 0.2 else text for text in honest(5000)]

    assert broken_server(answers(*texts)) is None


@pytest.mark.parametrize("broken", [BROKEN - 1, BROKEN])
def test_a_server_that_talks_nonsense_is_not_asked_on(broken: int) -> None:
    """What it said is kept and scored; the rest has no score, and says why."""
    questions = [Question(id=f"q{n:02d}", question=f"{n}?", answer=str(n)) for n in range(60)]
    asked = 0

    def reply(prompt: str) -> str:
        nonlocal asked
        asked += 1
        return LOOP if asked <= broken else f"{asked} is the answer."

    watch, told = Watch(), []
    with FakeServer(Behaviour(reply=reply)) as server:
        records = ask(
            server.base_url,
            "m",
            questions,
            dialect=VLLM,
            max_tokens=8,
            concurrency=1,
            on_answer=told.append,
            stop=lambda record: watch.see(seen_of(record)),
        )

    answered = [record for record in records if record.error is None]
    assert sorted(record.id for record in told) == [question.id for question in questions]
    if broken < BROKEN:
        assert len(answered) == 60
        return
    assert [record.score for record in answered] == [0.0] * broken
    unasked = records[len(answered) :]
    assert {record.error for record in unasked} == {
        "not asked: 20 of the last 20 answers are broken: 20 a token or a few again and again"
    }
    assert {record.score for record in unasked} == {None}
