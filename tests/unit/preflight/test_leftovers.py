"""
What an earlier run left: found with its number, and left alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ernie.preflight import leftovers
from pytest_ernie.toolchains.keeper import MARK, processes

WAIT = "import sys; print('up', flush=True); sys.stdin.read()"
Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start a Python that waits until the test is over."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WAIT, *words],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.communicate()


def test_a_process_whose_keeper_is_dead_is_a_leftover(run: Run) -> None:
    """
    It is named with its number and the command that ends it, and it isn't ended here.
    """
    lost = run(**{MARK: "999999999:1"})

    finding = leftovers.our_leftovers()

    assert not finding.holds
    assert f"{lost.pid} {sys.executable}" in finding.got
    assert "kill" in finding.mend
    assert str(lost.pid) in finding.mend.split()
    assert lost.poll() is None


def test_a_process_whose_pid_was_given_to_another_is_a_leftover(run: Run) -> None:
    """
    A living process of that number and another start isn't the keeper.
    """
    lost = run(**{MARK: f"{os.getpid()}:1"})

    assert str(lost.pid) in leftovers.our_leftovers().got


def test_a_process_that_is_kept_is_none(run: Run) -> None:
    """
    Another run on the same host is at work.
    """
    start = processes()[os.getpid()][1]
    kept = run(**{MARK: f"{os.getpid()}:{start}"})

    assert str(kept.pid) not in leftovers.our_leftovers().got.split()


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (("-m", "fastdeploy.entrypoints.openai.api_server"), True),
        (("/x/site-packages/fastdeploy/worker/worker_process.py",), True),
        (("cache_transfer_manager.py",), True),
        (("x" * 200, "-m", "fastdeploy.entrypoints.openai.api_server"), True),
        (("/home/me/fastdeploy-notes.txt",), False),
    ],
)
def test_fastdeploys_processes_are_told_by_their_command(
    run: Run, words: tuple[str, ...], seen: bool
) -> None:
    """
    A note: they may be a colleague's.
    """
    process = run(*words)

    finding = leftovers.fastdeploy_processes()

    assert seen is (str(process.pid) in finding.got.split())
    assert finding.passes


def test_fastdeploys_processes_of_our_own_are_not_told(run: Run) -> None:
    """
    Those of a run at work are that run's.
    """
    process = run("-m", "fastdeploy.entrypoints.openai.api_server", **{MARK: "1:1"})

    assert str(process.pid) not in leftovers.fastdeploy_processes().got.split()


def test_shared_memory_that_nobody_uses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With its size; what somebody has open is in use.
    """
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(leftovers, "TABLES", tmp_path / "none")
    (tmp_path / "left").write_bytes(b"x" * 3 * 2**20)
    with (tmp_path / "used").open("wb"):
        finding = leftovers.shared_memory()

    assert finding.got == f"{tmp_path / 'left'} (3 MiB)"
    assert (finding.holds, finding.passes) == (False, True)


def test_segments_and_queues_that_nobody_uses_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A segment with no process attached, a queue whose last sender and receiver are dead; only ours.
    """
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path / "none")
    monkeypatch.setattr(leftovers, "TABLES", tmp_path)
    me, pid = os.getuid(), os.getpid()
    (tmp_path / "shm").write_text(
        "key shmid perms size cpid lpid nattch uid\n"
        f"0 11 666 2097152 1 1 0 {me}\n0 12 666 4096 1 1 2 {me}\n0 13 666 4096 1 1 0 {me + 1}\n"
    )
    (tmp_path / "msg").write_text(
        "key msqid perms cbytes qnum lspid lrpid uid\n"
        f"0 21 666 40 4 999999999 999999999 {me}\n0 22 666 0 0 {pid} 999999999 {me}\n"
    )

    finding = leftovers.shared_memory()

    assert finding.got == "segment 11 (2 MiB), queue 21 (4 messages)"


def test_much_that_is_left_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Five are named.
    """
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(leftovers, "TABLES", tmp_path / "none")
    for number in range(8):
        (tmp_path / f"psm_{number}").write_bytes(b"")

    assert leftovers.shared_memory().got.endswith(" and 3 more")


def test_a_clean_host_has_nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Neither files nor tables.
    """
    monkeypatch.setattr(leftovers, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(leftovers, "TABLES", tmp_path)

    assert str(leftovers.shared_memory()) == "shared memory: none; wanted none that nobody uses"
