"""
Which pictures are drawn, and why the others aren't.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import msgspec
import pytest

from doubles.load_client import SOUND
from doubles.load_records import TWO_SLOTS, result
from pytest_ernie.errors import EvidenceMissing, ReferenceBeingRecorded
from pytest_ernie.outcomes import Judgement
from pytest_ernie.report.matrix import matrix
from pytest_ernie.report.pictures import pictures
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Bounds, LoadPoint, Verdict, Word

EDITION = load("rehearsal")


class Bench:
    """A side that holds everything, unless it is told what to raise instead."""

    def __init__(self, **raised: Exception) -> None:
        self._raised = raised

    def _or_raise(self, name: str, value: object) -> object:
        if name in self._raised:
            raise self._raised[name]
        return value

    def training_run(self, criterion):
        losses = {step: 1 / step for step in range(1, 501)}
        return self._or_raise("training_run", SimpleNamespace(losses=losses, repeats=()))

    def training_context(self, criterion):
        losses = {step: 1 / step for step in range(1, 21)}
        name = f"training_context_{criterion.length}"
        return self._or_raise(name, SimpleNamespace(losses=losses))

    store = SimpleNamespace(
        blobs=SimpleNamespace(get=lambda name: msgspec.json.encode(result(*TWO_SLOTS)))
    )

    def context(self, criterion):
        data = {"needles": [{"depth": 0.5, "found": True}]}
        return self._or_raise("context", SimpleNamespace(record=SimpleNamespace(data=data)))

    def peak_throughput(self, criterion):
        point = LoadPoint(
            workload="text",
            concurrency=1,
            output_tokens_per_s=100.0,
            ttft_mean_s=0.1,
            ttft_percentile_s=0.1,
            decode_mean_tokens_per_s=50.0,
            decode_percentile_tokens_per_s=50.0,
            failed_share=0.0,
            full_length_share=1.0,
            client=SOUND,
        )
        loads = SimpleNamespace(
            name="text",
            bounds=Bounds(ttft_s=1.0, decode_tokens_per_s=10.0),
            rule=EDITION.rulings.serving_throughput,
            curve=(point,),
            peak=point,
            points=(point,),
            records=(SimpleNamespace(blobs={"requests": "r"}),),
        )
        return self._or_raise("peak_throughput", SimpleNamespace(by_workload=(loads,)))


def drawn(clause: str, word: Word = Word.PASS, *, candidate=None, reference=None, **numbers):
    judgements = [
        Judgement(
            criterion=criterion,
            verdict=Verdict(word=word, message="m", numbers=numbers),
            node="n",
        )
        for criterion in criteria(EDITION)
        if criterion.clause == clause
    ]
    return pictures(matrix(EDITION, judgements), candidate or Bench(), reference or Bench())


def missing(name: str) -> Bench:
    return Bench(**{name: EvidenceMissing("there is none", where="secret/path", fix="Do it")})


@pytest.mark.parametrize(
    ("clause", "headings"),
    [
        ("training.loss", ["Loss, ERNIE-4.5-tiny, SFT", "Loss, ERNIE-4.5-tiny, SFT-LoRA"]),
        (
            "training.context",
            [
                "Training at the context lengths, ERNIE-4.5-tiny, SFT",
                "Training at the context lengths, ERNIE-4.5-tiny, SFT-LoRA",
            ],
        ),
        (
            "inference.throughput",
            [
                "Serving throughput, ERNIE-4.5-tiny, WINT4, workload text",
                "Latency at that load, ERNIE-4.5-tiny, WINT4, workload text",
                "Serving throughput, ERNIE-4.5-tiny, W4A8, workload text",
                "Latency at that load, ERNIE-4.5-tiny, W4A8, workload text",
            ],
        ),
        ("inference.context", ["Needles in long prompts, ERNIE-4.5-tiny"]),
        ("inference.datatype", []),
    ],
)
def test_each_judged_clause_has_its_pictures(clause, headings):
    found = drawn(clause)

    assert [picture.heading for picture in found] == headings
    assert all(picture.svg and not picture.remark for picture in found)


def test_what_was_not_judged_is_not_drawn():
    assert pictures(matrix(EDITION, []), Bench(), Bench()) == ()


def test_a_missing_reference_leaves_the_candidate_alone():
    first, _ = drawn("training.loss", reference=missing("training_run"))

    assert first.svg
    assert first.remark == "without the reference: there is none"


def test_a_reference_in_the_making_is_not_compared():
    first, _ = drawn("training.loss", reference=Bench(training_run=ReferenceBeingRecorded()))

    assert first.svg
    assert first.remark == "without the reference: it is being recorded"


def test_what_the_candidate_lacks_is_said_instead():
    first, _ = drawn("training.loss", candidate=missing("training_run"))

    assert first.svg is None
    assert first.remark == "there is none"


def test_a_damaged_record_costs_only_its_own_picture():
    """A report is written after hours of measuring: no fault in one record may cost it."""
    found = drawn("training.context", candidate=Bench(training_context_8192=KeyError("log")))

    assert [picture.svg for picture in found] == [None, None]
    assert found[0].remark == "KeyError: 'log'"


def test_a_missing_length_is_named_beside_the_others():
    first, _ = drawn("training.context", reference=missing("training_context_32768"))

    assert first.svg
    assert ">8192 tokens<" in first.svg
    assert ">32768 tokens<" not in first.svg
    assert first.remark == "32768 tokens: there is none"


@pytest.mark.parametrize(
    ("word", "compared"), [(Word.PASS, True), (Word.FAIL, True), (Word.INCONCLUSIVE, False)]
)
def test_the_threshold_is_drawn_only_where_the_sides_were_compared(word, compared):
    """Figures of two unlike machines stand beside each other without a line that judges."""
    first, *_ = drawn("inference.throughput", word)

    assert first.svg
    assert ("≥ 50<" in first.svg) is compared


def test_accuracy_is_drawn_from_the_verdicts():
    found = drawn("inference.accuracy", score=80.0, reference_score=81.0, difference_low=None)

    assert [picture.heading[-5:] for picture in found] == ["WINT8", "WINT4", " W4A8"]
    assert all("80.00, reference 81.00" in (picture.svg or "") for picture in found)


def test_accuracy_without_a_score_is_not_drawn():
    first, *_ = drawn("inference.accuracy", Word.INCONCLUSIVE)

    assert first.svg is None
    assert first.remark.startswith("arithmetic: INCONCLUSIVE; ")


def test_a_score_of_no_number_does_not_break_the_picture():
    first, *_ = drawn("inference.accuracy", score=math.nan, reference_score=81.0)

    assert first.svg or first.remark


def test_the_references_own_noise_is_drawn_and_told():
    """Several recordings of a reference give a band around zero, and the words for who can't see it."""
    losses = {step: 1 / step for step in range(1, 501)}
    repeat = {step: loss + 0.002 for step, loss in losses.items()}
    several = Bench()
    several.training_run = lambda criterion: SimpleNamespace(
        losses=losses, repeats=(SimpleNamespace(losses=repeat),)
    )

    first, _ = drawn("training.loss", reference=several)

    assert "own runs agree within 0.002 there." in first.svg


def test_a_prompt_that_was_not_answered_is_said_in_the_map_of_needles():
    (first,) = drawn("inference.context", candidate=missing("context"))

    assert "there is none" in (first.svg or "")


def test_a_latency_is_drawn_only_where_a_load_counts():
    """Without a load that keeps the limits there are no requests to look at."""
    bench = Bench()
    (loads,) = bench.peak_throughput(None).by_workload
    loads.peak = None
    bench.peak_throughput = lambda criterion: SimpleNamespace(by_workload=(loads,))

    _, spread, *_ = drawn("inference.throughput", Word.FAIL, candidate=bench)

    assert (spread.svg, spread.remark) == (None, "no load keeps the limits")
