"""
The states of the cards stand beside what was measured on them.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pytest_ernie.devices.states import CardState, Watch
from pytest_ernie.evidence import Store, Subject, What
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.watched import KEPT_AS, cards_were_slowed, watched

WHAT = What(kind="serving.load", edition="e", model="m")
SUBJECT = Subject(device={}, toolchain=None, checkpoint=None)


def equipment(device: Any, cards: tuple[str, ...] = ("1",)) -> Equipment:
    """As much of it as is looked at."""
    return cast(Equipment, SimpleNamespace(device=device, holdings=SimpleNamespace(cards=cards)))


def states() -> list[CardState]:
    """Card 0 is somebody else's, and hot."""
    return [
        CardState(time_unix_s=1.0, card="0", held_back_by=("thermal slowdown",)),
        CardState(time_unix_s=1.0, card="1", sm_mhz=1980.0, held_back_by=("power brake",)),
    ]


def measured(store: Store, device: Any) -> dict[str, Any]:
    """Measure something on the device; return what is recorded."""
    with (
        store.recording(WHAT, SUBJECT, "e") as recording,
        watched(equipment(device), recording),
    ):
        watch = device.last if hasattr(device, "last") else None
        while watch is not None and not watch.states:
            pass
        recording.finish({"figure": 1})
    record = store.find(WHAT)
    assert record is not None
    return {"record": record, **record.data}


class Hot:
    """A device that tells its cards' states."""

    def __init__(self) -> None:
        self.last: Watch | None = None

    def watch(self) -> Watch:
        self.last = Watch(states, 0.001)
        return self.last


def test_the_states_of_our_cards_are_kept_beside_the_result(tmp_path: Path) -> None:
    """A summary to be judged, every state as a blob; others' cards aren't ours to tell."""
    store = Store(tmp_path)
    told = measured(store, Hot())

    assert told["figure"] == 1
    assert told[KEPT_AS]["slowed"] == ["power brake"]
    assert told[KEPT_AS]["sm_mhz"]["most"] == 1980.0
    kept = json.loads(store.blobs.get(told["record"].blobs[KEPT_AS]))
    assert {state["card"] for state in kept} == {"1"}
    assert cards_were_slowed(told["record"]) == (
        "the cards were slowed down while they were measured: power brake in 100% of the readings"
    )


def test_a_device_that_tells_no_states_is_measured_all_the_same(tmp_path: Path) -> None:
    """A chip maker's own device needn't have the method."""
    told = measured(Store(tmp_path), object())

    assert KEPT_AS not in told
    assert cards_were_slowed(told["record"]) is None
