"""
What the documents of chips and tools require of a host, checked before hours are spent.

Each check returns a Finding; none certifies anything.
"""

from __future__ import annotations

from pytest_ernie.preflight import chip, datasets, host, leftovers, packages, training, weights
from pytest_ernie.preflight.finding import Check, Finding
from pytest_ernie.preflight.lab import Lab

ALWAYS = (
    host.python_version,
    host.disk,
    host.libgomp,
    host.glibc,
    host.host_name,
    host.free_ports,
    host.message_queues,
    leftovers.our_leftovers,
    leftovers.fastdeploy_processes,
    leftovers.shared_memory,
)
REHEARSAL = (host.toolchain_python, host.memory)
"""Only where the suite makes the toolchains and serves on the CPU."""


def checks_for(lab: Lab) -> tuple[Check, ...]:
    """Return the checks for a lab, the host's first; listing them asks nothing."""
    functions = ALWAYS + (REHEARSAL if lab.rehearses else ())
    return (
        *(Check(name=function.__name__, run=function) for function in functions),
        *datasets.checks_of(lab),
        *chip.checks_of(lab),
        *packages.checks_of(lab),
        *training.checks_of(lab),
        *weights.checks_of(lab),
    )


__all__ = ["Check", "Finding", "Lab", "checks_for"]
