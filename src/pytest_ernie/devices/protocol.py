"""
What a device is to the suite: a kind of accelerator with names, variables, facts and rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from msgspec import Struct


class Need(Struct, frozen=True, kw_only=True):
    """
    One thing that a chip's documents require of a host.

    ``fact`` is a key of the device's facts (``driver``, ``firmware``, ``runtime``), or of the host:
    ``host_memory_gib``, ``disk_gib`` (the whole disk that the weights lie on), ``cudnn``.
    """

    fact: str
    title: str
    """As the documents call it."""
    at_least: str
    source: str
    """The document that says so."""
    newer: str = ""
    """What newer versions of the document ask for; reported, not required."""
    mend: str = "Install that version or a newer one"
    advice: bool = False
    """Reported only: the document asks for it with the largest model in mind."""


class Device(Protocol):
    """
    One kind of accelerator. A chip maker registers an object with these attributes (hookspecs.py).
    """

    @property
    def kind(self) -> str:
        """What people type: ``--device=xpu``."""

    @property
    def title(self) -> str:
        """What messages call it."""

    @property
    def paddle_name(self) -> str:
        """The name that Paddle's trainer takes for ``device``."""

    @property
    def visible_variable(self) -> str | None:
        """The variable that limits a process to some cards."""

    @property
    def engine_environment(self) -> dict[str, str]:
        """Variables that the chip's serving engine needs."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """What its documents require; preflight checks it."""

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """
        Return what identifies the device: ``name``, ``count``, ``memory_gib``, ``driver``, ``machine``.

        Only facts that stay the same from run to run (no clocks, no temperatures), because they are
        part of a measurement's key. ``stated`` is the site file's ``[device]`` table; DeviceError
        where it contradicts what the vendor's tool says.
        """
        ...

    def card_sets(self, count: int, wanted: int) -> Iterator[tuple[int, ...]]:
        """
        Yield the sets of cards, by number, that may work as one; ``wanted`` of a machine's ``count``.

        In the order in which they should be taken; none where no set is allowed.
        """
        ...


ATTRIBUTES = (
    "kind",
    "title",
    "paddle_name",
    "visible_variable",
    "engine_environment",
    "needs",
    "facts",
    "card_sets",
)
"""What a registered object must have; a test holds that this is the protocol."""
