"""
Two languages: every sentence of ours has both, and what others wrote stays as it is.
"""

from __future__ import annotations

import math
import re

import pytest

from pytest_ernie.report import words
from pytest_ernie.report.advice import _FAILED, advice
from pytest_ernie.report.chinese import PATTERNS, PHRASES
from pytest_ernie.report.grid import TITLES
from pytest_ernie.report.words import both, chinese, either, told
from pytest_ernie.standard import load
from pytest_ernie.verdicts import (
    ContextAnswer,
    Memory,
    Pace,
    Stall,
    Verdict,
    Word,
    loss_follows,
    serving_context,
    throughput_share,
    training_context,
    training_share,
)

RULINGS = load("ernie-4.5").rulings


def sentences(verdict: Verdict) -> list[str]:
    return [verdict.message, verdict.measured, verdict.required, *verdict.notes]


def answer(tokens: int | None, found: int, refusal: str | None = None) -> ContextAnswer:
    return ContextAnswer(
        length=8192,
        prompt_tokens=tokens,
        accepted=refusal is None,
        answered=refusal is None,
        refusal=refusal,
        found=tuple(place < found for place in range(5)),
    )


REFERENCE = dict.fromkeys(range(1, 501), 1.0)
WAVES = {step: 1 + math.sin(37.0 * step * step) for step in range(1, 501)}
PACE = Pace(
    step_s=(0.5,) * 500,
    tokens=5e5,
    cards=1,
    nominal_tokens_per_s=2e4,
    stalls=(Stall(step=7, seconds=3.5, cause="data loading"),),
)
VERDICTS = {
    "loss holds": lambda: loss_follows(REFERENCE, REFERENCE, RULINGS.loss),
    "loss drifts": lambda: loss_follows(
        {step: 1 + max(0, step - 380) * 2e-4 for step in REFERENCE}, REFERENCE, RULINGS.loss
    ),
    "loss is no number": lambda: loss_follows(
        {**REFERENCE, 7: float("nan")}, REFERENCE, RULINGS.loss
    ),
    "a step is missing": lambda: loss_follows(
        dict.fromkeys(range(1, 500), 1.0), REFERENCE, RULINGS.loss
    ),
    "loss of another order": lambda: loss_follows(
        {step: WAVES[501 - step] for step in WAVES}, WAVES, RULINGS.loss
    ),
    "loss with another learning rate": lambda: loss_follows(
        {step: loss - 2e-4 * step for step, loss in WAVES.items()}, WAVES, RULINGS.loss
    ),
    "loss that is scaled": lambda: loss_follows(
        {step: 1.5 * loss for step, loss in WAVES.items()}, WAVES, RULINGS.loss
    ),
    "loss beside another layout": lambda: loss_follows(
        {step: loss + 0.01 for step, loss in WAVES.items()}, WAVES, RULINGS.loss, layout_noise=0.001
    ),
    "loss beside three runs": lambda: loss_follows(WAVES, WAVES, RULINGS.loss, repeats=[WAVES] * 2),
    "pace": lambda: training_share(PACE, PACE, at_least=0.8, rule=RULINGS.training_throughput),
    "memory": lambda: training_context(
        {},
        None,
        sample_tokens=[8192],
        length=8192,
        rule=RULINGS.training_context,
        memory=Memory(peak_gib=79.5, there_gib=80, ran_out="CUDA out of memory"),
    ),
    "throughput": lambda: throughput_share(46.0, 100.0, at_least=0.5),
    "needles": lambda: serving_context(answer(8150, 4), answer(8150, 5), RULINGS.serving_context),
    "refused": lambda: serving_context(
        answer(None, 0, "status 400"), answer(8150, 5), RULINGS.serving_context
    ),
    "training context": lambda: training_context(
        dict.fromkeys(range(1, 21), 1.0),
        dict.fromkeys(range(1, 21), 1.001),
        sample_tokens=[8192],
        length=8192,
        rule=RULINGS.training_context,
    ),
}


