"""
Evidence of a real accelerator, judged anew without one.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

RECORDED = Path(__file__).parents[2] / "fixtures" / "gpu-proof"


@pytest.fixture
def words(pytester: pytest.Pytester, conformance_folder: Path) -> dict[str, str]:
    """The verdict on each criterion, by the ordinary conformance nodes."""
    pytester.runpytest_inprocess(
        str(conformance_folder),
        *("--rootdir", str(pytester.path), "-p", "no:cacheprovider", "--offline"),
        *("--edition=gpu-proof", f"--evidence={RECORDED / 'candidate.ernie'}"),
        *(f"--reference={RECORDED / 'reference.ernie'}", "--results=results.json"),
        *("-m", "training or inference"),
    )
    import json

    told = json.loads((pytester.path / "results.json").read_text(encoding="utf-8"))
    return {one["criterion"]: one["verdict"] for one in told["criteria"]}


def test_two_starts_of_an_h200_are_judged_as_they_were(words: dict[str, str]) -> None:
    """
    What was measured on both sides passes; what couldn't be compared or measured never does.
    """
    passed = {name for name, word in words.items() if word == "PASS"}

    assert Counter(words.values()) == {"PASS": 17, "INCONCLUSIVE": 20}
    assert {f"training.loss[ERNIE-4.5-tiny-{method}]" for method in ("sft", "sft_lora")} <= passed
    assert "inference.datatype[tier1-ERNIE-4.5-0.3B-geometry-wint8]" in passed
    assert "inference.throughput[tier2-ERNIE-4.5-0.3B-geometry-bf16]" in passed
    assert not any("w4a8" in name for name in passed)
