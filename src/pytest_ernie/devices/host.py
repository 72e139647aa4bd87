"""
Facts of the host that every device shares.
"""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path


def machine_id() -> str:
    """
    Return a short name that tells machines apart without telling who they are.

    From the operating system's own machine id where there is one, else from the host name.
    """
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text and text != "uninitialized":
            return _short(text)
    return _short(platform.node())


def _short(text: str) -> str:
    return hashlib.sha256(f"pytest-ernie {text}".encode()).hexdigest()[:16]


def cpu_name() -> str:
    """Return the processor's name as the kernel prints it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_gib() -> int:
    """Return the host's memory in whole GiB."""
    import psutil

    return round(psutil.virtual_memory().total / 2**30)
