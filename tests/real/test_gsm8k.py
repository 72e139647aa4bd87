"""
The real GSM8K, by the real evaluation library, from a server of which every answer is known.

PYTEST_ERNIE_DATA names a folder with the data set: the suite ships none of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from doubles.openai_server import Behaviour, FakeServer
from doubles.oracle import Oracle, faulty, gsm8k_rows
from pytest_ernie.accuracy.data import find
from pytest_ernie.evidence import Record, Store, What
from pytest_ernie.measurements.accuracy import Answers, read_answers
from pytest_ernie.standard import load
from pytest_ernie.standard.model import Dataset

MODEL = "ERNIE-4.5-0.3B"
CONFORMANCE = Path(__file__).parents[2] / "conformance"
QUESTIONS = 1319
PATIENCE_S = 3000
"""The library compares each answer in a child process: two minutes of a quiet machine, many of a busy one."""


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder; without it these tests fail, since they were asked for by name."""
    assert "PYTEST_ERNIE_DATA" in os.environ, "name a folder that holds GSM8K"
    folder = Path(os.environ["PYTEST_ERNIE_DATA"])
    assert find(gsm8k(), data=folder) is not None
    return folder


def gsm8k() -> Dataset:
    """The edition's."""
    return next(data for data in load("ernie-4.5").datasets if data.name == "GSM8K")


def start(url: str, data: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Certify the one criterion, as an appliance maker would."""
    command = [
        *(sys.executable, "-m", "pytest", str(CONFORMANCE), "-p", "no:cacheprovider"),
        *("--rootdir", str(folder), "-m", "tier1 and accuracy", "-k", "GSM8K"),
        *(f"--endpoint={url}", f"--data={data}", f"--models={MODEL}", "--applicant=appliance"),
    ]
    with (folder / "out.txt").open("ab") as out:
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)


def recorded(folder: Path) -> Answers:
    """What stands in the evidence."""
    store = Store.existing(folder / "ernie-evidence")
    begin = store.journal.of_type["begin"][-1]
    record = store.find(What(**begin.body["spec"]))
    assert isinstance(record, Record)
    return read_answers(record)


@pytest.mark.parametrize("right", [0.87, 0.435])
def test_killed_and_faulty_the_score_is_the_truth(tmp_path: Path, data: Path, right: float) -> None:
    """
    5 % of the requests fail, the run is killed in the middle, and no question is wrong, lost or asked twice.
    """
    rows = gsm8k_rows(data / "gsm8k-test.jsonl")
    oracle = Oracle(rows, right)
    behaviour = Behaviour(model=MODEL, reply=oracle.reply, first_token_delay_s=0.2)
    journal = tmp_path / "ernie-evidence" / "journal.jsonl"
    with FakeServer(behaviour) as server:
        server.faults.extend([None] * 4 + faulty(3000, 0.05))
        first = start(server.base_url, data, tmp_path)
        deadline = time.monotonic() + PATIENCE_S
        while not journal.exists() or journal.read_bytes().count(b'"type":"sample"') < 500:
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        first.kill()
        first.wait()
        samples = Store.existing(journal.parent).journal.of_type["sample"]
        answered = {entry.body["id"] for entry in samples if entry.body["error"] is None}
        before = len(server.asked)
        second = start(server.base_url, data, tmp_path)
        second.wait(PATIENCE_S)
        again = [*oracle.asked(server.asked[before:])]
        third = start(server.base_url, data, tmp_path)
        third.wait(PATIENCE_S)
        after = [*oracle.asked(server.asked[before:])]
    answers = recorded(tmp_path)

    assert 500 <= len(answered) < QUESTIONS
    assert answered.isdisjoint(again)
    assert after == again  # what is measured isn't asked again
    assert answers.scores == oracle.truth
    assert sum(oracle.truth.values()) == round(right * QUESTIONS)
    assert Counter(answer.error for answer in answers.answers.values()) == {None: QUESTIONS}
    assert max(answer.attempts for answer in answers.answers.values()) > 1
