"""
Real curves of PyTorch beside Paddle's: another framework passes, another objective or another start fails.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pytest_ernie.standard import load
from pytest_ernie.trainers.curve import read_curve
from pytest_ernie.verdicts import Verdict, Word, loss_follows

CURVES = Path(__file__).resolve().parents[3] / "fixtures" / "loss_curves"
RULE = load("ernie-4.5").rulings.loss


def losses(name: str) -> dict[int, float]:
    curve = read_curve(gzip.decompress((CURVES / f"{name}.log.gz").read_bytes()))
    assert not curve.problems
    return curve.by_step()


def judged(candidate: str, reference: str) -> Verdict:
    return loss_follows(losses(candidate), losses(reference), RULE)


@pytest.mark.parametrize(
    ("candidate", "reference", "largest"),
    [
        ("sft-torch", "sft-reference", 6.9e-6),
        ("sft_lora-torch", "sft_lora-reference", 3.8e-6),
        ("sft-micro-batch-4-one-mean", "sft-torch", 1.9e-6),
        ("sft-micro-batch-1-two-processes", "sft-micro-batch-1", 3.3e-6),
    ],
)
def test_the_same_sums_in_another_order_pass(
    candidate: str, reference: str, largest: float
) -> None:
    """
    Framework, micro batches under one mean, and processes in accumulation's place: a millionth each.
    """
    verdict = judged(candidate, reference)

    assert verdict.word is Word.PASS
    assert verdict.numbers["outliers"] == 0
    assert verdict.numbers["largest_difference"] == pytest.approx(largest, rel=0.02)


@pytest.mark.parametrize(
    ("candidate", "reference", "outliers"),
    [
        ("sft-micro-batch-4", "sft-torch", 89),
        ("sft-micro-batch-1", "sft-torch", 98),
        ("sft_lora-another-draw", "sft_lora-torch", 78),
        ("sft_lora-five-adapters", "sft_lora-torch", 71),
    ],
)
def test_another_objective_or_another_start_fails(
    candidate: str, reference: str, outliers: int
) -> None:
    """
    Nothing of it is noise: most steps are outliers.
    """
    verdict = judged(candidate, reference)

    assert verdict.word is Word.FAIL
    assert verdict.numbers["outliers"] == outliers


def test_bf16_beside_fp32_is_at_the_limit() -> None:
    """
    Nine of the ten outliers that are allowed: both sides must compute in the recipe's precision.
    """
    verdict = judged("sft-torch-bf16", "sft-torch")

    assert verdict.word is Word.PASS
    assert verdict.numbers["outliers"] == 9
