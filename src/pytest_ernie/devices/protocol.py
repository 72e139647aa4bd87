"""
What a device is to the suite: a kind of accelerator with names, variables and facts.
"""

from __future__ import annotations

from typing import Any, Protocol


class Device(Protocol):
    """
    One kind of accelerator. A chip maker registers an object with these attributes (hookspecs.py).
    """

    kind: str
    """What people type: ``--device=xpu``."""
    title: str
    paddle_name: str
    """The name that Paddle's trainer takes for ``device``."""
    visible_variable: str | None
    """The variable that limits a process to some cards."""
    engine_environment: dict[str, str]
    """Variables that the chip's serving engine needs."""

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """
        Return what identifies the device: ``name``, ``count``, ``memory_gib``, ``driver``, ``machine``.

        Only facts that stay the same from run to run (no clocks, no temperatures), because they are
        part of a measurement's key. ``stated`` is the site file's ``[device]`` table.
        """
        ...
