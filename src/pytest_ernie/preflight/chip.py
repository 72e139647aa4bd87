"""
What a chip's documents require, held against what its tool and the site file tell.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pytest_ernie.devices.host import memory_gib
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.topology import refuse_impossible
from pytest_ernie.errors import DeviceError, ErnieError
from pytest_ernie.preflight.finding import Check, Finding, at_least
from pytest_ernie.preflight.host import existing
from pytest_ernie.preflight.lab import Lab
from pytest_ernie.site import tensor_parallel_sizes


def checks_of(lab: Lab) -> Iterator[Check]:
    """Yield the checks for the lab's device, none for a CPU."""
    device = lab.device
    if device is None or device.kind == "cpu":
        return
    yield Check(name="cards", run=partial(cards, lab))
    for size in tensor_parallel_sizes(lab.site) if device.visible_variable else ():
        yield Check(name=f"tensor parallel {size}", run=partial(tensor_parallel, lab, size))
    for need in device.needs:
        yield Check(name=need.title.split(" (")[0], run=partial(documented, lab, need))


def cards(lab: Lab) -> Finding:
    """The vendor's tool sees cards, and the site file doesn't say otherwise."""
    assert lab.device is not None
    facts = lab.facts
    if isinstance(facts, ErnieError):
        got, mend = facts.what, facts.fix or "State them under [device]"
        got += f" ({facts.got})" if facts.got else ""
        tool = getattr(lab.device, "tool", None)
        if tool is not None and tool.path() is None:
            got += f", and there is no {tool.names[0]}"
            mend = f"{tool.mend}; or state name, count and driver under [device]"
    else:
        count = facts.get("count", "?")
        got = f"{count} x {facts.get('name')} (from {facts.get('facts_from', 'its own package')})"
        mend = ""
    return Finding(
        name="cards",
        holds=not isinstance(facts, ErnieError),
        got=got,
        wanted=f"{lab.device.title}s that the vendor's tool or the site file tells",
        mend=mend,
    )


def tensor_parallel(lab: Lab, size: int) -> Finding:
    """The site's cards can work as one in groups of that size."""
    assert lab.device is not None
    possible, mend = "", ""
    try:
        refuse_impossible(lab.device, lab.site.cards, size)
    except DeviceError as problem:
        possible = f": {problem.wanted}" if problem.wanted else ""
        mend = problem.fix or "Name those under cards in the site file"
    return Finding(
        name=f"tensor parallel {size}",
        holds=not mend,
        got=f"cards {', '.join(lab.site.cards)}",
        wanted=f"a group of {size} that {lab.device.title} allows{possible}",
        mend=mend,
    )


def documented(lab: Lab, need: Need) -> Finding:
    """One requirement of the chip's documents."""
    got = _told(lab, need.fact)
    wanted = f"{need.at_least} or newer ({need.source}"
    wanted += f"; it asks for {need.newer})" if need.newer else ")"
    if need.fact.endswith("_gib"):
        wanted = wanted.replace(" or newer", " or more")
    unknown = f"not told; state `{need.fact}` under [device] if you know it"
    if need.fact == "cudnn":
        unknown = "not found"
    return Finding(
        name=need.title,
        holds=got is not None and at_least(got, need.at_least),
        got=got or unknown,
        wanted=wanted,
        mend=need.mend,
        advice=need.advice,
    )


def _told(lab: Lab, fact: str) -> str | None:
    if fact == "host_memory_gib":
        return str(memory_gib())
    if fact == "disk_gib":
        return str(min(_disk_gib(folder) for folder in _weights(lab)))
    if fact == "cudnn":
        return cudnn_version(lab)
    return lab.fact(fact)


def _weights(lab: Lab) -> list[Path]:
    return [Path(model.checkpoint) for model in lab.site.models.values()] or [Path.cwd()]


def _disk_gib(folder: Path) -> int:
    return int(shutil.disk_usage(existing(folder)).total / 2**30)


def cudnn_version(lab: Lab) -> str | None:
    """Return cuDNN's version: the engine's environment's own, else the system's; None without."""
    from pytest_ernie.preflight.packages import installed

    if "engine" in lab.environments:
        for name, version in installed(*lab.environments["engine"]).items():
            if name.startswith("nvidia-cudnn-cu"):
                return version
    return _systems_cudnn()


def _systems_cudnn() -> str | None:
    """The loader's cache names libcudnn.so.9; what that link leads to names the whole version."""
    try:
        listed = subprocess.run(
            ["ldconfig", "-p"],
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    for path in re.findall(r"libcudnn\.so\.\d+ .*=> (\S+)", listed):
        if found := re.search(r"\.so\.([\d.]+)$", os.path.realpath(path)):
            return found[1]
    return None
