"""
The transformers trainer's inside, as far as it goes without torch, held to what PaddleFormers really did.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from pytest_ernie import rehearsal
from pytest_ernie.standard import load
from pytest_ernie.trainers.inside.ernie_torch.draws import Draws
from pytest_ernie.trainers.inside.ernie_torch.job import Job, JobError, read_job
from pytest_ernie.trainers.inside.ernie_torch.samples import (
    Conversation,
    Sample,
    encoded,
    micro_batches,
    order,
    read_conversations,
    stream,
)
from pytest_ernie.trainers.inside.ernie_torch.schedule import learning_rate
from pytest_ernie.trainers.protocol import TrainingJob
from pytest_ernie.trainers.transformers import INSIDE, as_job

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
FED = FIXTURES / "paddleformers_feed"
MARKS = ("<|begin_of_sentence|>", "<|end_of_sentence|>", "</s>")


def described(**changes: Any) -> dict[str, Any]:
    """The rehearsal's SFT as the adapter describes it, with changes."""
    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft")
    assert recipe is not None
    job = TrainingJob(
        recipe=recipe, checkpoint="/model", data="/data", workdir="/work", paddle_device="cpu"
    )
    return {**as_job(job), **changes}


def a_job(**changes: Any) -> Job:
    return read_job(json.dumps(described(**changes)))


def characters(text: str) -> list[int]:
    """A character is a token, and so is a mark of the template."""
    return [MARKS.index(text) + 1] if text in MARKS else [100 + ord(c) for c in text]


def test_it_feeds_what_paddleformers_fed() -> None:
    """
    Nine steps over twenty lines, three passes: ids, labels and order of 72 samples, as recorded.

    Among them turns, system texts, labels of the data set, a line without text, and too long ones.
    """
    fast = Tokenizer.from_file(str(rehearsal.checkpoint() / "tokenizer.json"))
    samples = stream(
        read_conversations(FED / "samples.jsonl"),
        lambda text: list(fast.encode(text, add_special_tokens=False).ids),
        256,
        23,
    )
    steps = micro_batches(samples, size=8, accumulation=1, processes=1, rank=0)

    recorded = [json.loads(line) for line in (FED / "batches.jsonl").read_text().splitlines()]
    fed = [[[sample.ids, sample.labels] for sample in next(steps)[0]] for _ in range(len(recorded))]
    assert recorded == fed


def test_lora_starts_from_paddlepaddles_numbers() -> None:
    """
    Every A of the two layers is PaddlePaddle's to the last bit; the whole model is drawn before.
    """
    recorded = json.loads((FED / "lora_start.json").read_text())
    config = json.loads((rehearsal.checkpoint() / "config.json").read_text())
    words = config["vocab_size"] * config["hidden_size"]
    out = {"qkv_proj": 256, "o_proj": 192, "up_gate_proj": 1152, "down_proj": 192}
    sizes = {name: a["shape"][0] * out[name.split(".")[-2]] for name, a in recorded.items()}
    draws = Draws(23)
    draws.skip(words + sum(sizes.values()))
    draws.skip_normal(words)

    for name, size in sizes.items():
        width, rank = recorded[name]["shape"]
        limit = math.sqrt(1 / 3) * math.sqrt(3 / width)
        draws.skip(size)
        drawn = draws.uniform(width * rank, -limit, limit)
        assert recorded[name]["first"] == [float(value) for value in drawn[:3]]
        assert recorded[name]["sha256"] == hashlib.sha256(drawn.tobytes()).hexdigest()


@pytest.mark.parametrize("passed_over", [0, 1, 311, 312, 313, 1000])
def test_numbers_that_are_passed_over_are_those_that_would_come(passed_over: int) -> None:
    """To skip is to draw and to forget, across blocks of 312."""
    one, other = Draws(7), Draws(7)
    one.skip(passed_over)
    other.uniform(passed_over, 0, 1)

    assert np.array_equal(one.uniform(400, 0, 1), other.uniform(400, 0, 1))


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_the_learning_rate_is_what_paddleformers_logged(method: str) -> None:
    """All 500 steps; its line tells the rate of the next one."""
    log = gzip.decompress((FIXTURES / "loss_curves" / f"{method}-reference.log.gz").read_bytes())
    logged = re.findall(r"learning_rate: ([^,]+), global_step: (\d+)", log.decode())
    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", method)
    assert recipe is not None
    job = a_job(learning_rate=recipe.learning_rate)

    ours = [float(f"{learning_rate(job, int(step) + 1):.3e}") for _, step in logged]
    assert len(logged) == 500
    assert [float(rate) for rate, _ in logged] == ours


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 1, 0.0),
        ("constant", 20, 0.95),
        ("constant", 21, 1.0),
        ("constant", 500, 1.0),
        ("linear", 21, 1.0),
        ("linear", 261, 0.5),
        ("linear", 500, 1 / 480),
        ("cosine", 21, 1.0),
        ("cosine", 261, 0.55),
        ("cosine", 501, 0.1),
    ],
)
def test_other_schedules(schedule: str, step: int, expected: float) -> None:
    """Warm-up from 0, the whole rate after it, then by the schedule; only cosine ends at min_lr."""
    job = a_job(learning_rate=1.0, min_learning_rate=0.1, schedule=schedule)

    assert learning_rate(job, step) == pytest.approx(expected)


