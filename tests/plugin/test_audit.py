"""
An audit of evidence against doubles: honest evidence holds, planted one is found, what fails accuses nobody.
"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from certification_kit import Laboratory

from doubles.laboratory import pytest_ernie_register
from pytest_ernie import cli
from pytest_ernie.audit.command import audit
from pytest_ernie.audit.measuring import drawn
from pytest_ernie.bundles.pack import pack
from pytest_ernie.registry import Registry
from pytest_ernie.standard import criteria, load

CHOSEN = "tier1 and (loss or datatype or (context and inference))"


@pytest.fixture
def laboratory(pytester, monkeypatch, conformance_folder) -> Laboratory:
    """A laboratory whose evidence of tier I is packed."""
    found = Laboratory(pytester, monkeypatch, conformance_folder)
    found.run("-m", CHOSEN, "--evidence=evidence")
    pack(Path("evidence"), Path("claimed.ernie"))
    return found


def audited(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    """Run the command with the doubles registered, which a lab's own plugin would do."""
    registry = Registry()
    pytest_ernie_register(registry)
    parser = cli._parser()
    options: Namespace = parser.parse_args(
        [
            *("audit", "claimed.ernie", "--device=cpu", "--site=site.toml", "--count=9"),
            *("--json", "-m", CHOSEN, *more),
        ]
    )
    capsys.readouterr()
    code = audit(options, registry)
    return code, json.loads(capsys.readouterr().out)


def test_an_honest_bundle_is_plausible(laboratory, capsys) -> None:
    """
    All five criteria of the lot, measured again into a folder of their own: exit code 0.
    """
    code, told = audited(capsys, "--seed=7")

    assert code == 0
    assert told["seed"] == 7
    assert [finding["word"] for finding in told["findings"].values()] == ["plausible"] * 5
    assert Path("ernie-audit/journal.jsonl").is_file()


def test_what_the_device_does_not_do_is_implausible(laboratory, capsys) -> None:
    """
    Losses that it doesn't reach, weights that it doesn't hold: exit code 1, and which they are.
    """
    laboratory.plant(train={"shift": 0.011}, serve={"serves": "bf16"})

    code, told = audited(capsys)

    assert code == 1
    words = {name.split("[")[0]: f["word"] for name, f in told["findings"].items()}
    assert words == {
        "training.loss": "implausible",
        "inference.datatype": "implausible",
        "inference.context": "plausible",
    }


def test_what_cannot_be_measured_accuses_nobody(laboratory, capsys) -> None:
    """
    A server that doesn't start: exit code 2, with its words.
    """
    laboratory.plant(serve={"refuse_start": True})

    code, told = audited(capsys, "-m", "tier1 and datatype")

    assert code == 2
    assert {finding["word"] for finding in told["findings"].values()} == {"not measured"}
    assert "out of memory" in next(iter(told["findings"].values()))["message"]


def test_an_audit_measures_into_a_folder_of_its_own(laboratory, capsys) -> None:
    """
    Neither into what is audited nor into an earlier audit, where nothing would be measured again.
    """
    for place, words in (
        ("claimed.ernie", "a bundle is only read"),
        ("evidence", "this folder holds an earlier audit"),
    ):
        assert cli.main(["audit", "claimed.ernie", "--device=cpu", f"--evidence={place}"]) == 2
        assert words in capsys.readouterr().err


def test_the_lot_follows_from_the_seed() -> None:
    """
    In any order of the list, and another seed draws others.
    """
    every = list(criteria(load("ernie-4.5")))

    one = drawn(every, 5, seed=1)

    assert {c.name for c in drawn(every[::-1], 5, seed=1)} == {c.name for c in one}
    assert drawn(every, 5, seed=2) != one
    assert len(drawn(every[:2], 5, seed=1)) == 2
