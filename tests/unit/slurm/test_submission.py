"""
Submitting shards: all of them once, later only those that aren't complete, never one that still runs.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from doubles.forger import claimed_run
from doubles.slurm import FakeSlurm
from pytest_ernie.bundles.runs import write_run
from pytest_ernie.cli import main
from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.outcomes import Judgement
from pytest_ernie.shards import read_plan
from pytest_ernie.slurm.queue import ask_slurm, how_it_ended, tasks
from pytest_ernie.standard import criteria, load
from pytest_ernie.verdicts import Verdict, Word

EDITION = load("rehearsal")
OF_NAME = {criterion.name: criterion for criterion in criteria(EDITION)}
SUBMIT = ["submit", "--slurm", "--shards=3", "-m", "tier2", "--device=cpu", "--gres=xpu:1"]


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSlurm:
    """In place of the real commands."""
    found = FakeSlurm()
    monkeypatch.setattr("pytest_ernie.slurm.queue.ask_slurm", found)
    monkeypatch.chdir(tmp_path)
    return found


def said(capsys: pytest.CaptureFixture[str], *more: str, code: int = 0) -> list[str]:
    assert main([*SUBMIT, *more]) == code
    return capsys.readouterr().out.splitlines()


def judged(shard: int, word: Word, **others: Word) -> None:
    """What a run of a shard says in the end: one word of everything, and others by clause."""
    plan = read_plan(Path("ernie-shards/plan.json"))
    names = plan.shards[shard - 1].criteria
    folder = Path(f"ernie-shards/shard-{shard}")
    folder.mkdir(exist_ok=True)
    words = {name: others.get(OF_NAME[name].clause.split(".")[1], word) for name in names}
    write_run(
        folder,
        claimed_run(
            tuple(
                Judgement(criterion=OF_NAME[name], verdict=Verdict(word=w, message=""), node=name)
                for name, w in words.items()
            ),
            ended_unix_s=time.time(),
        ),
    )


def test_all_shards_are_submitted_once(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    One array job; said again while it waits and runs, nothing more is submitted.
    """
    out = said(capsys, "--", "--reference=ref", "--challenge=nonce-0001")

    assert out == [
        *(f"shard {n}: not submitted yet" for n in (1, 2, 3)),
        "submitted shards 1, 2, 3 as job 12",
    ]
    assert "#SBATCH --array=1,2,3" in slurm.scripts[0]
    assert "-m tier2 --device=cpu --reference=ref --challenge=nonce-0001" in slurm.scripts[0]
    slurm.states["12", 2] = ("RUNNING", "n2", "None")
    assert said(capsys, "--", "--reference=ref", "--challenge=nonce-0001") == [
        "shard 1: waiting in job 12_1 (Priority)",
        "shard 2: running in job 12_2 on n2",
        "shard 3: waiting in job 12_3 (Priority)",
    ]
    assert len(slurm.scripts) == 1