def test_each_pass_shuffles_the_one_before() -> None:
    """All lines in every pass, in another order each."""
    passes = order(50, 23)
    first, second = next(passes), next(passes)

    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert next(order(50, 23)) == first
    assert next(order(50, 24)) != first


def test_a_step_is_cut_into_micro_batches_and_processes() -> None:
    """
    Two processes, two micro batches of two: whoever lays them out otherwise trains on the same eight.
    """

    def numbered() -> Iterator[Sample]:
        yield from (Sample(ids=[n], labels=[n]) for n in range(16))

    def ids(rank: int) -> list[list[int]]:
        steps = micro_batches(numbered(), size=2, accumulation=2, processes=2, rank=rank)
        return [[sample.ids[0] for sample in batch] for batch in next(steps)]

    assert ids(0) == [[0, 1], [4, 5]]
    assert ids(1) == [[2, 3], [6, 7]]


def test_an_end_that_is_cut_off_is_not_learned() -> None:
    """What is too long loses its end, and a sample without an answer is none."""
    talk = Conversation(system="", questions=["a"], answers=["bc"])
    whole = encoded(talk, characters, 1000)
    assert whole is not None
    length = len(whole.ids)

    at = encoded(talk, characters, length)
    under = encoded(talk, characters, length - 1)
    assert at == whole
    assert under is not None
    assert under.labels[-3:] == [198, 199, -100]
    assert encoded(talk, characters, length - 3) is None


def test_nothing_to_learn_is_an_error() -> None:
    """PaddleFormers would look for a sample for ever."""
    talk = Conversation(system="", questions=["a" * 50], answers=["b"])

    with pytest.raises(ValueError, match="no sample has an answer left to learn from"):
        next(stream([talk], characters, 10, 23))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": None}, "seed is None, no int"),
        ({"steps": True}, "steps is True, no int"),
        ({"steps": 0}, "steps is 0, at least 1 is needed"),
        ({"method": "dpo"}, "method is 'dpo', none of sft, sft_lora"),
        ({"precision": "float16"}, "precision is 'float16', none of float32, bfloat16"),
        ({"lora_rank": 8}, "lora_rank 8 doesn't fit sft"),
        ({"micro_batch": 3}, "global_batch 8 is no multiple of micro_batch 3 x 1 processes"),
        ({"surprise": 1}, "the job has an unknown surprise"),
    ],
)
def test_a_job_that_can_t_be_run_is_refused(change: dict[str, Any], message: str) -> None:
    """Missing, unknown, of a wrong type, or against itself."""
    with pytest.raises(JobError, match=re.escape(message)):
        a_job(**change)


def test_a_job_lacks_nothing() -> None:
    """What isn't said isn't guessed."""
    raw = described()
    del raw["tf32"]

    with pytest.raises(JobError, match="the job has no tf32"):
        read_job(json.dumps(raw))
    with pytest.raises(JobError, match="the job is no JSON"):
        read_job("{")


def test_the_program_refuses_a_job_without_torch(tmp_path: Path) -> None:
    """It is read before anything heavy is imported; the last line says why, and the exit code is 2."""
    job = tmp_path / "job.json"
    job.write_text(json.dumps(described(schedule="staircase")))

    run = subprocess.run(
        [sys.executable, "-m", "ernie_torch", str(job)],
        env={"PYTHONPATH": str(INSIDE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stdout == (
        "ernie_torch: schedule is 'staircase', none of constant, linear, cosine\n"
    )


def test_the_adapter_describes_all_that_the_recipe_says() -> None:
    """Every field of the job has the recipe's value, where the recipe has one of that name."""
    recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft_lora")
    assert recipe is not None
    job = TrainingJob(
        recipe=recipe, checkpoint="/model", data="/data", workdir="/work", paddle_device="cpu"
    )
    read = read_job(json.dumps(as_job(job)))

    said = {name: value for name, value in recipe.identity.items() if hasattr(read, name)}
    assert len(said) >= 17
    assert {name: getattr(read, name) for name in said} == said
