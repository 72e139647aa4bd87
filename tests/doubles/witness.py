"""
A witness outside the evidence: writes down what the store said was kept, once it had said so.

As a pytest plugin (``-p doubles.witness``) it appends to the file ``witness.txt`` of the working folder. What
a killed process wrote stays in the kernel, so a line is there if and only if the call had returned.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytest_ernie.evidence import Recording

NAME = "witness.txt"


def pytest_configure() -> None:
    """Listen to every recording of this process."""
    handle = os.open(Path.cwd() / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, b"run\n")
    sample, finish = Recording.sample, Recording.finish

    def sampled(self: Recording, data: dict[str, Any]) -> None:
        sample(self, data)
        os.write(handle, f"sample {self.id}\n".encode())

    def finished(self: Recording, data: dict[str, Any]) -> None:
        finish(self, data)
        os.write(handle, f"result {self.id}\n".encode())

    Recording.sample = sampled  # type: ignore[method-assign]  # the witness stands beside it
    Recording.finish = finished  # type: ignore[method-assign]  # as above
