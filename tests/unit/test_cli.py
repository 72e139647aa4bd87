"""
The command pytest-ernie: what it prints and with which exit code it ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ernie import cli, preflight
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.preflight import Check, Finding, Lab


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Evidence with one completed and one failed measurement."""
    store = Store(tmp_path / "evidence")
    subject = Subject(device={"kind": "cpu"}, toolchain=None, checkpoint=None)
    for method in ("sft", "sft_lora"):
        what = What(kind="training.run", edition="rehearsal", model="m", method=method)
        with store.recording(what, subject, "0" * 64) as recording:
            if method == "sft":
                recording.finish({"loss": 1.0})
            else:
                recording.fail("out of memory")
    return tmp_path / "evidence"


def test_editions_are_shown_with_counts_and_whether_they_certify(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    185 criteria that certify, twice 37 that rehearse.
    """
    assert cli.main(["show", "editions"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["ernie-4.5", "185", "criteria", "certifies"],
        ["gpu-proof", "37", "criteria", "rehearses"],
        ["rehearsal", "37", "criteria", "rehearses"],
    ]


def test_criteria_are_shown_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Names as -k takes them, with their tiers.
    """
    assert cli.main(["show", "criteria"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 185
    assert lines[0].split() == [
        "training.loss[ERNIE-4.5-424B-A47B-sft]",
        "tiers",
        "I,",
        "II,",
        "III",
    ]


def test_evidence_is_shown_with_what_became_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A result is told from a failure.
    """
    assert cli.main(["show", "evidence", str(folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "result       training.run of m, sft",
        "failure      training.run of m, sft_lora",
    ]


def test_altered_evidence_is_named_and_ends_with_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Whoever looks at evidence must see that somebody was there before.
    """
    journal = folder / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"loss":1.0', '"loss":0.5'))

    assert cli.main(["show", "evidence", str(folder)]) == 1

    assert "ALTERED      entry 3: its content doesn't match its hash" in capsys.readouterr().out


def test_a_wrong_call_says_why_and_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An error of ours is one line on standard error, not a stack.
    """
    assert cli.main(["show", "evidence", str(tmp_path)]) == 2

    assert capsys.readouterr().err.startswith(
        f"pytest-ernie: {tmp_path}: there is no evidence here"
    )


@pytest.mark.parametrize(
    ("holds", "advice", "code", "word"),
    [(True, False, 0, "ok"), (False, False, 1, "MISSING"), (False, True, 0, "note")],
)
def test_doctor_prints_the_mend_of_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    holds: bool,
    advice: bool,
    code: int,
    word: str,
) -> None:
    """
    Each finding with got and wanted; the mend only where it doesn't hold; a note is no obstacle.
    """
    finding = Finding(
        name="disk", holds=holds, got="1 GiB", wanted="8 GiB", mend="Free some room", advice=advice
    )
    check = Check(name="disk", run=lambda: finding)
    monkeypatch.setattr(preflight, "checks_for", lambda lab: (check,))

    assert cli.main(["doctor"]) == code

    mend = "" if holds else ". Free some room"
    assert capsys.readouterr().out.split(maxsplit=1) == [word, f"disk: 1 GiB; wanted 8 GiB{mend}\n"]


def test_doctor_checks_the_device_and_the_site_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    Both reach the checks as they were read.
    """
    (tmp_path / "site.toml").write_text('cards = ["4", "5"]\n')
    seen: list[Lab] = []
    monkeypatch.setattr(preflight, "checks_for", lambda lab: seen.append(lab) or ())

    assert cli.main(["doctor", "--device=xpu", f"--site={tmp_path / 'site.toml'}"]) == 0

    assert seen[0].device is not None
    assert (seen[0].device.kind, seen[0].site.cards) == ("xpu", ("4", "5"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--device=abacus"], "pytest-ernie: there is no such device; got abacus; wanted one of"),
        (["--site=nowhere.toml"], "pytest-ernie: nowhere.toml: there is no such site file"),
    ],
)
def test_doctor_refuses_what_is_not_there(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """
    A typo isn't a host that is fine.
    """
    assert cli.main(["doctor", *arguments]) == 2

    assert capsys.readouterr().err.startswith(words)


def test_who_reads_no_further_sees_no_traceback() -> None:
    """As `| head -1` does; the exit code is none of those that answer."""
    line = [sys.executable, "-m", "pytest_ernie.cli", "show", "criteria"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shown:
        assert shown.stdout is not None
        shown.stdout.close()
        assert shown.wait(30) == 141
        assert shown.stderr is not None
        assert shown.stderr.read() == b""
