"""
Starts pytest runs that are to be killed: one process imports everything, each run is a fork of it.

Two hundred runs cost minutes instead of a quarter of an hour. Run as a script it takes lines of JSON
(``folder``, ``arguments``, ``file_bytes``), answers each with the run's process id, and with its exit code
once it has ended.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

TESTS = Path(__file__).resolve().parent.parent


class Nursery:
    """The process that forks runs, as the test sees it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self._say({"warm": True})

    def start(self, folder: Path, arguments: list[str], file_bytes: int | None = None) -> int:
        """Start a run and return its process id; no file of it may grow beyond ``file_bytes``."""
        command = {"folder": str(folder), "arguments": arguments, "file_bytes": file_bytes}
        return int(self._say(command))

    def wait(self) -> int:
        """Return the exit code of the run, negative for the signal that ended it."""
        return int(self._say({"wait": True}))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _say(self, command: dict[str, Any]) -> str:
        pipes: tuple[IO[str] | None, ...] = (self._process.stdin, self._process.stdout)
        told, heard = pipes
        assert told is not None and heard is not None
        told.write(json.dumps(command) + "\n")
        told.flush()
        answer = heard.readline()
        assert answer, "the nursery is gone"
        return answer


def _run(command: dict[str, Any]) -> int:
    """Be the child: a pytest run in its own folder that never comes back."""
    import pytest

    os.chdir(command["folder"])
    out = os.open("out.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(out, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if command["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (command["file_bytes"],) * 2)
    return int(pytest.main(command["arguments"]))


def main() -> None:
    """Read commands until there are none."""
    import httpx  # noqa: F401 (imported once for all runs)
    import numpy as np  # noqa: F401 (as above)
    import pytest  # noqa: F401 (as above)

    import pytest_ernie.bundles.commands
    import pytest_ernie.comparison
    import pytest_ernie.load.limit
    import pytest_ernie.measurements.candidate
    import pytest_ernie.report.terminal  # noqa: F401 (as above)

    child = 0
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        elif "warm" in command:
            answer = 0
        else:
            child = os.fork()
            if child == 0:
                try:
                    code = _run(command)
                    sys.stdout.flush()
                    sys.stderr.flush()
                except BaseException as problem:
                    os.write(2, repr(problem).encode())
                    code = 70
                os._exit(code)
            answer = child
        print(answer, flush=True)


if __name__ == "__main__":
    main()