def test_only_what_is_not_complete_is_submitted_again(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A FAIL is a result; what ended without one, or left something unmeasured, goes again.
    """
    said(capsys)
    for shard, state in ((1, "FAILED"), (2, "NODE_FAIL"), (3, "FAILED")):
        slurm.end("12", shard, state)
    judged(1, Word.PASS, loss=Word.FAIL)
    judged(3, Word.PASS, context=Word.INCONCLUSIVE)

    out = said(capsys)

    assert out[0].startswith("shard 1: done: ")
    assert out[1] == "shard 2: ended without a verdict (NODE_FAIL, exit code 0:9, on n1)"
    assert out[2].startswith("shard 3: not complete: ")
    assert "INCONCLUSIVE" in out[2]
    assert out[3] == "submitted shards 2, 3 as job 13"
    assert "#SBATCH --array=2,3" in slurm.scripts[1]
    for shard in (2, 3):
        slurm.end("13", shard)
        judged(shard, Word.PASS)
    assert said(capsys)[-1] == (
        "then: pytest-ernie merge ernie-shards/shard-1 ernie-shards/shard-2 ernie-shards/shard-3 "
        "-o ernie-evidence"
    )
    assert len(slurm.scripts) == 2


def test_what_was_measured_and_came_to_no_conclusion_is_done(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Without a reference there is nothing more to measure, and measuring again would need a reason (R15).
    """
    assert main(["submit", "--slurm", "--shards=1", "-m", "tier1 and loss", "--device=cpu"]) == 0
    slurm.end("12", 1)
    judged(1, Word.INCONCLUSIVE)
    store = Store(Path("ernie-shards/shard-1"))
    capsys.readouterr()
    for number, method in enumerate(("sft", "sft_lora")):
        what = What(kind="training.run", edition="rehearsal", model="ERNIE-4.5-tiny", method=method)
        subject = Subject(device={}, toolchain=None, checkpoint=None)
        with store.recording(what, subject, "e") as recording:
            recording.finish({})
        main(
            [
                *("submit", "--slurm", "--shards=1", "-m", "tier1 and loss", "--device=cpu"),
                "--dry-run",
            ]
        )
        out = capsys.readouterr().out
        assert ("done: 2 INCONCLUSIVE" in out) == (number == 1)


def test_a_dry_run_shows_and_submits_nothing(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 1 says that something is still to be submitted.
    """
    out = said(capsys, "--dry-run", code=1)

    assert "#SBATCH --array=1,2,3" in out
    assert slurm.scripts == []


def test_another_submission_is_not_mixed_with_this_one(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Other options, another split: the folder stays what it is.
    """
    said(capsys)

    for other in (["--shards=2"], ["--site=site.toml"], ["--", "--reference=ref"]):
        Path("site.toml").touch()
        assert main([*SUBMIT, *other]) == 2
        assert "this folder holds another submission" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["--shard=1/2", "--evidence=here", "--fresh=again", "-n4"])
def test_a_shard_has_its_own_evidence(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    """
    Options that would make shards share, or measure again at every start, are refused.
    """
    assert main([*SUBMIT, "--", word]) == 2
    assert "every shard has its own, or must not have it" in capsys.readouterr().err


def test_quirks_of_sites(slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Several clusters, arrays that squeue doesn't take apart, no accounts, a job that is held.
    """
    slurm.cluster, slurm.accounts = "west", False
    assert said(capsys)[-1] == "submitted shards 1, 2, 3 as job 12"
    slurm.packed = True
    assert [line.split(":")[1] for line in said(capsys)] == [
        f" waiting in job 12_{n} (Priority)" for n in (1, 2, 3)
    ]
    slurm.packed = False
    slurm.states["12", 1] = ("PENDING", "", "job requeued in held state")
    slurm.states["12", 2] = ("COMPLETING", "n2", "None")
    slurm.end("12", 3, "CANCELLED by 1000")
    assert said(capsys) == [
        "shard 1: waiting in job 12_1 (job requeued in held state; scontrol release 12_1 lets it go)",
        "shard 2: completing in job 12_2 on n2",
        "shard 3: ended without a verdict",
        "submitted shards 3 as job 13",
    ]


def test_a_queue_that_cannot_be_read_submits_nothing(
    slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    What may be running must not run twice.
    """
    slurm.down = True
    assert main(SUBMIT) == 2
    assert "the queue can't be read, so nothing tells what still runs" in capsys.readouterr().err
    slurm.down, slurm.refuses = False, "Invalid generic resource (gres) specification"
    assert main(SUBMIT) == 2
    assert (
        "Slurm refused the job; got sbatch: error: Batch job submission failed: Invalid generic"
        in capsys.readouterr().err
    )


def test_a_host_without_slurm_says_so() -> None:
    """
    The queue's commands are on login nodes, mostly.
    """
    with pytest.raises(UsageProblem, match="there is no squeue-of-nowhere here"):
        ask_slurm(["squeue-of-nowhere"])


def test_lines_that_are_no_tasks_are_left_out() -> None:
    """
    squeue prints what a site's plugins print, too.
    """
    fake = FakeSlurm()
    fake.states["7", 2] = ("RUNNING", "n[1-2]", "None")
    answer = fake(("squeue",))
    noisy = answer._replace(out=f"a site's greeting\n{answer.out}7|N/A|RUNNING|n1|None\n")

    found = tasks("ernie-1", lambda command: noisy)

    assert [(task.shard, task.nodes) for task in found] == [(2, "n[1-2]")]
    assert how_it_ended(["7"], 9, fake) is None
