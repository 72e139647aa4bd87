"""
What any run asks of a host.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import platform
import shutil
import socket
import sys
from pathlib import Path

from pytest_ernie.devices.host import memory_gib, usable_cores
from pytest_ernie.preflight.finding import Finding, at_least

DISK_GIB = 8
"""Room for the two CPU toolchains (about 1.7 and 3.5 GB) and evidence."""
MEMORY_GIB = 6
"""A rehearsal's server with a window of 128K tokens, beside pytest and the system."""
GLIBC = "2.28"
"""What the wheels of torch and pyarrow in the CPU toolchains were built for."""
PORTS = 32
"""More than one server with eight cards takes (FastDeploy: API, metrics, queues, one a rank)."""
LIMITS = Path("/proc/sys/kernel")
KERNELS_OWN = {"msgmax": 8192, "msgmnb": 16384}
"""Bytes of a message and of a queue, as the kernel sets them."""


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

    folder = existing(cache_folder())
    free = shutil.disk_usage(folder).free / 2**30
    return Finding(
        name="disk",
        holds=free >= DISK_GIB,
        got=f"{free:.1f} GiB free at {folder}",
        wanted=f"{DISK_GIB} GiB",
        mend="Free some room, or set PYTEST_ERNIE_CACHE to a folder on a larger disk",
    )


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


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


def glibc() -> Finding:
    """The toolchains' wheels are built for glibc; musl (Alpine) has none of them."""
    name, version = platform.libc_ver()
    return Finding(
        name="glibc",
        holds=name == "glibc" and at_least(version, GLIBC),
        got=f"{name} {version}".strip() or "no glibc",
        wanted=f"glibc {GLIBC} or newer",
        mend="Use a newer system: Debian 10, Ubuntu 20.04, RHEL 8 or later, in a container if need be",
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


def free_ports() -> Finding:
    """Servers listen on this host's own address only, each on a block of ports."""
    held = []
    problem = ""
    with contextlib.ExitStack() as stack:
        for _ in range(PORTS):
            door = stack.enter_context(socket.socket())
            try:
                door.bind(("127.0.0.1", 0))
            except OSError as error:
                problem = f" ({error.strerror})"
                break
            held.append(door)
    return Finding(
        name="free ports",
        holds=len(held) == PORTS,
        got=f"{len(held)} at 127.0.0.1{problem}",
        wanted=f"{PORTS} at once",
        mend="End what holds them (`ss -tlnp`), or widen net.ipv4.ip_local_port_range",
    )


def message_queues() -> Finding:
    """
    FastDeploy hands tokens on through System V queues, which stall if a message doesn't fit.

    Its FAQ names the limits for answers with logprobs, which this suite doesn't ask for; so the
    kernel's own limits are enough, and less isn't.
    """
    limits = {}
    for name in KERNELS_OWN:
        with contextlib.suppress(OSError, ValueError):
            limits[name] = int((LIMITS / name).read_text(encoding="ascii"))
    return Finding(
        name="message queues",
        holds=all(limits.get(name, 0) >= least for name, least in KERNELS_OWN.items()),
        got=", ".join(f"{name} {value}" for name, value in limits.items()) or "no such limits",
        wanted=", ".join(f"{name} {least}" for name, least in KERNELS_OWN.items()) + " or more",
        mend="Raise them (`sysctl -w kernel.msgmax=… kernel.msgmnb=…`; on docker's command line "
        "`--sysctl`)",
    )
