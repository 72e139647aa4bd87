"""
The host's own processor: the embedded default, on which the certification is rehearsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, ClassVar

from pytest_ernie.devices.host import cpu_name, machine_id, memory_gib, usable_cores
from pytest_ernie.devices.protocol import Need


class Cpu:
    """Rehearses; it is never certified."""

    kind = "cpu"
    title = "CPU (rehearsal)"
    paddle_name = "cpu"
    visible_variable = None
    engine_environment: ClassVar[dict[str, str]] = {}
    needs: ClassVar[tuple[Need, ...]] = ()

    def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
        """
        Return the processor, its usable cores and its memory; what is read outweighs the stated.
        """
        return {
            **stated,
            "kind": self.kind,
            "name": f"CPU {cpu_name()}",
            "count": 1,
            "cores": usable_cores(),
            "memory_gib": memory_gib(),
            "machine": machine_id(),
        }

    def card_sets(self, count: int, wanted: int) -> Iterator[tuple[int, ...]]:
        """Every set: a processor has no cards that could be linked wrongly."""
        return combinations(range(count), wanted)


DEVICE = Cpu()
