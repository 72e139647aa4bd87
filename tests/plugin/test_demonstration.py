"""
The demonstration of a report can be judged by an ordinary offline run, and says that it is synthetic.
"""

from __future__ import annotations

import json

from doubles.demonstration import build
from doubles.forger import SUITE
from pytest_ernie.bundles.pack import Packing, pack
from pytest_ernie.bundles.verify import examine


def test_one_model_of_the_demonstration_is_judged_and_reported(pytester, conformance_folder):
    """All 37 criteria of the smallest model; the browser tests look at all 185."""
    chip, reference = build(
        pytester.path / "demo", requests=60, questions=20, model="ERNIE-4.5-0.3B"
    )

    pytester.runpytest_inprocess(
        *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider", "-q"),
        *("-m", "training or inference", "--offline", "--models", "ERNIE-4.5-0.3B"),
        *("--evidence", str(chip), "--reference", str(reference)),
        *("--edition", str(chip.parent / "edition.toml")),
        *("--html=report.html", "--results=results.json"),
    )

    results = json.loads((pytester.path / "results.json").read_text())
    words = {each["criterion"]: each["verdict"] for each in results["criteria"]}
    assert len(words) == 37
    assert set(words.values()) <= {"PASS", "FAIL"}
    assert [word for name, word in words.items() if "accuracy" not in name].count("PASS") == 25
    page = (pytester.path / "report.html").read_text()
    assert "No device was measured." in page
    assert "Not drawn:" not in page
    assert page.count('role="img"') > 30
    edition = chip.parent / "edition.toml"
    for side in (chip, reference):
        packed = pack(side, side.with_suffix(".ernie"), Packing(suite=SUITE, edition=str(edition)))
        assert examine(packed.path).findings == (), "made up, and in agreement with itself"
