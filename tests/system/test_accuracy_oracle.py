"""
A data set asked end to end over HTTP from a server of which it is known what it answers right.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from doubles.accuracy_lab import MODEL, STAND_IN, AccuracyLab
from doubles.openai_server import Behaviour, FakeServer
from doubles.oracle import Oracle, faulty, made_up_rows
from pytest_ernie.accuracy.data import found
from pytest_ernie.accuracy.library import Library
from pytest_ernie.errors import MeasurementError, SiteError
from pytest_ernie.evidence import Store
from pytest_ernie.paired_answers import reasons
from pytest_ernie.toolchains.toolchain import Toolchain

ROWS = made_up_rows(100)
PATIENCE_S = 60


@pytest.fixture
def lab(tmp_path: Path) -> AccuracyLab:
    """100 questions of GSM8K's shape, and the stand-in of the evaluation library."""
    return AccuracyLab(tmp_path, ROWS)


def serving(oracle: Oracle, **behaviour: object) -> FakeServer:
    """A server that answers as the oracle says."""
    return FakeServer(Behaviour(model=MODEL, reply=oracle.reply, **behaviour))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("right", [0.0, 0.87])
def test_the_score_is_the_truth_to_the_question(lab: AccuracyLab, right: float) -> None:
    """However many the server answers right."""
    oracle = Oracle(ROWS, right)
    with serving(oracle) as server:
        answers = lab.measure(server.base_url)

    assert answers.scores == oracle.truth
    assert sum(answers.scores.values()) == round(right * 100)  # type: ignore[arg-type]  # none is None
    assert Counter(oracle.asked(server.asked)) == Counter(oracle.truth.keys())


def test_failing_requests_change_no_score(lab: AccuracyLab) -> None:
    """5 % of them are answered 429 or 500 or are cut, and asked again."""
    oracle = Oracle(ROWS, 0.87)
    with serving(oracle) as server:
        server.faults.extend([None] * 4 + faulty(300, 0.05))
        answers = lab.measure(server.base_url)

    assert answers.scores == oracle.truth
    assert any(answer.attempts > 1 for answer in answers.answers.values())


def test_a_killed_run_goes_on_where_it_was(lab: AccuracyLab) -> None:
    """SIGKILL in the middle: what was answered isn't asked again, and nothing is lost."""
    oracle = Oracle(ROWS, 0.87)
    with serving(oracle, first_token_delay_s=0.3) as server:
        running = subprocess.Popen(
            lab.command(server.base_url),
            cwd=lab.folder,
            env=lab.environment,
            stdout=subprocess.DEVNULL,
        )
        journal = lab.folder / "ernie-evidence" / "journal.jsonl"
        deadline = time.monotonic() + PATIENCE_S
        while not journal.exists() or journal.read_bytes().count(b'"type":"sample"') < 30:
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.kill()
        running.wait()
        samples = Store.existing(journal.parent).journal.of_type["sample"]
        answered = {entry.body["id"] for entry in samples}
        before = len(server.asked)
        answers = lab.measure(server.base_url)

    assert 30 <= len(answered) < 100
    assert list(journal.parent.glob("scratch/evaluation-*")) == []  # prompts may be large
    assert answered.isdisjoint(oracle.asked(server.asked[before:]))
    assert answers.scores == oracle.truth


def test_what_a_record_holds(lab: AccuracyLab) -> None:
    """Everything that tells afterwards what was asked, what came, and why it has that score."""
    oracle = Oracle(ROWS, 1.0)
    with serving(oracle) as server:
        answers = lab.measure(server.base_url)
    answer = answers.answers["main/3"]
    data = answers.record.data

    assert (answer.id, answer.group, answer.score, answer.error) == ("main/3", "main", 1.0, None)
    assert (
        answer.answer
        == f"Adding up gives {answer.extracted}. So the answer is \\boxed{{{answer.extracted}}}"
    )
    assert len({record.question_digest for record in answers.answers.values()}) == 100
    assert len({record.prompt_digest for record in answers.answers.values()}) == 100
    assert (answer.finish_reason, answer.attempts, answer.status) == ("stop", 1, 200)
    assert answer.prompt_tokens is not None and answer.output_tokens == 9
    assert data["questions"] == 100
    assert data["decoding"] == "greedy, at most 1024 tokens"
    assert "gsm8k v0" in data["harness"]
    body = next(b for b in server.asked if "Shelf 3 " in b["messages"][-1]["content"][-150:])
    assert (body["temperature"], body["max_tokens"]) == (0, 1024)
    assert body["messages"][0]["content"].startswith(ROWS[0]["question"])  # the examples come first


def test_an_answer_that_was_cut_is_counted(lab: AccuracyLab) -> None:
    """And said beside the score, which has it as the library does."""
    oracle = Oracle(ROWS, 1.0)
    endless = Behaviour(
        model=MODEL,
        reply=lambda prompt: "so " * 2000 if "Shelf 7 " in prompt[-150:] else oracle.reply(prompt),
    )
    with FakeServer(endless) as server:
        answers = lab.measure(server.base_url)

    assert [id for id, score in answers.scores.items() if score == 0.0] == ["main/7"]
    assert answers.notes == ("1 of 100 answers were cut by max_tokens",)


