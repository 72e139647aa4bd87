"""
Two sides of a training comparison that differ in what the recipe doesn't say: layouts, and where LoRA starts.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from doubles.training_runs import recorded, run_of, with_losses
from pytest_ernie.comparison import comparable, loss_of
from pytest_ernie.errors import EvidenceError
from pytest_ernie.measurements.training_run import TrainingRun
from pytest_ernie.standard import load
from pytest_ernie.verdicts import Verdict, Word

EDITION = load("ernie-4.5")
LINES = recorded("sft_lora-reference")
APART = with_losses(lambda step, loss: loss + 0.3)(LINES)
A, B = {"kind": "gpu", "name": "NVIDIA A100"}, {"kind": "npu", "name": "Ascend 910B"}
CPU = {"kind": "cpu", "name": "Xeon"}


def lora(lines: list[str] = LINES, **more: Any) -> TrainingRun:
    return run_of(lines, method="sft_lora", **more)


@pytest.mark.parametrize(
    ("candidate", "reference", "word"),
    [
        ({"device": B}, {"device": A}, Word.INCONCLUSIVE),
        ({"device": A}, {"device": A}, Word.FAIL),
        ({"device": A, "trainer": "transformers"}, {"device": CPU}, Word.FAIL),
        ({"device": A, "trainer": "transformers"}, {"device": A}, Word.INCONCLUSIVE),
        (
            {"device": B, "lora_start_sha256": "e"},
            {"device": A, "lora_start_sha256": "e"},
            Word.FAIL,
        ),
    ],
    ids=["two chips", "equal chips", "drawn on the host", "host and chip", "given"],
)
def test_lora_of_two_devices_doesn_t_fail_for_its_start(
    candidate: dict[str, Any], reference: dict[str, Any], word: Word
) -> None:
    """Each chip has a generator of its own; where both drew alike, or were given the start, a FAIL is one."""
    verdict = loss_of(lora(APART, **candidate), lora(**reference), EDITION)

    assert verdict.word is word
    assert ("LoRA's random start was drawn by each side's own" in verdict.message) == (
        word is Word.INCONCLUSIVE
    )


def test_curves_that_agree_started_alike() -> None:
    """Whatever drew the start: a PASS stands. A loss that is no number fails, and SFT draws nothing."""
    assert loss_of(lora(device=B), lora(device=A), EDITION).word is Word.PASS
    nan = with_losses(lambda step, loss: "nan" if step > 300 else loss)(LINES)
    assert loss_of(lora(nan, device=B), lora(device=A), EDITION).word is Word.FAIL
    assert loss_of(run_of(APART, device=B), run_of(LINES, device=A), EDITION).word is Word.FAIL


def test_sides_that_were_given_other_starts_can_t_be_compared() -> None:
    """Or of which only one was; evidence of older versions has none on either side."""
    given, other, drawn = (lora(lora_start_sha256=own).record for own in ("e" * 64, "f" * 64, None))

    reference = msgspec.structs.replace(given, id="reference")
    comparable(given, reference)
    comparable(drawn, msgspec.structs.replace(drawn, id="reference"))
    for own in (other, drawn):
        with pytest.raises(EvidenceError, match="don't have the same start of LoRA"):
            comparable(own, reference)


def off(by: float) -> list[str]:
    return with_losses(lambda step, loss: loss + by)(recorded("sft-reference"))


def in_layouts(
    candidate: float, *further: tuple[int, float, dict[str, str]], precision: str = "bfloat16"
) -> Verdict:
    """A candidate of two replicas so far from a reference of one; further recordings by replicas."""

    def run(by: float, replicas: int, device: dict[str, str]) -> TrainingRun:
        layout = {"replicas": replicas, "accumulation": 8 // replicas, "micro_batch": 1}
        return run_of(off(by), precision=precision, device=device, layout=layout)

    repeats = tuple(run(by, replicas, device) for replicas, by, device in further)
    reference = msgspec.structs.replace(run(0.0, 1, A), repeats=repeats)
    return loss_of(run(candidate, 2, B), reference, EDITION)


def test_layouts_in_bf16_can_t_be_told_from_the_limit() -> None:
    """What two of them were seen to differ by is more than twice the limit; 3.2e-2 is beyond both."""
    assert in_layouts(0.001).word is Word.INCONCLUSIVE
    assert in_layouts(0.031).word is Word.INCONCLUSIVE
    assert in_layouts(0.033).word is Word.FAIL
    assert "add a reference that was recorded in this one" in in_layouts(0.001).notes[-1]
    assert in_layouts(0.001, precision="float32").word is Word.PASS


@pytest.mark.parametrize(
    ("candidate", "noise", "word"),
    [(0.0069, 0.003, Word.PASS), (0.0071, 0.003, Word.INCONCLUSIVE), (0.0131, 0.003, Word.FAIL)],
)
def test_a_reference_in_the_candidates_layout_says_how_far_they_agree(
    candidate: float, noise: float, word: Word
) -> None:
    """What it shows stands before the edition's figure: at, under and over it."""
    assert in_layouts(candidate, (2, noise, A)).word is word


def test_only_the_references_own_hardware_and_the_very_layout_say_so() -> None:
    """A recording of another chip, or in a third layout, tells nothing of these two."""
    assert in_layouts(0.001, (2, 0.001, B)).word is Word.INCONCLUSIVE
    assert in_layouts(0.001, (4, 0.001, A)).word is Word.INCONCLUSIVE
