"""
What the accelerators have in common, so that a chip is a few names in a file of its own.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pytest_ernie.devices.host import machine_id
from pytest_ernie.errors import SiteError


class Accelerator(Struct, frozen=True, kw_only=True):
    """
    A kind of accelerator whose facts the site file states.

    ``visible_variable`` is None where no such variable is documented: a run then uses every card.
    """

    kind: str
    title: str
    paddle_name: str
    visible_variable: str | None
    engine_environment: dict[str, str] = {}

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """
        Return the stated facts beside the machine's id; SiteError where one is missing.
        """
        missing = [key for key in ("name", "count", "driver") if key not in stated]
        if missing:
            raise SiteError(
                f"the site file doesn't say which {self.title} is certified",
                where="[device]",
                wanted=f'{", ".join(missing)} (for example name = "…", count = 8, driver = "…")',
            )
        read = {"kind": self.kind, "facts_from": "site file", "machine": machine_id()}
        return {**stated, **read}
