"""
FastDeploy's flags, by release: what was renamed, added and dropped between 2.0 and 2.5.

Source: ``fastdeploy/engine/args_utils.py`` and ``entrypoints/openai`` of PaddlePaddle/FastDeploy between
2025-07 and 2026-08. Each flag has one name here, the newest; ``render`` writes it as a release spells
it. An unknown flag isn't ignored by FastDeploy but prefixes are taken, so a wrong name may well
mean another flag: nothing is rendered that isn't in the table or in the installed source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from typing import TypeAlias

from msgspec import Struct

from pytest_ernie.errors import EngineError

Release: TypeAlias = tuple[int, int]
Value: TypeAlias = str | int | float | bool | Mapping[str, int]

RELEASES: tuple[Release, ...] = ((2, 0), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5))
"""Those that the table knows; a newer one is taken for the last."""
LATEST = RELEASES[-1]


class Flag(Struct, frozen=True, kw_only=True):
    """
    One flag. ``since`` is the first release that has it.

    ``optional`` says why it may be left out before that; without a reason its lack is an error.
    """

    since: Release = RELEASES[0]
    needless_since: Release | None = None
    """From this release on it is taken with a warning and does nothing, so it isn't rendered."""
    older_names: tuple[tuple[Release, str], ...] = ()
    """(last release, name there)."""
    switch: bool = False
    """It takes no value: present or not."""
    negative_since: Release | None = None
    """From this release on ``--no-NAME`` exists, too."""
    optional: str | None = None


FLAGS: dict[str, Flag] = {
    "model": Flag(),
    "served-model-name": Flag(since=(2, 2), optional="any name is answered without it"),
    "host": Flag(),
    "port": Flag(),
    "metrics-port": Flag(),
    "controller-port": Flag(),
    "engine-worker-queue-port": Flag(),
    "cache-queue-port": Flag(),
    "pd-comm-port": Flag(since=(2, 1), optional="there is no such port"),
    "rdma-comm-ports": Flag(since=(2, 1), optional="there are no such ports"),
    "max-model-len": Flag(),
    "max-num-seqs": Flag(),
    "tensor-parallel-size": Flag(),
    "gpu-memory-utilization": Flag(),
    "quantization": Flag(),
    "load-choices": Flag(
        since=(2, 1),
        older_names=(((2, 2), "load_choices"),),
        optional="one loader only",
    ),
    "enable-prefix-caching": Flag(switch=True, negative_since=(2, 3)),
    "enable-chunked-prefill": Flag(switch=True),
    "max-num-batched-tokens": Flag(),
    "max-num-partial-prefills": Flag(),
    "max-long-partial-prefills": Flag(),
    "kv-cache-ratio": Flag(),
    "block-size": Flag(),
    "num-gpu-blocks-override": Flag(),
    "max-concurrency": Flag(since=(2, 1), optional="no limit of its own"),
    "reasoning-parser": Flag(),
    "limit-mm-per-prompt": Flag(),
    "mm-processor-kwargs": Flag(),
    "enable-mm": Flag(switch=True, needless_since=(2, 2)),
    "graph-optimization-config": Flag(since=(2, 1)),
    "speculative-config": Flag(),
}
"""By their newest names."""

ADDED = re.compile(r"add_argument\(\s*((?:[\"']-{1,2}[\w-]+[\"']\s*,?\s*)+)")
NAME = re.compile(r"[\"']--([\w-]+)[\"']")


def release_of(version: str) -> Release:
    """
    Return the release that a version belongs to: ``2.3.1.dev0`` is 2.3.

    A newer one than the table knows is taken for the newest; EngineError for what is no version of
    the 2.x series.
    """
    match = re.match(r"v?(\d+)\.(\d+)", version.strip())
    found = (int(match[1]), int(match[2])) if match else (0, 0)
    if found < RELEASES[0]:
        raise EngineError(
            "this is no version of FastDeploy that the suite knows",
            got=version,
            wanted=f"{text_of(RELEASES[0])} to {text_of(LATEST)}",
            fix='Say which it is in the site file: [engine] version = "2.3"',
        )
    return min(found, LATEST)


def text_of(release: Release) -> str:
    """Return ``2.3``."""
    return f"{release[0]}.{release[1]}"


def flags_in_source(sources: Iterable[str]) -> frozenset[str]:
    """Return the names, without dashes, of every flag that these source texts add to a parser."""
    return frozenset(
        name for text in sources for added in ADDED.findall(text) for name in NAME.findall(added)
    )


def render(
    settings: Mapping[str, Value], release: Release, installed: Set[str] = frozenset()
) -> tuple[str, ...]:
    """
    Return the arguments of settings, by newest name, as a release spells them.

    ``installed`` are the flags that the installed source itself adds: where it is known it decides
    what a flag is called and whether there is one. True is a switch that is on, False one that is off.
    EngineError for a flag that the release lacks and that isn't optional.
    """
    arguments: list[str] = []
    for name, value in settings.items():
        needless = FLAGS[name].needless_since
        if needless is not None and release >= needless:
            continue
        spelled = spelling(name, release, installed)
        if spelled is None:
            _refuse_unless_optional(name, release)
        elif isinstance(value, bool):
            arguments += _switch(name, spelled, value, release)
        else:
            arguments += (f"--{spelled}", _text(value))
    return tuple(arguments)


def spelling(name: str, release: Release, installed: Set[str] = frozenset()) -> str | None:
    """Return what a release calls the flag, None if it hasn't got it."""
    flag = FLAGS[name]
    if installed:
        names = (name, *(older for _, older in reversed(flag.older_names)))
        return next((each for each in names if each in installed), None)
    if release < flag.since:
        return None
    return next((older for last, older in flag.older_names if release <= last), name)


def _switch(name: str, spelled: str, on: bool, release: Release) -> tuple[str, ...]:
    if on:
        return (f"--{spelled}",)
    since = FLAGS[name].negative_since
    # Before there was a --no-NAME the switch was off unless given.
    return (f"--no-{spelled}",) if since is not None and release >= since else ()


def _refuse_unless_optional(name: str, release: Release) -> None:
    if FLAGS[name].optional is None:
        raise EngineError(
            f"FastDeploy {text_of(release)} has no flag --{name}, which the configuration needs",
            fix="Install a release that has it, or give a configuration of your own in the site file",
        )


def _text(value: Value) -> str:
    return json.dumps(value) if isinstance(value, Mapping) else str(value)
