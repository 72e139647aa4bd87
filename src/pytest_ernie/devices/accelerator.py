"""
What the accelerators have in common, so that a chip is a few names in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_ernie.devices.host import machine_id
from pytest_ernie.devices.protocol import Need
from pytest_ernie.devices.states import Watch
from pytest_ernie.devices.tool import Tool
from pytest_ernie.errors import DeviceError, SiteError

FROM_SITE = "site file"
"""``facts_from`` where no tool was asked: the lab's word."""


class Accelerator(Struct, frozen=True, kw_only=True):
    """
    A kind of accelerator whose facts the vendor's tool tells, or else the site file states.

    ``visible_variable`` is None where no such variable is documented: a run then uses every card.
    """

    kind: str
    title: str
    paddle_name: str
    visible_variable: str | None
    engine_environment: dict[str, str] = {}
    tool: Tool | None = None
    together: dict[int, tuple[tuple[int, ...], ...]] = {}
    """Size of a group -> the only sets of cards that may form one; any set for other sizes."""
    needs: tuple[Need, ...] = ()

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """
        Return the facts beside the machine's id: those read outweigh and complete those stated.

        DeviceError where the two contradict each other, or the tool fails; SiteError where there is
        no tool and the site file doesn't state enough. ``read = false`` keeps the tool unasked.
        """
        stated = dict(stated)
        asked = stated.pop("read", True)
        if asked not in (True, False):
            raise SiteError("read is true or false", where="[device]", got=repr(asked))
        told = self.tool.found() if self.tool and asked else None
        if self.tool and told:
            read = told.facts()
            _refuse_differences(stated, read, Path(self.tool.path() or "").name)
            origin = self.tool.names[0]
        else:
            read, origin = {}, FROM_SITE
            self._refuse_gaps(stated)
        own = {"kind": self.kind, "facts_from": origin, "machine": machine_id()}
        return {**stated, **read, **own}

    def watch(self) -> Watch | None:
        """Return what reads the cards' states while they are measured, None where nothing can."""
        return self.tool.watch() if self.tool else None

    def card_sets(self, count: int, wanted: int) -> Iterator[tuple[int, ...]]:
        """Yield the sets that ``together`` allows, else every set, the lowest numbers first."""
        allowed = self.together.get(wanted)
        if allowed is None:
            return combinations(range(count), wanted)
        return (cards for cards in allowed if max(cards) < count)

    def _refuse_gaps(self, stated: dict[str, Any]) -> None:
        missing = [key for key in ("name", "count", "driver") if key not in stated]
        if missing:
            raise SiteError(
                f"the site file doesn't say which {self.title} is certified",
                where="[device]",
                wanted=f'{", ".join(missing)} (for example name = "…", count = 8, driver = "…")',
            )


def _refuse_differences(stated: dict[str, Any], read: dict[str, Any], tool: str) -> None:
    """Say every fact in which the site file and the tool differ, both sides of it."""
    differing = [
        name for name in read if name in stated and not _agree(name, stated[name], read[name])
    ]
    if differing:
        raise DeviceError(
            "the site file and the machine don't agree on what is certified",
            where="[device]",
            got="; ".join(
                f"{name} {stated[name]!r} in the site file, {read[name]!r} from {tool}"
                for name in differing
            ),
            fix="Leave out of [device] what the machine tells by itself, or go to the right machine",
        )


def _agree(name: str, stated: object, read: object) -> bool:
    if name == "name":
        return _same_model(str(stated), str(read))
    if name in ("driver", "firmware", "runtime"):
        # "1.22.0" is what people write of "1.22.0-bd87f71".
        return str(read) == str(stated) or str(read).startswith(f"{stated}-")
    return stated == read


def _same_model(stated: str, read: str) -> bool:
    """
    Return whether a name that people write means the name that the tool prints.

    Each word with a figure in it must be among the tool's ("Kunlunxin P800" is "P800 OAM", an A800
    is no A100, 40GB no 80GB); of a name without figures every word.
    """
    wanted, known = _words(stated), _words(read) | _joined(read)
    telling = {word for word in wanted if any(sign.isdigit() for sign in word)}
    return (telling or wanted) <= known and bool(wanted)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.lower()))


def _joined(name: str) -> set[str]:
    """Words that the tool parts and people don't: K100_AI."""
    words = re.findall(r"[a-z0-9]+", name.lower())
    return {first + second for first, second in pairwise(words)}
