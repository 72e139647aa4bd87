"""
How the known server starts and ends: by itself if need be, and never without saying why.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil
import pytest

from pytest_ernie.errors import MeasurementError
from pytest_ernie.load.known.schedule import Schedule
from pytest_ernie.load.known.server import known_server

COMMAND = [sys.executable, "-m", "pytest_ernie.load.known.server"]


def gone(pid: int) -> bool:
    """Tell whether a process ends within some seconds."""
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return not psutil.pid_exists(pid)


@pytest.mark.parametrize("end", ["stdin", "sigterm"])
def test_a_server_ends_with_its_stdin_and_on_sigterm(end: str) -> None:
    """In good order."""
    with subprocess.Popen(
        [*COMMAND, "--port=0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert json.loads(process.stdout.readline())["port"] > 0
        process.stdin.close() if end == "stdin" else process.terminate()
        assert process.wait(10) == 0


def test_a_server_never_outlives_who_started_it() -> None:
    """Even one that was killed; and what starts it needs no HTTP client of others."""
    script = (
        "import os, sys\n"
        "from pytest_ernie.load.known.server import known_server\n"
        "assert not {'httpx', 'numpy', 'asyncio'} & set(sys.modules)\n"
        "with known_server() as server:\n"
        "    print(server.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False)

    assert killed.returncode == -9
    assert gone(int(killed.stdout))


def test_a_server_that_can_not_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is on its stderr."""
    monkeypatch.setattr(Schedule, "arguments", lambda _: ["--tokens=0"])
    words = "the known server didn't start; got exit code 2"
    with pytest.raises(MeasurementError, match=words), known_server():
        pass


def test_a_taken_port_and_a_stdin_without_end_are_told() -> None:
    """In a sentence, not a traceback; a file or /dev/null can't be waited for."""
    with known_server() as server:
        taken = subprocess.run(
            [*COMMAND, f"--port={server.port}"],
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
    deaf = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert (taken.returncode, deaf.returncode) == (1, 1)
    assert taken.stderr.startswith("the known server can't start: [Errno 98]")
    assert deaf.stderr.startswith(b"the known server can't start: its standard input must be a")
