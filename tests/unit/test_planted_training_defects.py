"""
The table of planted defects: what goes wrong in a training run or its log, and the verdict it must get.

Recorded defects are real runs (fixtures/loss_curves); the others are made of the recorded reference.
docs/planted-defects.md is this table for people, and a test holds that it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from doubles.training_runs import Lines, Plant, losses_of, recorded, run_of, with_losses
from pytest_ernie.comparison import loss_of
from pytest_ernie.standard import load

EDITION = load("ernie-4.5")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "planted-defects.md"
REFERENCE = losses_of("sft-reference")
NOISE = {step: loss - REFERENCE[step] for step, loss in losses_of("sft-torch-bf16").items()}


class Row(NamedTuple):
    """``log`` is a recorded curve's name or what is done to the reference's lines."""

    name: str
    log: str | Plant
    word: str
    says: str
    looks: str | None = None
    method: str = "sft"


def without(*steps: int) -> Plant:
    return lambda lines: [line for place, line in enumerate(lines, 1) if place not in steps]


def again(step: int, after: int, change: Plant = lambda lines: lines) -> Plant:
    """Repeat a step's line after another one's, an hour later."""

    def plant(lines: Lines) -> Lines:
        line = change([lines[step - 1]])[0]
        clock = re.compile(r"(\d\d):(\d\d:\d\d,\d{3})")
        line = clock.sub(lambda at: f"{int(at[1]) + 1:02}:{at[2]}", line)
        line = re.sub(r"interval_runtime: [\d.]+", "interval_runtime: 1.5", line)
        return [*lines[:after], line, *lines[after:]]

    return plant


def swapped(lines: Lines) -> Lines:
    return [*lines[:449], lines[450], lines[449], *lines[451:]]


def torn(lines: Lines) -> Lines:
    return [*lines[:199], lines[199][:90] + "\n", *lines[200:]]


def shifted(by: int) -> Plant:
    return with_losses(lambda step, loss: REFERENCE[(step - 1 + by) % 500 + 1])


def grown(total: float) -> Plant:
    return with_losses(lambda step, loss: loss + total * max(0, step - 400) / 100)


def in_window(count: int, by: float) -> Plant:
    return with_losses(lambda step, loss: loss + (by if 400 < step <= 400 + count else 0))


def died_of_infinity(lines: Lines) -> Lines:
    return with_losses(lambda step, loss: "inf" if step == 30 else loss)(lines)[:30]


def nan_and_gap(lines: Lines) -> Lines:
    return without(350)(with_losses(lambda step, loss: "nan" if step == 300 else loss)(lines))


def rates_hidden(name: str) -> Plant:
    """The log says the recipe's learning rate; what the optimizer does is another matter."""
    rate = re.compile(r"learning_rate: [^,]+")

    def plant(lines: Lines) -> Lines:
        own = (line for line in recorded(name) if " loss: " in line)
        pairs = zip(own, lines, strict=True)
        return [rate.sub(rate.findall(honest)[0], line) for line, honest in pairs]

    return plant


def keeping(bits: int, name: str) -> Plant:
    """The trainer tries its matrix products at each step, and they keep so many bits."""

    def plant(lines: Lines) -> Lines:
        steps = (line for line in recorded(name) if " loss: " in line)
        return [line.rstrip("\n") + f", matrix_product_bits: {bits}\n" for line in steps]

    return plant


