"""
``pytest-ernie verify``: every verdict formed anew, and beside it what the bundle claims.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from doubles.forger import REFERENCE, Workshop, files_of, packed_files
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.cli import main
from pytest_ernie.evidence.bundle import open_bundle


@pytest.fixture(scope="module")
def bundle(
    candidate: Path, keys: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A candidate's signed bundle that holds."""
    path = tmp_path_factory.mktemp("verify") / "chip.ernie"
    copy = shutil.copytree(candidate, path.parent / "evidence")
    Workshop(copy).pack(path)
    sign_bundle(path, keys["vendor"])
    return path


def verified(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """Run the command as JSON."""
    code = main(["verify", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_an_honest_bundle_holds(
    bundle: Path, keys: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Every claimed verdict comes out again, against the same reference, and the signer is known.
    """
    code, told = verified(
        capsys, bundle, "--reference", REFERENCE, "--trust", f"{keys['vendor']}.pub"
    )

    words = {judgement["verdict"]["word"] for judgement in told["judgements"]}
    assert (0, True, [], {"PASS"}) == (code, told["holds"], told["why_not"], words)
    assert ["vendor"] == list(told["signed"]["trusted"].values())


def test_a_claim_that_the_evidence_does_not_bear_out_is_told(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    One verdict claimed better than it is, one of a criterion that doesn't exist, figures of another run.
    """
    opened = open_bundle(bundle)
    files = files_of(opened)
    (name,) = (name for name in files if name.startswith("evidence/runs/"))
    run = json.loads(files[name])
    claimed = {j["criterion"]["clause"]: j for j in run["judgements"]}
    claimed["training.loss"]["verdict"]["word"] = "FAIL"
    claimed["inference.throughput"]["verdict"]["measured"] = "9999 tok/s = 400.0 %"
    kept = ("training.loss", "inference.throughput")
    run["judgements"] = [claimed[clause] for clause in kept]
    text = json.dumps(run, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path = packed_files(
        {**files, name: text.encode()}, tmp_path / "forged.ernie", opened.manifest.seal
    )

    code, told = verified(capsys, path, "--reference", REFERENCE)

    found = {(d["about"], d["claimed"], d["derived"]) for d in told["differences"]}
    assert 1 == code
    assert ("word", "FAIL", "PASS") in found
    assert ["9999 tok/s = 400.0 %"] == [claim for about, claim, _ in found if about == "figures"]


def test_the_references_own_evidence_is_nobodys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Whoever hands in the reference itself is equal to it, and caught.
    """
    copy = shutil.copytree(REFERENCE, tmp_path / "evidence")
    Workshop(copy).pack(tmp_path / "chip.ernie")

    code, told = verified(capsys, tmp_path / "chip.ernie", "--reference", REFERENCE, "--every")

    assert (1, []) == (code, told["judgements"])
    assert {"replayed"} == {finding["kind"] for finding in told["findings"]}


def test_without_the_trusted_signature_it_does_not_hold(
    workshop: Workshop, keys: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Somebody else's key is no reason to believe.
    """
    path = workshop.pack(workshop.folder.with_suffix(".ernie")).path
    sign_bundle(path, keys["vendor"])

    code, told = verified(
        capsys,
        path,
        "--reference",
        REFERENCE,
        "--trust",
        f"{keys['somebody']}.pub",
    )

    assert 1 == code
    assert "none of the trusted keys signed it" in told["why_not"]


def test_what_can_not_be_opened_is_unusable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 2, and the reason on a line of its own.
    """
    (tmp_path / "x.ernie").write_bytes(b"no zip\x1b[2J" * 99)

    assert 2 == main(["verify", str(tmp_path / "x.ernie")])

    shown = capsys.readouterr().err
    assert shown.startswith("UNUSABLE") and "\x1b" not in shown
