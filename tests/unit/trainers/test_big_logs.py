"""
Logs of many workers: 500 steps of eight hosts come with 100 MB of other lines.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator

from pytest_ernie.trainers.curve import read_logs

WORKERS, STEPS, BYTES = 64, 500, 100_000_000
NOISE = (
    b"[2026-01-01 01:00:00,000] [ WARNING] - NCCL INFO Channel 07/0 : 3[3] -> 4[0] via NET/IB/3\n"
    b"I0101 01:00:00.000000  1234 process_group_nccl.cc:150] ProcessGroupNCCL pg_timeout 1800000\n"
)


def worker(number: int) -> bytes:
    """A worker's log; the first of each host tells of the steps, each with a runtime of its own."""
    noise = NOISE * (BYTES // WORKERS // STEPS // len(NOISE))
    if number % 8:
        return noise * STEPS
    return b"".join(
        noise
        + f"[2026-01-01 01:{step // 60:02}:{step % 60:02},{number:03}] [    INFO] - loss: "
        f"{7 - step / 100:.8f}, learning_rate: 5e-05, global_step: {step}, loss_md5: {step:032x}, "
        f"interval_runtime: 1.{number:04}, interval_tokens_per_second_per_device: 8632.8\n".encode()
        for step in range(1, STEPS + 1)
    )


def test_a_hundred_megabytes_are_read_in_a_second() -> None:
    """On an idle machine in half a second of processor time; here three are allowed."""
    seconds = 0.0

    def logs() -> Iterator[tuple[str, bytes]]:
        nonlocal seconds
        for number in range(WORKERS):
            made = worker(number)
            began = time.process_time()
            yield f"workerlog.{number}", made
            seconds += time.process_time() - began

    curve = read_logs(logs())

    assert (len(curve.steps), curve.problems) == (STEPS, ())
    assert seconds < 3


def test_reading_needs_no_second_copy_of_a_log() -> None:
    """Beside the log itself only its steps are in memory: a hundred megabytes stay below two hundred."""
    log = worker(1) * 10 + worker(0)
    tracemalloc.start()

    read_logs([("log", log)])

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(log) / 4
