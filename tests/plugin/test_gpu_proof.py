"""
Evidence of a real accelerator, judged anew without one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ernie.cli import main

RECORDED = Path(__file__).parents[2] / "fixtures" / "gpu-proof"
TINY, GEOMETRY = "ERNIE-4.5-tiny", "ERNIE-4.5-0.3B-geometry"
Judge = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def judge(pytester: pytest.Pytester, conformance_folder: Path) -> Judge:
    """Word and message of each criterion that ran, by the ordinary conformance nodes."""

    def run(bundle: str, markers: str) -> dict[str, tuple[str, str]]:
        pytester.runpytest_inprocess(
            str(conformance_folder),
            *("--rootdir", str(pytester.path), "-p", "no:cacheprovider", "--offline"),
            f"--evidence={RECORDED / bundle}.ernie",
            *(f"--reference={RECORDED / 'reference.ernie'}", "--results=results.json"),
            *("-m", markers),
        )
        told = json.loads((pytester.path / "results.json").read_text(encoding="utf-8"))
        return {
            one["criterion"]: (one["verdict"], one["message"])
            for one in told["criteria"]
            if one["verdict"] != "NOT RUN"
        }

    return run


def test_two_starts_of_an_h200_are_judged_as_they_were(judge: Judge) -> None:
    """
    Everything that this engine can do passes; W4A8, which it can't, is shown as INCONCLUSIVE.
    """
    told = judge("candidate", "training or inference")
    missing = {name for name, (word, _) in told.items() if word == "INCONCLUSIVE"}

    assert Counter(word for word, _ in told.values()) == {"PASS": 28, "INCONCLUSIVE": 9}
    assert all("w4a8" in name for name in missing)
    word, message = told[f"inference.throughput[tier2-{GEOMETRY}-bf16]"]
    assert (word, message) == (
        "PASS",
        "299 tok/s is 55.1 % of the benchmark's 542 tok/s; 50 % is required",
    )


@pytest.mark.parametrize(
    ("fault", "markers", "criterion", "word", "why"),
    [
        ("learning-rate", "loss and sft", f"training.loss[{TINY}-sft]", "FAIL", "61 of 100 steps"),
        ("learning-rate", "loss and sft_lora", f"training.loss[{TINY}-sft_lora]", "FAIL",
         "60 of 100 steps"),
        ("tf32", "loss and sft", f"training.loss[{TINY}-sft]", "INCONCLUSIVE",
         "matrix products keep 11 bits of a number, and the recipe's float32 has 24. As it stands, "
         "0 of 100 steps differ"),
        ("bfloat16", "loss and sft", f"training.loss[{TINY}-sft]", "INCONCLUSIVE",
         "matrix products keep 8 bits"),
        ("unquantized", "datatype", f"inference.datatype[tier1-{GEOMETRY}-wint8]", "FAIL",
         "126 of 126 weight matrices don't have the types of wint8"),
        ("small-batch", "throughput and inference", f"inference.throughput[tier2-{GEOMETRY}-bf16]",
         "FAIL", "193 tok/s is 35.6 % of the benchmark's 542 tok/s; 50 % is required"),
    ],
)  # fmt: skip
def test_faults_planted_on_the_machine_are_caught(
    judge: Judge, fault: str, markers: str, criterion: str, word: str, why: str
) -> None:
    """Each by the criterion that it harms, with the cause named."""
    told = judge(f"faults/{fault}", markers)

    assert told[criterion][0] == word
    assert why in told[criterion][1]


def test_the_reference_verifies_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """It was claimed before a score was shown while it is recorded: who claims no figure claims none."""
    assert main(["verify", str(RECORDED / "reference.ernie")]) == 0
    assert "HOLDS AS A REFERENCE" in capsys.readouterr().out
