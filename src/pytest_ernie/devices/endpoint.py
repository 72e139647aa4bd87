"""
A served endpoint of which nothing but the URL is known: what an appliance maker has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pytest_ernie.devices.protocol import Need


class Endpoint:
    """No device facts can be read; what depends on them ends INCONCLUSIVE."""

    kind = "endpoint"
    title = "endpoint"
    paddle_name = ""
    visible_variable = None
    engine_environment: ClassVar[dict[str, str]] = {}
    needs: ClassVar[tuple[Need, ...]] = ()

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """Return what the site file states, if anything."""
        return {"name": "unknown behind an endpoint", **stated, "kind": self.kind}

    def card_sets(self, count: int, wanted: int) -> Iterator[tuple[int, ...]]:
        """None: nothing is started, so no card is chosen."""
        return iter(())


DEVICE = Endpoint()
