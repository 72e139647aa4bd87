"""
Shared memory by which FastDeploy's processes tell each other how far they are.

A signal is a file of /dev/shm, ``<name>.<port of the worker queue>``, a byte for each worker. Who
made them removes them when it ends in order; after SIGKILL they stay.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from contextlib import suppress

FOLDER = "/dev/shm"
NAMES = ("worker_ready_signal", "loaded_model_signal", "worker_healthy_live_signal")

MAPPED: list[mmap.mmap] = []
"""What this process made: it keeps it mapped, as FastDeploy does."""


def path(name: str, port: int | str) -> str:
    """Return the file of a signal."""
    return f"{FOLDER}/{name}.{port}"


def make(port: int, workers: int) -> None:
    """Make all signals, of nothing yet."""
    for name in NAMES:
        with open(path(name, port), "w+b") as signal:
            signal.write(bytes(workers))
            signal.flush()
            MAPPED.append(mmap.mmap(signal.fileno(), workers))


def tell(name: str, port: int | str, rank: int) -> None:
    """Set the byte of a worker; the file's time says when."""
    try:
        descriptor = os.open(path(name, port), os.O_WRONLY)
    except FileNotFoundError:  # the server has ended
        return
    os.pwrite(descriptor, b"\1", rank)
    os.close(descriptor)
    os.utime(path(name, port))


def told(name: str, port: int) -> int:
    """Return how many workers have set their byte."""
    with open(path(name, port), "rb") as signal:
        return signal.read().count(b"\1")


def clear(port: int) -> None:
    """Remove all of a server."""
    for name in NAMES:
        with suppress(FileNotFoundError):
            os.unlink(path(name, port))


def leak_queue() -> int:
    """Make a System V message queue that nobody removes; return its identifier."""
    private, create_for_me = 0, 0o1600
    return int(ctypes.CDLL(None, use_errno=True).msgget(private, create_for_me))
