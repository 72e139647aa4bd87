"""
Real loss curves: an honest repetition passes, a wrong seed or learning rate is caught.
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


def judged(method: str, what: str) -> Verdict:
    return loss_follows(losses(f"{method}-{what}"), losses(f"{method}-reference"), RULE)


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_an_honest_repetition_differs_in_nothing(method: str) -> None:
    """
    The same recipe on the same machine repeats itself to the last digit.
    """
    verdict = judged(method, "again")

    assert verdict.word is Word.PASS
    assert verdict.numbers["largest_difference"] == 0.0


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("sft", "seed-24"),
        ("sft", "learning-rate-110"),
        ("sft", "learning-rate-90"),
        ("sft_lora", "seed-24"),
        ("sft_lora", "learning-rate-110"),
    ],
)
def test_a_wrong_seed_or_learning_rate_is_caught(method: str, what: str) -> None:
    """
    A learning rate that is off by a tenth is far outside of ten outliers.
    """
    verdict = judged(method, what)

    assert verdict.word is Word.FAIL
    assert int(verdict.numbers["outliers"] or 0) > 50


def test_a_learning_rate_that_is_off_by_a_hundredth_is_at_the_limit() -> None:
    """
    What the clause can't see: 1 % stays within ten outliers here. Written down, not wished away.
    """
    verdict = judged("sft", "learning-rate-101")

    assert verdict.word is Word.PASS
    assert verdict.numbers["outliers"] == 9
