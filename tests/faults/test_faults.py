"""
Every fault of engine, network or host ends in the right word, with its cause named, and leaves nothing.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from doubles.fastdeploy import install, plant
from doubles.fastdeploy.lab import arguments, furnish, ports_in, verdicts

SHARED_MEMORY = Path("/dev/shm")
TESTS = Path(__file__).resolve().parent.parent
EARLIER = "inference.accuracy[tier2-ERNIE-4.5-tiny-wint4-chinese]"
"""Measured before the fault; its verdict must survive it."""


@dataclass(frozen=True)
class Bench:
    """What all faults share: the toolchain, a reference, and evidence of an earlier measurement."""

    folder: Path
    python: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, conformance_folder: Path) -> Bench:
    """Record an honest reference, and measure one criterion of an honest candidate."""
    folder = tmp_path_factory.mktemp("bench")
    python = install(folder / "toolchain")
    furnish(folder, python)
    for more in (
        ["-k", "not datatype", "--record-reference"],
        ["-k", "chinese", "--reference=ernie-reference"],
    ):
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments(folder, conformance_folder, *more)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    return Bench(folder, python)


DATATYPE, ACCURACY, THROUGHPUT, CONTEXT = "datatype", "arithmetic", "throughput", "4096"
"""What is measured in spite of the fault, as ``-k`` finds it."""
START_S, ANSWER_S, LOAD_S = 45.0, 60.0, 90.0
"""Some ten times what a row takes on a machine with nothing else to do; without a limit of the
suite's own each of those that hang would take minutes to an hour."""


@dataclass(frozen=True)
class Fault:
    """One row of the table."""

    name: str
    plant: tuple[str, ...]
    measured: str
    word: str
    cause: str
    """Words of the verdict."""
    limit_s: float


def starting(name: str, cause: str, *plant: str) -> Fault:
    """A server that doesn't come up: nothing is known, and why is said."""
    return Fault(name, plant or (name,), DATATYPE, "INCONCLUSIVE", cause, START_S)


def answering(name: str, plant: str, word: str, cause: str) -> Fault:
    """Something happens to questions of a data set."""
    return Fault(f"{name}-in-accuracy", (plant,), ACCURACY, word, cause, ANSWER_S)


def loaded(name: str, plant: str, word: str, cause: str) -> Fault:
    """Something happens to streams under load."""
    return Fault(f"{name}-under-load", (plant,), THROUGHPUT, word, cause, LOAD_S)


def stopping(name: str) -> Fault:
    """A server that does its work and doesn't go."""
    return Fault(name, (name,), ACCURACY, "PASS", "100.00 points", ANSWER_S)


