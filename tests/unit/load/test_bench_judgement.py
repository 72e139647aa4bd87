"""
What ``tox -e bench`` makes of its runs: aims at, under and over their limits, and rows as text.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
OURS, PEER, FLOOR = "pytest-ernie", "another", "uvloop floor"


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """Its modules, which stand beside each other and not in a package."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        yield SimpleNamespace(
            **{n: import_module(n) for n in ("aims", "measured", "ours", "table")}
        )
    for name in set(sys.modules) - before:
        if str(BENCH) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def judged(bench: SimpleNamespace, rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return every aim's word and sentence; a row is a client and what differs from a good run."""
    groups: dict[Any, list[Any]] = {}
    for client, changed in rows:
        facts = {
            "answered": 1024,
            "us_per_event": 10.0,
            "after_us_per_event": 1.0,
            "in_flight": 0.99,
            "ttft_s": 0.1,
            "ttft_error_s": 0.004,
            "p99_error_s": -0.008,
            "tpot_error": -0.001,
            "events_per_s": 120.0,
            "server_late_s": 0.0,
            **changed,
        }
        fast = facts.pop("fast", False)
        load = bench.measured.Load(1024, 100, fast=fast)
        groups.setdefault((client, load), []).append(
            bench.measured.Row(client=client, load=load, **facts)
        )
    return [str(aim) for aim in bench.aims.judged(groups, ())]


def test_each_aim_is_reached_at_its_limit(bench: SimpleNamespace) -> None:
    """Too early is as wrong as too late."""
    told = judged(
        bench, [(OURS, {}), (OURS, {"fast": True}), (PEER, {"fast": True, "events_per_s": 100.0})]
    )

    assert [line.split()[0] for line in told] == ["PASS"] * 6
    assert told[0] == "PASS       mean TTFT error at 1024: 4.00 ms, allowed 4.00"
    assert told[-1].startswith("PASS       capacity: 1.2 times that of the best peer (another)")


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({"ttft_error_s": 0.0041}, "mean TTFT error"),
        ({"p99_error_s": 0.0081}, "P99 TTFT error"),
        ({"tpot_error": 0.0011}, "TPOT error"),
        ({"us_per_event": 10.1}, "cost"),
        ({"us_per_event": None}, "cost"),
        ({"in_flight": 0.989}, "in flight"),
    ],
)
def test_each_aim_fails_beyond_it(
    bench: SimpleNamespace, changed: dict[str, Any], failed: str
) -> None:
    """One at a time; what nobody could measure is not reached."""
    told = judged(bench, [(OURS, changed)])

    assert [failed in line for line in told if line.startswith("FAIL")] == [True]


def test_the_floors_own_error_is_allowed_for(bench: SimpleNamespace) -> None:
    """On a machine where even that one is late: a fifth more than its own."""
    late = {"ttft_error_s": 0.012}

    assert judged(bench, [(OURS, late), (FLOOR, {"ttft_error_s": 0.010})])[0].startswith("PASS")
    assert judged(bench, [(OURS, late), (FLOOR, {"ttft_error_s": 0.0099})])[0].startswith("FAIL")


def test_capacity_is_not_judged_beside_nobody(bench: SimpleNamespace) -> None:
    """The floor is no peer."""
    told = judged(bench, [(OURS, {"fast": True}), (FLOOR, {"fast": True})])

    assert told == ["NOT JUDGED capacity: no other client was measured"]


def test_a_row_has_the_median_and_the_range_of_its_runs(bench: SimpleNamespace) -> None:
    """And the share of ours that a client's events cost."""
    load = bench.measured.Load(64, 100)

    def row(client: str, us_per_event: float | None, ttft_s: float = 0.1) -> Any:
        return bench.measured.Row(
            client=client, load=load, answered=64, us_per_event=us_per_event,
            after_us_per_event=None, in_flight=1.0, ttft_s=ttft_s, ttft_error_s=0.0,
            p99_error_s=0.0, tpot_error=0.0, events_per_s=1.0, server_late_s=0.0,
        )  # fmt: skip

    text = bench.table.paced(
        [[row(OURS, 9.0), row(OURS, 11.0)], [row(PEER, 40.0, ttft_s=9.0)]], OURS
    )

    ours, peer = (line for line in text.splitlines() if line.startswith(("| p", "| a", "p", "a")))
    assert "10.0" in ours
    assert "9.0" in ours
    assert "kept" in ours
    assert "4.0" in peer
    assert "MISSED" in peer
    assert bench.table.NOTHING in peer
