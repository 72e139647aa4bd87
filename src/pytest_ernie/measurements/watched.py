"""
The cards' states beside a measurement in which seconds count: kept, and held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from pytest_ernie.devices.states import Watch, summary, trouble
from pytest_ernie.evidence import Record, Recording
from pytest_ernie.measurements.equipment import Equipment

KEPT_AS = "cards_while_measured"
"""Key of the summary in a result; the states themselves are a blob of this name."""


@contextmanager
def watched(equipment: Equipment, recording: Recording) -> Iterator[None]:
    """
    Read the states of the cards that are held while the block lasts; where nothing tells them, do nothing.
    """
    watch: Watch | None = getattr(equipment.device, "watch", lambda: None)()
    if watch is None:
        yield
        return
    cards = equipment.holdings.cards

    def told() -> dict[str, Any]:
        watch.end()
        states = watch.of(cards)
        recording.blob(KEPT_AS, msgspec.json.encode(states))
        return {KEPT_AS: {**summary(states), "problem": watch.problem}}

    recording.at_the_end = told
    with watch:
        yield


def cards_were_slowed(record: Record) -> str | None:
    """Say what was wrong with the cards while a record was made, None if nothing was or is known."""
    return trouble(record.data.get(KEPT_AS))
