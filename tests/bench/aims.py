"""
What the client is meant to reach, and whether a run of the benchmark shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from measured import Load, Row, figure
from ours import NAME, Flip
from peers import FLOOR
from table import core_percent

COST_US = 10.0
IN_FLIGHT = 0.99
AT_STREAMS = 1024
"""Where cost and streams in flight are judged."""
TTFT_ERROR_S = {64: 0.001, 256: 0.002, 1024: 0.004}
FLOOR_SHARE = 1.2
"""Where even the floor does worse, so much of its error is allowed."""
P99_SHARE = 2.0
"""Of what is allowed for the mean, at the 99th percentile; or the floor's own, FLOOR_SHARE times."""
TPOT_ERROR = 0.001
CAPACITY_SHARE = 1.2

Groups = Mapping[tuple[str, Load], Sequence[Row]]


class Aim(msgspec.Struct, frozen=True):
    """An aim, and whether it is reached; None: nothing was measured to compare with."""

    reached: bool | None
    words: str

    def __str__(self) -> str:
        verdict = "NOT JUDGED" if self.reached is None else "PASS" if self.reached else "FAIL"
        return f"{verdict:10} {self.words}"


def judged(groups: Groups, flips: Sequence[Flip]) -> list[Aim]:
    """Return every aim for which there are runs, judged by medians."""
    aims = []
    for client, load in groups:
        if client == NAME and not load.fast:
            aims += _at(groups, load)
    aims.append(_capacity(groups))
    aims += [Aim(flip.right, f"no flip: {flip.case}: {flip.said}") for flip in flips]
    return aims


def _at(groups: Groups, load: Load) -> list[Aim]:
    rows, floor = groups[NAME, load], groups.get((FLOOR, load), [])
    n = load.streams
    aims = [
        _error(f"mean TTFT error at {n}", rows, floor, lambda r: r.ttft_error_s),
        _error(f"P99 TTFT error at {n}", rows, floor, lambda r: r.p99_error_s, P99_SHARE),
    ]
    off = _median(rows, lambda r: abs(r.tpot_error))
    limit = f"allowed {TPOT_ERROR:.1%}"
    aims.append(Aim(off <= TPOT_ERROR, f"TPOT error at {n}: {off:.4%}, {limit}"))
    if n == AT_STREAMS:
        cost = _median(rows, lambda r: r.us_per_event)
        share = _median(rows, lambda r: r.in_flight)
        aims += [
            Aim(cost <= COST_US, f"cost at {n}: {cost:.1f} µs per event, allowed {COST_US:g}"),
            Aim(share >= IN_FLIGHT, f"in flight at {n}: {share:.1%}, wanted {IN_FLIGHT:.0%}"),
        ]
    return aims


def _error(
    words: str,
    rows: Sequence[Row],
    floor: Sequence[Row],
    of: Callable[[Row], float],
    share: float = 1.0,
) -> Aim:
    """Judge an error; if the floor's own was larger in the same run, by that."""
    allowed_s = share * TTFT_ERROR_S[rows[0].load.streams]
    if floor:
        allowed_s = max(allowed_s, FLOOR_SHARE * _median(floor, lambda r: abs(of(r))))
    off_s = _median(rows, lambda r: abs(of(r)))
    return Aim(off_s <= allowed_s, f"{words}: {off_s * 1e3:.2f} ms, allowed {allowed_s * 1e3:.2f}")


def _capacity(groups: Groups) -> Aim:
    others = {
        client: _median(rows, lambda r: r.events_per_s)
        for (client, load), rows in groups.items()
        if load.fast and client not in (NAME, FLOOR)
    }
    ours = [rows for (client, load), rows in groups.items() if load.fast and client == NAME]
    if not others or not ours:
        return Aim(None, "capacity: no other client was measured")
    best = max(others, key=others.__getitem__)
    ratio = _median(ours[0], lambda r: r.events_per_s) / others[best]
    share = _median(ours[0], core_percent)
    return Aim(
        ratio >= CAPACITY_SHARE,
        f"capacity: {ratio:.1f} times that of the best peer ({best}), wanted "
        f"{CAPACITY_SHARE:g}; ours took {share:.0f}% of its core for it",
    )


def _median(rows: Sequence[Row], of: Callable[[Row], float | None]) -> float:
    found = figure(rows, of)
    return float("nan") if found is None else found.median
