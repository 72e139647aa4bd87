"""
``pytest-ernie verify``: every verdict formed anew, and beside it what the bundle claims.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doubles.forger import REFERENCE, SUITE, Workshop, claimed_run, files_of, packed_files
from pytest_ernie.bundles.facts import facts_of
from pytest_ernie.bundles.rederive import Question, rederive
from pytest_ernie.bundles.runs import Run, write_run
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.cli import main
from pytest_ernie.errors import EvidenceError
from pytest_ernie.evidence import Store
from pytest_ernie.evidence.bundle import Seal, open_bundle
from pytest_ernie.standard.digest import canonical
from pytest_ernie.verdicts import Verdict, Word


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


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference as its own run leaves it: every criterion is RECORDED."""
    folder = Workshop.on_copy(REFERENCE, tmp_path_factory.mktemp("recorded") / "evidence").write()
    judged = rederive(
        Question(evidence=str(folder), reference=None, edition="rehearsal", as_reference=True)
    )
    write_run(folder, claimed_run(tuple(judged.values()), recorded_reference=True))
    return folder


def test_a_whole_reference_holds_as_one(
    recorded: Path, keys: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 0, and it says that nothing was compared.
    """
    copy = Path(shutil.copytree(recorded, tmp_path / "evidence"))
    path = Workshop(copy).pack(tmp_path / "a100.ernie").path
    sign_bundle(path, keys["vendor"])

    assert 0 == main(["verify", str(path), "--trust", f"{keys['vendor']}.pub"])

    shown = capsys.readouterr().out
    assert "HOLDS AS A REFERENCE: " in shown
    assert "nothing was compared, and nothing is certified" in shown
    assert 1 == main(["verify", str(path), "--trust", f"{keys['somebody']}.pub"])


def test_a_reference_that_lacks_what_it_claims_does_not_hold(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The run of the whole workload was taken out, its search left in, and every hash made anew.
    """
    workshop = Workshop(Path(shutil.copytree(recorded, tmp_path / "evidence")))
    loads = [e for e in workshop.of("begin", "serving.load") if "trial" not in e["body"]["spec"]]
    workshop.entries = [entry for entry in workshop.entries if entry["id"] != loads[0]["id"]]
    workshop.pack(tmp_path / "a100.ernie")

    code, told = verified(capsys, tmp_path / "a100.ernie")

    (lacking,) = told["differences"]
    assert (1, True) == (code, told["as_reference"])
    assert lacking["criterion"].startswith("inference.throughput[")
    assert ("RECORDED", "INCONCLUSIVE") == (lacking["claimed"], lacking["derived"])
    assert 1 == len(told["why_not"])


def test_a_reference_need_not_have_everything(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What its own run told to be missing is no lie, and the rest is worth as much as before.
    """
    folder = Path(shutil.copytree(recorded, tmp_path / "evidence"))
    (kept,) = (folder / "runs").glob("*.json")
    run = msgspec.json.decode(kept.read_bytes(), type=Run)
    missing = Verdict(word=Word.INCONCLUSIVE, message="the engine has no W4A8")
    first = msgspec.structs.replace(run.judgements[0], verdict=missing)
    kept.write_bytes(
        canonical(
            msgspec.to_builtins(
                msgspec.structs.replace(run, judgements=(first, *run.judgements[1:]))
            )
        )
    )
    Workshop(folder).pack(tmp_path / "a100.ernie")

    code, told = verified(capsys, tmp_path / "a100.ernie")

    assert (0, True, []) == (code, told["as_reference"], told["why_not"])


def test_a_tail_that_was_cut_off_before_sealing_is_found(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    By what the runs left behind: packing refuses, and whoever seals all the same is found out.
    """
    folder = workshop.write()
    end = Seal(entries=len(workshop.entries), head=workshop.entries[-1]["hash"])
    write_run(folder, claimed_run((), sealed=end))
    whole = files_of(workshop.pack(tmp_path / "whole.ernie"))
    last = workshop.entries[-1]["id"]
    workshop.entries = [entry for entry in workshop.entries if entry["id"] != last]
    shorter = Seal(entries=len(workshop.entries), head=workshop.entries[-1]["hash"])

    with pytest.raises(EvidenceError, match="so it isn't packed: a run that ended at 1970-01-01"):
        workshop.pack(tmp_path / "cut.ernie")
    forged = {**whole, "evidence/journal.jsonl": workshop.text()}
    store = Store(folder)
    facts = facts_of(store.chains, SUITE)
    forged["facts.json"] = canonical(msgspec.to_builtins(facts))
    path = packed_files(forged, tmp_path / "forged.ernie", shorter)
    code, told = verified(capsys, path, "--reference", REFERENCE)

    assert (1, ["cut"]) == (code, [finding["kind"] for finding in told["findings"]])
    assert "and this isn't its continuation" in told["findings"][0]["what"]


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


@pytest.mark.parametrize("body", [{"spec": 5}, {"spec": {"edition": "rehearsal"}}, {}])
def test_records_of_another_shape_are_no_traceback(
    body: dict[str, Any], workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Sealed by somebody who writes other things than this suite does.
    """
    files = files_of(workshop.pack(tmp_path / "chip.ernie"))
    workshop.of("begin")[0]["body"] = body
    workshop.make_anew()
    seal = Seal(entries=len(workshop.entries), head=workshop.entries[-1]["hash"])
    forged = {**files, "evidence/journal.jsonl": workshop.text()}
    path = packed_files(forged, tmp_path / "forged.ernie", seal)

    assert main(["verify", str(path)]) in (1, 2)

    shown = capsys.readouterr()
    assert "unreadable" in shown.out or "UNUSABLE" in shown.err


def test_a_verdict_that_was_claimed_otherwise_before_is_told(
    bundle: Path, candidate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Both results of what was measured twice are shown (R15).
    """
    folder = Path(shutil.copytree(candidate, tmp_path / "evidence"))
    (kept,) = (folder / "runs").glob("*.json")
    run = msgspec.json.decode(kept.read_bytes(), type=Run)
    first = run.judgements[0]
    worse = msgspec.structs.replace(first.verdict, word=Word.FAIL, measured="0.1")
    failed = msgspec.structs.replace(first, verdict=worse)
    write_run(folder, msgspec.structs.replace(run, judgements=(failed,), ended_unix_s=1.0))
    Workshop(folder).pack(tmp_path / "chip.ernie")

    code, told = verified(capsys, tmp_path / "chip.ernie", "--reference", REFERENCE)

    assert (0, True) == (code, told["holds"])
    assert f"{first.criterion.name}: an earlier run claimed FAIL (0.1)" in told["notes"]
