"""
Vendors' tools (nvidia-smi and its kin): asking them, and what their answers must tell.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from pytest_ernie.devices.states import CardState, Watch
from pytest_ernie.errors import DeviceError

ANSWER_S = 60
"""How long a tool may take: npu-smi and hl-smi are slow on a machine with eight busy cards."""
SHOWN_CHARACTERS = 200


class Ask(Protocol):
    """Runs the tool with these arguments and returns what it printed."""

    def __call__(self, *arguments: str) -> str: ...


class Found(Struct, frozen=True, kw_only=True):
    """What a tool told of the cards of this machine, in the order of their numbers."""

    names: tuple[str, ...]
    memory_mib: tuple[int, ...] = ()
    """Empty where the tool doesn't say."""
    driver: str
    firmware: str | None = None
    runtime: str | None = None
    """Version of the vendor's runtime: the driver's CUDA, MACA, XPU-RT .."""
    settings: dict[str, str] = {}
    """How the cards are set: ECC, power limit, highest clocks; as the tool words it."""

    def facts(self) -> dict[str, Any]:
        """Return them as the facts that a measurement's key holds."""
        facts: dict[str, Any] = {
            "name": " + ".join(sorted(set(self.names))),
            "count": len(self.names),
            "driver": self.driver,
        }
        if self.memory_mib:
            facts["memory_gib"] = round(min(self.memory_mib) / 1024)
        for name in ("firmware", "runtime"):
            if (value := getattr(self, name)) is not None:
                facts[name] = value
        if self.settings:
            facts["settings"] = self.settings
        return facts


class Unreadable(Exception):
    """An answer lacks what is looked for; the text says what."""


class Tool(Struct, frozen=True, kw_only=True):
    """
    A vendor's command-line tool that tells which cards there are.

    ``read`` asks it and reads the answers; it raises Unreadable where they lack something.
    """

    names: tuple[str, ...]
    """Spellings of the command; the first that is found is taken."""
    read: Callable[[Ask], Found]
    tested_on: str
    """What the parser was tested on; says so where no real answer of the tool could be found."""
    folders: tuple[str, ...] = ()
    """Where it lies if not on PATH."""
    states: Callable[[Ask], tuple[CardState, ...]] | None = None
    """Asks how the cards are at this moment; None where the tool can't be asked or nobody knows how."""
    mend: str = "Install the driver; in a container, start it with the vendor's runtime"

    def path(self) -> str | None:
        """Return where the tool is, None if this machine doesn't have it."""
        found = (
            shutil.which(name, path=path)
            for path in (None, os.pathsep.join(self.folders) or os.devnull)
            for name in self.names
        )
        return next((path for path in found if path), None)

    def found(self) -> Found | None:
        """Return what the tool tells, None if there is no such tool; DeviceError if it fails."""
        path = self.path()
        if path is None:
            return None
        name = Path(path).name
        try:
            told = self.read(lambda *arguments: _answer(path, arguments))
        except Unreadable as problem:
            raise DeviceError(
                f"the answer of {name} can't be read: {problem}",
                where="[device]",
                fix=f"{self.mend}; or set `read = false` under [device] and state name, count and "
                "driver yourself: evidence then says that they are stated",
            ) from None
        if not told.names:
            raise DeviceError(f"{name} sees no card", where="[device]", fix=self.mend)
        return told

    def watch(self) -> Watch | None:
        """Return what reads the cards' states, None if the tool isn't here or doesn't tell them."""
        path, states = self.path(), self.states
        if path is None or states is None:
            return None

        def read() -> tuple[CardState, ...]:
            try:
                return states(lambda *arguments: _answer(path, arguments))
            except Unreadable as problem:
                raise DeviceError(
                    f"the cards' states can't be read: {problem}", where=Path(path).name
                ) from None

        return Watch(read)


def _answer(path: str, arguments: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            [path, *arguments],
            env=_plain(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(f"nothing came within {ANSWER_S} s") from None
    except OSError as problem:
        raise Unreadable(problem.strerror or str(problem)) from None
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        words = " ".join((text + done.stderr.decode("utf-8", "replace")).split())
        raise Unreadable(f"it left with {done.returncode}: {words[:SHOWN_CHARACTERS] or 'silence'}")
    return text


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """English answers, and every card: a tool may obey the variable that chooses cards."""
    return {
        name: value
        for name, value in environment.items()
        if not name.endswith("_VISIBLE_DEVICES") and name != "LANGUAGE"
    } | {"LC_ALL": "C.UTF-8"}