P, F, I = "PASS", "FAIL", "INCONCLUSIVE"  # noqa: E741 - the letters of the terminal
TABLE = [
    # honest
    Row("nothing: the same run again", "sft-again", P, "0 of 100"),
    Row("nothing: the same LoRA run again", "sft_lora-again", P, "0 of 100", method="sft_lora"),
    Row("two threads instead of one", "sft-two-threads", P, "0 of 100"),
    Row("PyTorch instead of Paddle", "sft-torch", P, "0 of 100"),
    Row("micro batches of 4, one mean over all tokens", "sft-micro-batch-4-one-mean", P, "0 of 100"),
    Row("products that keep all 24 bits of fp32", keeping(24, "sft-torch"), P, "0 of 100"),
    Row("ten outliers", in_window(10, 0.02), P, "10 of 100"),
    # what the rule can't see here
    Row("weight decay off", "sft-no-weight-decay", P, "0 of 100"),
    Row("bf16 where fp32 was", "sft-torch-bf16", P, "9 of 100"),
    Row("learning rate 1 % too high", "sft-learning-rate-101", P, "9 of 100"),
    # defects of the training
    Row("learning rate 10 % too high", "sft-learning-rate-110", F, "61 of 100", "learning rate"),
    Row("learning rate 10 % too low", "sft-learning-rate-90", F, "64 of 100", "learning rate"),
    Row("learning rate 10 % too high, LoRA", "sft_lora-learning-rate-110", F, "60 of 100",
        "learning rate", "sft_lora"),
    Row("learning rate 10 % too high, and the log hides it", rates_hidden("sft-learning-rate-110"),
        F, "61 of 100", "updates"),
    Row("learning-rate schedule off (constant)", "sft-constant-rate", F, "89 of 100",
        "learning rate"),
    Row("gradient clipping missing", "sft-no-clipping", F, "80 of 100", "unclear"),
    Row("one layer frozen", "sft-frozen-layer-1", F, "89 of 100", "updates"),
    Row("batches reordered (neighbours swapped)", "sft-swapped-batches", F, "99 of 100",
        "data order"),
    Row("another seed", "sft-seed-24", F, "99 of 100", "data order"),
    Row("another seed, LoRA", "sft_lora-seed-24", F, "99 of 100", "data order", "sft_lora"),
    Row("the first batch left out", "sft-shift-1", F, "98 of 100", "data order"),
    Row("one layer frozen, LoRA", "sft_lora-frozen-layer-1", F, "83 of 100", "updates", "sft_lora"),
    Row("warm-up missing", "sft-no-warmup", F, "45 of 100", "learning rate"),
    Row("warm-up missing, and the log hides it", rates_hidden("sft-no-warmup"), F, "45 of 100",
        "unclear"),
    Row("one batch skipped at step 201", "sft-shift-from-200", F, "98 of 100", "data order"),
    Row("half the batch", "sft-half-batch", F, "100 of 100", "data order"),
    Row("micro batches of 1, a mean of means", "sft-micro-batch-1", F, "98 of 100", "unclear"),
    Row("another model's curve", "sft-other-model", F, "77 of 100", "start"),
    Row("noise three times that of bf16", with_losses(lambda s, loss: loss + 3 * NOISE[s]), F,
        "of 100", "numeric noise"),
    Row("eleven outliers", in_window(11, 0.02), F, "11 of 100", "unclear"),
    Row("a drift to 9.9e-3 at step 500", grown(0.0099), F, "the difference grows by", "unclear"),
    Row("an offset of 0.011", with_losses(lambda s, loss: loss + 0.011), F, "100 of 100", "start"),
    Row("bf16 where fp32 was, and the trainer tries its products", keeping(8, "sft-torch-bf16"), I,
        "matrix products keep 8 bits of a number, and the recipe's float32 has 24"),
    Row("TF32 where fp32 was, and the trainer tries its products", keeping(11, "sft-torch"), I,
        "matrix products keep 11 bits"),
    # defects of the log
    Row("loss scaled by 1.05", with_losses(lambda s, loss: 1.05 * loss), F, "of 100", "scale"),
    Row("loss divided by two cards", with_losses(lambda s, loss: loss / 2), F, "of 100", "scale"),
    Row("loss constant", with_losses(lambda s, loss: 1.0), F, "of 100", "constant"),
    Row("losses shown a step late", shifted(-1), F, "of 100", "data order"),
    Row("losses shown three steps early", shifted(3), F, "of 100", "data order"),
    Row("NaN at step 300", with_losses(lambda s, loss: "nan" if s >= 300 else loss), F,
        "the loss is nan at step 300"),
    Row("infinity at step 30, and the run dies", died_of_infinity, F, "the loss is nan at step 30"),
    Row("NaN, and a step is missing", nan_and_gap, F, "the loss is nan at step 300"),
    Row("last steps cut", lambda lines: lines[:480], I, "no loss for step 481 and 19 more"),
    Row("a step of the window missing", without(450), I, "no loss for step 450;"),
    Row("a step before the window missing", without(37), I, "no loss for step 37;"),
    Row("a step repeated with another loss", again(300, 300, with_losses(lambda s, x: x + 0.1)), I,
        "step 300 is repeated with another loss"),
    Row("a step trained twice", again(300, 310), I, "step 300 is repeated with another runtime"),
    Row("steps out of order", swapped, I, "step 450 comes after step 451"),
    Row("a line torn in the middle", torn, I, "no loss for step 200;"),
    Row("the log ends inside its last line", lambda lines: [*lines[:-1], lines[-1][:120]], I,
        "no loss for step 500;"),
    Row("an empty log", lambda lines: [], I, "no loss for step 1 and 499 more"),
]  # fmt: skip


def log_of(row: Row) -> Lines:
    reference = recorded(f"{row.method}-reference")
    return recorded(row.log) if isinstance(row.log, str) else row.log(reference)


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_a_planted_defect_gets_its_verdict(row: Row) -> None:
    """The word, the sentence, and what it looks like to whoever looks for the cause."""
    verdict = loss_of(run_of(log_of(row)), run_of(recorded(f"{row.method}-reference")), EDITION)

    assert (verdict.word.value, verdict.numbers.get("looks_like")) == (row.word, row.looks)
    assert row.says in verdict.message


def test_the_page_shows_the_table() -> None:
    """docs/planted-defects.md has a line for each row, with its word and what it looks like."""
    page = PAGE.read_text(encoding="utf-8")

    missing = [
        line
        for row in TABLE
        if (line := f"| {row.name} | {row.word} | {row.looks or '–'} |") not in page
    ]
    assert missing == []
