"""
What a run held on its host: its own processes, and nobody else's.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_ernie.measurements.memory import HostMemory
from pytest_ernie.trainers.step_line import Step

HOLDS = "import sys; held = bytearray({size}); print(1, flush=True); sys.stdin.read()"
STEP = Step(step=1, loss=1.0, loss_md5=None, runtime_s=None, tokens_per_s=None)


@contextmanager
def holding(mib: int) -> Iterator[None]:
    """Let a child hold so much."""
    code = HOLDS.format(size=mib * 2**20)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.communicate()


def test_only_what_was_started_since_is_the_runs() -> None:
    """
    A server that was up before would be taken for a trainer's memory, in one run and not in the next.
    """
    with holding(200):
        memory = HostMemory(samples=True)
        memory(STEP)
        assert memory.peak_gib is None

        again = HostMemory(samples=True)
        with holding(100):
            again(STEP)

    assert again.peak_gib is not None
    assert 100 / 1024 < again.peak_gib < 200 / 1024


def test_nothing_is_looked_at_where_seconds_count() -> None:
    """
    Looking takes time of the very machine that is measured.
    """
    memory = HostMemory(samples=False)
    with holding(1):
        memory(STEP)

    assert memory.peak_gib is None