FAULTS = (
    # Engine, while it starts.
    starting("port_taken", "port taken"),
    starting("exit_zero", "exit code 0"),
    starting("boot_failure", "Worker failed to boot"),
    starting("version_conflict", "ImportError: cannot import name 'swiglu_with_quant'"),
    starting("killed_starting", "SIGKILL"),
    starting("no_port", "stopped moving"),
    starting("early_port_and_hang", "was not answered", "early_port", "hang_loading"),
    starting("other_model", "doesn't list the model"),
    starting("refuses_first_question", "HTTP 500", "http_500"),
    starting("first_answer_empty", "at least one token", "empty", "zero_usage"),
    starting("first_answer_html", "Welcome to the gateway", "html"),
    starting("hang_loading", "stopped moving"),
    starting("dies_profiling", "a worker of FastDeploy died", "load_s=6", "dies_profiling"),
    starting("killed_loading", "SIGKILL"),
    starting("crashes_loading", "a worker crashed"),
    # Host, as a worker meets it; only workerlog.* has the words.
    starting("out_of_memory", "out of memory"),
    starting("missing_libgomp", "libgomp1"),
    starting("missing_package", "paddlenlp_ops"),
    starting("hostname", "/etc/hosts"),
    starting("nccl", "NCCL error"),
    starting("no_device", "no GPU card"),
    starting("driver_too_old", "driver version is insufficient"),
    starting("corrupt_weights", "SafetensorError"),
    starting("disk_full", "No space left on device"),
    starting("no_kernel", "no kernel"),
    starting("queue_limit", "System V"),
    starting("version_mismatch", "swiglu"),
    # Engine and network, while questions are asked.
    answering("http_500", "http_500@10", "INCONCLUSIVE", "HTTP 500: the engine is in trouble"),
    answering("http_429", "http_429@10", "INCONCLUSIVE", "HTTP 429: Too many requests"),
    answering("http_500-twice", "http_500@10-11", "PASS", "100.00 points"),
    answering("html-once", "html@10-10", "PASS", "100.00 points"),
    answering("hang-once", "hang@10-11", "PASS", "100.00 points"),
    answering("http_429-twice", "http_429@10-11", "PASS", "100.00 points"),
    answering("http_503", "http_503@10", "INCONCLUSIVE", "HTTP 503"),
    answering("html", "html@10", "INCONCLUSIVE", "Welcome to the gateway"),
    answering("reset", "reset@10", "INCONCLUSIVE", "APIConnectionError"),
    answering("reset-once", "reset@10-10", "PASS", "100.00 points"),
    answering("hang", "hang@22", "INCONCLUSIVE", "APITimeoutError"),
    answering("empty", "empty@10", "FAIL", "the reference has 100.00"),
    answering("die", "die@10", "INCONCLUSIVE", "died while it answered arithmetic"),
    answering("leaves", "leaves@10", "INCONCLUSIVE", "died while it answered arithmetic"),
    answering("worker_dies", "worker_dies@10", "INCONCLUSIVE", "died while it answered"),
    answering("worker_lost", "worker_lost@20", "INCONCLUSIVE", "APITimeoutError"),
    answering("close_port", "close_port@10", "INCONCLUSIVE", "died while it answered"),
    Fault("die-at-full-context", ("die@4",), CONTEXT, "INCONCLUSIVE", "died while", ANSWER_S),
    Fault("hang-at-full-context", ("hang@5-5",), CONTEXT, "FAIL", "ReadTimeout", ANSWER_S),
    Fault("http_500-at-full-context", ("http_500@4-4",), CONTEXT, "FAIL", "HTTP 500", ANSWER_S),
    # Engine and network, under load.
    loaded("error_line", "error_line@4", "FAIL", "Engine is not healthy"),
    loaded("http_429", "http_429@4/stream", "FAIL", "Too many requests"),
    loaded("http_429-for-good", "http_429@4", "INCONCLUSIVE", "Too many requests"),
    loaded("http_503", "http_503@4/stream", "FAIL", "HTTP 503"),
    loaded("http_500-for-good", "http_500@4", "INCONCLUSIVE", "the engine is in trouble"),
    loaded("html", "html@4/stream", "FAIL", "no stream: .*Welcome to the gateway"),
    loaded("reset", "reset@4/stream", "FAIL", "cut"),
    loaded("reset-before-an-answer", "reset=before@4/stream", "FAIL", "cut|no answer"),
    loaded("cut", "cut@4/stream", "FAIL", "DONE"),
    loaded("stall", "stall@4/stream", "FAIL", "timeout"),
    loaded("hang", "hang@4/stream", "FAIL", "timeout"),
    loaded("hang-for-good", "hang@4", "INCONCLUSIVE", "APITimeoutError"),
    loaded("garbage", "garbage@4", "FAIL", "cut: no"),
    loaded("bad_json", "bad_json@4", "FAIL", "error in stream"),
    loaded("no_done", "no_done@4", "FAIL", "DONE"),
    loaded("no_finish", "no_finish@4", "FAIL", "no finish_reason"),
    loaded("no_usage", "no_usage@4", "FAIL", "no usage"),
    loaded("zero_usage", "zero_usage@4", "FAIL", "token"),
    loaded("wrong_usage-more", "wrong_usage=4@4", "FAIL", "wrong usage: 12 tokens counted"),
    loaded("wrong_usage-fewer", "wrong_usage=-4@4", "INCONCLUSIVE", "fixed length"),
    loaded("short", "short@4", "INCONCLUSIVE", "reached their fixed length"),
    loaded("empty", "empty@4", "FAIL", "no token"),
    loaded("burst", "burst@4", "FAIL", "no decode speed"),
    loaded("slow_first_token", "slow_first_token=1@2/stream", "FAIL", "mean time to first token"),
    loaded("slow_tokens", "slow_tokens=0.12@2/stream", "FAIL", "mean decode speed"),
    loaded("tokens_per_chunk", "tokens_per_chunk=4@2", "PASS", "of the benchmark"),
    loaded("die", "die@8", "INCONCLUSIVE", "the server died"),
    loaded("worker_dies", "worker_dies@8", "INCONCLUSIVE", "the server died"),
    loaded("close_port", "close_port@8", "INCONCLUSIVE", "the server died"),
    # What stays when it is stopped.
    stopping("deaf"),
    stopping("leak_child"),
    stopping("leak_shm"),
)


