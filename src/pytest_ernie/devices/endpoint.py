"""
A served endpoint of which nothing but the URL is known: what an appliance maker has.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Endpoint:
    """No device facts can be read; what depends on them ends INCONCLUSIVE."""

    kind = "endpoint"
    title = "endpoint"
    paddle_name = ""
    visible_variable = None
    engine_environment: ClassVar[dict[str, str]] = {}

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """Return what the site file states, if anything."""
        return {"name": "unknown behind an endpoint", **stated, "kind": self.kind}


DEVICE = Endpoint()
