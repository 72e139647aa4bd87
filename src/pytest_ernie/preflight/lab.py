"""
What is checked: a device and a site, and what was read of them once.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ernie.errors import ErnieError
from pytest_ernie.site import Site

if TYPE_CHECKING:
    from pytest_ernie.devices import Device
    from pytest_ernie.standard import Edition

OFFICIAL = "ernie-4.5"


class Lab:
    """
    A device (None: only the host is looked at) and what the site file says (None: there is none).

    Nothing is asked before a check asks for it, so that collecting stays quick.
    """

    def __init__(
        self,
        device: Device | None = None,
        site: Site | None = None,
        data: Path | None = None,
        edition: Edition | None = None,
    ) -> None:
        self._edition = edition
        self.remote = device is not None and device.kind == "endpoint"
        self.device = None if self.remote else device
        self.site = site or Site()
        self.data = data or (Path(self.site.data) if self.site.data else None)
        """Folder of the accuracy data sets, if one is named."""

    @cached_property
    def edition(self) -> Edition:
        """What is asked of the lab: the official edition if nobody says."""
        from pytest_ernie.standard import load

        return self._edition or load(OFFICIAL)

    @property
    def named_data(self) -> bool:
        """True where somebody says where accuracy data sets lie."""
        return self.data is not None or bool(self.site.datasets)

    @property
    def rehearses(self) -> bool:
        """True where the suite makes the toolchains itself."""
        return not self.remote and (self.device is None or self.device.kind == "cpu")

    @cached_property
    def facts(self) -> dict[str, Any] | ErnieError:
        """The device's facts, or why they can't be told."""
        assert self.device is not None
        try:
            return self.device.facts(self.site.device)
        except ErnieError as problem:
            return problem

    def fact(self, name: str) -> str | None:
        """Return a fact of the device as text, None if nobody tells it."""
        value = None if isinstance(self.facts, ErnieError) else self.facts.get(name)
        return None if value is None else str(value)

    @cached_property
    def environments(self) -> dict[str, tuple[Path, dict[str, str]]]:
        """Interpreter and variables of what the site file names: "trainer", "engine"."""
        tables = {"trainer": self.site.trainer, "engine": self.site.engine}
        return {
            name: (Path(table.python), dict(table.env)) for name, table in tables.items() if table
        }