@dataclass
class Outcome:
    """What a run said, and how long it took."""

    words: dict[str, tuple[str, str]]
    took_s: float
    said: str


@pytest.fixture
def try_fault(bench: Bench, pytester: pytest.Pytester, conformance_folder: Path):
    """Measure one criterion with faults planted, in a copy of the earlier evidence."""
    pytester.syspathinsert(TESTS)
    folder = pytester.path

    def run(*commands: str, measured: str) -> Outcome:
        furnish(folder, bench.python)
        shutil.copytree(bench.folder / "ernie-evidence", folder / "ernie-evidence")
        plant(bench.python, *commands)
        more = ("-k", f"chinese or {measured}", f"--reference={bench.folder / 'ernie-reference'}")
        began = time.monotonic()
        result = pytester.runpytest_inprocess(*arguments(folder, conformance_folder, *more))
        return Outcome(verdicts(folder), time.monotonic() - began, result.stdout.str())

    yield run
    plant(bench.python)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_named_and_leaves_nothing(
    fault: Fault, bench: Bench, try_fault, pytester: pytest.Pytester
) -> None:
    """
    The word is right, the cause is in it, the time limit holds, nothing is left, nothing is lost.
    """
    before = (bench.folder / "ernie-evidence" / "journal.jsonl").read_bytes()
    shared = set(SHARED_MEMORY.iterdir())

    outcome = try_fault(*fault.plant, measured=fault.measured)

    evidence = pytester.path / "ernie-evidence"
    (criterion,) = outcome.words.keys() - {EARLIER}
    word, message = outcome.words[criterion]
    assert word == fault.word, message
    assert re.search(fault.cause, message), message
    assert outcome.took_s < fault.limit_s
    assert outcome.words[EARLIER][0] == "PASS"
    assert (evidence / "journal.jsonl").read_bytes().startswith(before)
    ports = ports_in(evidence)
    assert [port for port in ports if answers(port)] == []
    assert processes_of(bench.python) == []
    new = set(SHARED_MEMORY.iterdir()) - shared
    assert [path.name for path in new if path.suffix[1:] in map(str, ports)] == []


def answers(port: int) -> bool:
    """Tell whether somebody listens; a port that was just closed can't be bound, and needn't be."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(python: Path) -> list[str]:
    """Return the command lines of a toolchain's processes."""
    lines = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in lines if str(python) in words]


def test_a_proxy_of_the_environment_is_not_asked(
    bench: Bench, try_fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A lab's proxy knows nothing of a server on 127.0.0.1, and would answer in its place.
    """
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    outcome = try_fault(measured=THROUGHPUT)

    assert {word for word, _ in outcome.words.values()} == {"PASS"}


def test_a_broken_server_is_not_waited_for_twice(
    bench: Bench, try_fault, pytester: pytest.Pytester
) -> None:
    """
    Two criteria of one server that doesn't start: one start, two verdicts, one cause.
    """
    outcome = try_fault("out_of_memory", measured="arithmetic or reasoning")

    words = [outcome.words[name] for name in outcome.words.keys() - {EARLIER}]
    assert [word for word, _ in words] == ["INCONCLUSIVE"] * 2
    assert words[0] == words[1]
    assert len(list((pytester.path / "ernie-evidence" / "scratch").glob("server-*"))) == 2


def test_what_cannot_be_proven_ours_is_told_and_left(
    bench: Bench, try_fault, pytester: pytest.Pytester
) -> None:
    """
    Nothing tells who made a message queue: its number and owner stand at the end of the run.
    """
    outcome = try_fault("leak_queue", measured=ACCURACY)

    logs = list((pytester.path / "ernie-evidence" / "scratch").glob("server-*/server-*.log"))
    made = [re.search(r"message queue (\d+)", log.read_text()) for log in logs]
    (number,) = {int(found[1]) for found in made if found}
    ctypes.CDLL(None).msgctl(number, 0, None)  # IPC_RMID
    assert re.search(rf"left on this machine: message queue {number}, .*owner", outcome.said)
