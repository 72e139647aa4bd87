"""
The command pytest-ernie: what it prints and with which exit code it ends.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie import cli, preflight
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.preflight import Finding


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
    185 criteria that certify, 37 that rehearse.
    """
    assert cli.main(["show", "editions"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["ernie-4.5", "185", "criteria", "certifies"],
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


@pytest.mark.parametrize(("holds", "code", "word"), [(True, 0, "ok"), (False, 1, "MISSING")])
def test_doctor_prints_the_mend_of_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    holds: bool,
    code: int,
    word: str,
) -> None:
    """
    Each finding with got and wanted; the mend only where it doesn't hold.
    """
    finding = Finding(name="disk", holds=holds, got="1 GiB", wanted="8 GiB", mend="Free some room")
    monkeypatch.setattr(preflight, "CHECKS", (lambda: finding,))

    assert cli.main(["doctor"]) == code

    mend = "" if holds else ". Free some room"
    assert capsys.readouterr().out.split(maxsplit=1) == [word, f"disk: 1 GiB; wanted 8 GiB{mend}\n"]


@pytest.mark.parametrize("check", preflight.CHECKS, ids=lambda check: check.__name__)
def test_every_check_says_what_it_got_and_wanted(check: object) -> None:
    """
    A check that can't say these can't be mended by its reader.
    """
    finding = check()  # type: ignore[operator]

    assert finding.got
    assert finding.wanted
    assert finding.mend


def test_a_missing_library_doesn_t_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A slim container lacks libgomp, and both toolchains need it.
    """
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)

    finding = preflight.libgomp()

    assert not finding.holds
    assert "apt-get install libgomp1" in str(finding)


def test_a_host_name_that_can_t_be_resolved_doesn_t_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Launchers resolve the host's own name.
    """

    def refuse(name: str) -> str:
        raise OSError("unknown")

    monkeypatch.setattr("socket.gethostbyname", refuse)

    assert not preflight.host_name().holds


@pytest.mark.parametrize(("gib", "holds"), [(5, False), (6, True)])
def test_memory_has_a_floor(monkeypatch: pytest.MonkeyPatch, gib: int, holds: bool) -> None:
    """
    Six GiB is enough, five isn't.
    """
    monkeypatch.setattr(preflight, "memory_gib", lambda: gib)

    assert preflight.memory().holds is holds