def test_a_question_that_is_never_answered_is_unscored(lab: AccuracyLab) -> None:
    """The library isn't given it."""
    oracle = Oracle(ROWS, 1.0)
    with serving(oracle, window=700) as server:
        answers = lab.measure(server.base_url)

    assert set(answers.scores.values()) == {None}
    assert str(reasons(answers.answers.values())).startswith("HTTP 400: ")


def test_an_answer_that_the_library_cannot_score_is_unscored(lab: AccuracyLab) -> None:
    """Its own bug about one answer costs that one."""
    oracle = Oracle(ROWS, 1.0)
    planted = Behaviour(
        model=MODEL,
        reply=lambda prompt: (
            "PLANTED error" if "Shelf 7 " in prompt[-150:] else oracle.reply(prompt)
        ),
    )
    with FakeServer(planted) as server:
        answers = lab.measure(server.base_url)

    assert [id for id, score in answers.scores.items() if score is None] == ["main/7"]
    assert reasons(answers.answers.values()) == "evalscope can't score it (ValueError: planted)"


def test_a_library_that_ends_early_ends_the_measurement(lab: AccuracyLab) -> None:
    """In its own words; the answers stay for the next attempt."""
    with FakeServer(Behaviour(model=MODEL, reply=lambda prompt: "PLANTED end")) as server:
        with pytest.raises(MeasurementError) as caught:
            lab.measure(server.base_url)
        before = len(server.asked)
        server.behaviour.reply = Oracle(ROWS, 1.0).reply
        with pytest.raises(MeasurementError):
            lab.measure(server.base_url)

    assert "the evaluation library made no scores of GSM8K" in str(caught.value)
    assert "planted end" in str(caught.value)
    assert len(server.asked) - before < 5  # what the suite asks of any server


def test_other_questions_than_the_editions_are_refused(lab: AccuracyLab) -> None:
    """Before anything is asked."""
    lab.write("gsm8k-test", ROWS[:-1])
    with serving(Oracle(ROWS, 1.0)) as server, pytest.raises(SiteError) as caught:
        lab.measure(server.base_url)

    assert str(caught.value) == (
        f"{lab.folder / 'data'}: GSM8K isn't complete; got 99 questions; wanted 100"
    )
    assert server.asked == []


def test_what_is_checked_of_an_answer_is_part_of_the_question(tmp_path: Path) -> None:
    """IFEval's instructions stand beside its prompts; an empty cell of a table is no instruction."""
    checks = ({"commas": 0}, {"commas": 0, "words": None}, {"commas": 9})
    digests = [
        questions_sha256(tmp_path / str(number), [{**ROWS[0], "checks": each}])
        for number, each in enumerate(checks)
    ]

    assert digests[0] == digests[1] != digests[2]


def questions_sha256(folder: Path, rows: list[dict[str, object]]) -> str:
    """Digest of these questions, as the library makes them."""
    folder.mkdir()
    lab = AccuracyLab(folder, rows)  # type: ignore[arg-type]  # one of its rows has more than texts
    dataset = lab.settings("http://127.0.0.1:9/v1").edition.datasets[0]
    stand_in = Toolchain(
        name="evaluator", python=sys.executable, digest="", env={"PYTHONPATH": str(STAND_IN)}
    )
    library = Library(stand_in, dataset, found(dataset, data=folder / "data"), folder)
    return library.prompts().questions_sha256


def test_several_prompts_of_a_question_are_asked_and_scored(tmp_path: Path) -> None:
    """Seed 0 is the plain prompt; under the others the edition's system prompts come first."""
    few = ROWS[:20]
    lab = AccuracyLab(tmp_path, few, ("prompt_seeds = 1", "prompt_seeds = 2"))
    oracle = Oracle(few, 0.5)
    with serving(oracle) as server:
        answers = lab.measure(server.base_url)
    leads = Counter(b["messages"][0]["content"] for b in server.asked if len(b["messages"]) > 1)

    assert answers.record.data["questions"] == 20
    assert {id: answers.scores[f"{id}#1"] for id in oracle.truth} == oracle.truth
    assert {id: answers.scores[id] for id in oracle.truth} == oracle.truth
    assert leads == {"You are a helpful assistant.": 20}


def test_pictures_are_sent_as_data_urls(tmp_path: Path) -> None:
    """Where the library puts them, with the text around them."""
    few = ROWS[:4]
    lab = AccuracyLab(tmp_path, few, ('benchmark = "gsm8k"', 'benchmark = "vision"'))
    oracle = Oracle(few, 1.0)
    with serving(oracle) as server:
        answers = lab.measure(server.base_url)
    parts = next(b["messages"][0]["content"] for b in server.asked if b["max_tokens"] == 1024)

    assert answers.scores == oracle.truth
    assert [part["type"] for part in parts] == ["image_url", "text"]
    assert parts[0]["image_url"] == {"url": "data:image/png;base64,iVBORw0KGgo="}