SENTENCES = [
    "LoRA's random start was drawn by each side's own generator (Ascend 910B, and NVIDIA A100 in the "
    "reference), so they may have started apart, which alone can explain this: no reference was given",
    "a reference of an equal device, or a recipe that gives the start, can tell",
    "the candidate wrote 4 checkpoints, which took 0.4 s (0.8% of its time) and count",
    "the benchmark wrote checkpoints for 8 s, and without them would have trained 10000 tok/s: no "
    "reference was given",
    "66.25 to 70 points on 200 questions, the reference has 65.50 (1 questions lost, 4 won); a difference "
    "of 1 is allowed; 3 of the reference's questions have no score (2 × HTTP 500: a; b; 1 × others)",
    "66.25 (+0.75), weak",
    "1.5% of the answers changed; an equal chip of which as many change fails by luck with a "
    "probability of 14%",
    "8 of 400 answers are no answers: 8 repeated",
    "candidate and reference don't have the same training data, so they can't be compared; got sha256 "
    "0123456789ab…; wanted none recorded",
    "/data/chip: nothing is recorded for training.run of ERNIE-4.5-0.3B, sft. Run without --offline on the "
    "device to measure it",
    "no reference was given. Record one on the benchmark's hardware with --record-reference, and name its "
    "folder with --reference",
    "in an earlier attempt the server died at 16 requests in flight: it ran out of memory",
    "the load client may have been the bottleneck at 8 in flight: it took 95.0 % of a core, at most 90% is "
    "accepted; measure with more client processes, or from a host with nothing else to do",
    "16 in flight: 4.8 % of the requests failed, at most 0.1 % may (48 of 48 like this: HTTP 503), mean time "
    "to first token 1.058 s, must be < 1 s, mean decode speed 13.4 tok/s, must be ≥ 20",
    "attempt 1, which was cut short, had other losses at 12 of the steps that were trained again: 1.5 at "
    "step 7, where the completed one has 1.25",
    "the engine doesn't show the type of 2 of 8 weight matrices, the first is q.weight",
    "the cards were slowed down while they were measured: thermal slowdown in 7% of the readings",
    "training.loss[ERNIE-4.5-0.3B-sft] is NOT RUN",
    "serving.load of ERNIE-4.5-0.3B, w4a8, 27 in flight, run 1",
]
"""Sentences as they were met, of whoever forms them from several parts."""


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_of_several_parts_is_told_in_chinese_to_its_end(sentence):
    """No part of ours is left in English; what a server or a name says stays, and so does every figure."""
    told = chinese(sentence) or ""

    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", told), told
    assert sorted(re.findall(r"\d+", sentence)) == sorted(re.findall(r"\d+", told))


def test_an_errors_parts_are_each_a_sentence():
    """Where, what and what to do (errors.py), with the stops of Chinese."""
    told = chinese(
        "/data/chip: nothing is recorded for training.run of ERNIE-4.5-0.3B, sft. Run without --offline on "
        "the device to measure it"
    )

    assert told == (
        "/data/chip：没有 训练（ERNIE-4.5-0.3B, sft） 的记录。请在设备上去掉 --offline 运行以进行测量"
    )


@pytest.mark.parametrize("name", VERDICTS)
def test_every_sentence_of_a_verdict_is_told_in_chinese(name):
    verdict = VERDICTS[name]()

    for sentence in sentences(verdict):
        if re.search("[a-z]{3}", sentence.replace("tok/s", "").replace("nan", "")):
            assert chinese(sentence) is not None, sentence


def test_figures_survive_translation():
    """No number is lost or invented: each stands in both sentences."""
    for make in VERDICTS.values():
        for sentence in sentences(make()):
            other = chinese(sentence)
            if other is not None:
                assert sorted(re.findall(r"\d+", sentence)) == sorted(re.findall(r"\d+", other))


@pytest.mark.parametrize("word", Word)
@pytest.mark.parametrize("clause", _FAILED)
def test_advice_is_there_in_both_languages(clause, word):
    text = advice(clause, Verdict(word=word, message="m"))

    assert bool(text) == (word not in (Word.PASS, Word.UNSPECIFIED))
    assert not text or chinese(text)


@pytest.mark.parametrize("text", [*TITLES.values(), *(word.value for word in Word)])
def test_titles_and_words_are_in_both_languages(text):
    assert chinese(text)


def test_what_others_wrote_is_not_translated():
    assert chinese("ERNIE-4.5-0.3B") is None
    assert both("<b>") == "&lt;b&gt;"
    assert told("<b>") == "<bdi>&lt;b&gt;</bdi>"


def test_a_quotation_inside_a_sentence_stays_harmless():
    text = told("the server refused a prompt of 8192 tokens: <script>\u202e")

    assert "服务端拒绝了" in text
    assert "<script" not in text
    assert "\u202e" not in text


def test_an_attribute_holds_both():
    assert either("Tier I") == "Tier I / I 级"
    assert either("ERNIE") == "ERNIE"


def test_a_pattern_that_holds_the_whole_text_comes_to_an_end(monkeypatch):
    """A translation that asks for itself would cost the whole report."""
    monkeypatch.setattr(words, "_COMPILED", ((re.compile("(.+)"), r"甲\1"),))

    assert chinese("a text that is asked for once") == "甲a text that is asked for once"


def test_a_long_text_costs_no_search():
    """Patterns are for our own sentences; a megabyte of a model's answer isn't one."""
    assert chinese("x, " * 1_000_000) is None


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS])
def test_every_pattern_fills_in_groups_that_it_has(pattern):
    template = dict(PATTERNS)[pattern]

    assert (
        max((int(n) for n in re.findall(r"\\(\d+)", template)), default=0)
        <= re.compile(pattern).groups
    )


def test_no_phrase_is_translated_into_nothing():
    assert all(PHRASES.values())
