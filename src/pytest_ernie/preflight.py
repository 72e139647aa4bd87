"""
What the documents of chips and tools require of a host, checked before hours are spent.

Each check returns a Finding; none certifies anything.
"""

from __future__ import annotations

import ctypes.util
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from pytest_ernie.devices.host import memory_gib, usable_cores

DISK_GIB = 8
"""Room for the two CPU toolchains (about 1.7 and 3.5 GB) and evidence."""
MEMORY_GIB = 6
"""A rehearsal's server with a window of 128K tokens, beside pytest and the system."""


class Finding(Struct, frozen=True, kw_only=True):
    """What a check found: got and wanted, and the mend where it doesn't hold."""

    name: str
    holds: bool
    got: str
    wanted: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.name}: {self.got}; wanted {self.wanted}"
        return text if self.holds else f"{text}. {self.mend}"


def python_version() -> Finding:
    """pytest itself runs on Python 3.10 to 3.13."""
    version = sys.version_info[:2]
    return Finding(
        name="python",
        holds=(3, 10) <= version,
        got=".".join(map(str, version)),
        wanted="3.10 or newer",
        mend="Make the virtual environment with a newer interpreter",
    )


def toolchain_python() -> Finding:
    """Provisioned toolchains need a Python 3.11 beside whatever runs pytest."""
    from pytest_ernie.errors import ToolchainError
    from pytest_ernie.toolchains.provision import find_python

    try:
        got, holds = str(find_python()), True
    except ToolchainError as error:
        got, holds = str(error), False
    return Finding(
        name="toolchain python",
        holds=holds,
        got=got,
        wanted="an interpreter of Python 3.11",
        mend="Install one (Debian: python3.11 python3.11-venv), or name existing environments in "
        "the site file",
    )


def disk() -> Finding:
    """Toolchains and evidence need room."""
    from pytest_ernie.toolchains import cache_folder

    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    return Finding(
        name="disk",
        holds=free >= DISK_GIB,
        got=f"{free:.1f} GiB free at {folder}",
        wanted=f"{DISK_GIB} GiB",
        mend="Free some room, or set PYTEST_ERNIE_CACHE to a folder on a larger disk",
    )


def memory() -> Finding:
    """A server with a long window needs memory on the host."""
    gib = memory_gib()
    return Finding(
        name="memory",
        holds=gib >= MEMORY_GIB,
        got=f"{gib} GiB, {usable_cores()} cores",
        wanted=f"{MEMORY_GIB} GiB",
        mend="Use a larger host",
    )


def libgomp() -> Finding:
    """Paddle and torch load the OpenMP runtime; a slim container lacks it."""
    found = ctypes.util.find_library("gomp")
    return Finding(
        name="libgomp",
        holds=found is not None,
        got=found or "not found",
        wanted="libgomp.so.1",
        mend="Install it (Debian: apt-get install libgomp1)",
    )


def host_name() -> Finding:
    """Launchers resolve the host's own name; a container without an entry in /etc/hosts can't."""
    name = socket.gethostname()
    try:
        got, holds = f"{name} is {socket.gethostbyname(name)}", True
    except OSError as error:
        got, holds = f"{name} can't be resolved ({error})", False
    return Finding(
        name="host name",
        holds=holds,
        got=got,
        wanted="the host's own name resolves",
        mend=f"Add a line '127.0.0.1 {name}' to {Path('/etc/hosts')}",
    )


CHECKS: tuple[Callable[[], Finding], ...] = (
    python_version,
    toolchain_python,
    disk,
    memory,
    libgomp,
    host_name,
)
