"""
Rows as text: medians, and in brackets the range over the repeats where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from measured import TTFT_LIMIT_S, Figure, Row, figure

HEADS = (
    "client",
    "streams",
    "µs/event",
    "× ours",
    "after",
    "in flight",
    "mean TTFT error, ms",
    "P99 TTFT error, ms",
    "TPOT error, %",
    f"TTFT limit {TTFT_LIMIT_S * 1e3:g} ms",
    "answered",
    "server late, ms",
)
FAST_HEADS = ("client", "events/s", "ours is ×", "µs/event", "of its core", "TTFT, ms", "answered")
"""A client that leaves its core idle was held up by the server: its capacity is above that."""
NOTHING = "–"


def paced(groups: Sequence[Sequence[Row]], ours: str) -> str:
    """Return the table of the paced loads; a group is one client's runs at one load."""
    cost = {
        rows[0].load: figure(rows, lambda r: r.us_per_event)
        for rows in groups
        if rows[0].client == ours
    }
    return text(HEADS, [_paced_cells(rows, cost.get(rows[0].load)) for rows in groups])


def _paced_cells(rows: Sequence[Row], ours: Figure | None) -> list[str]:
    cost = figure(rows, lambda r: r.us_per_event)
    ttft = figure(rows, lambda r: r.ttft_s)
    return [
        rows[0].client,
        str(rows[0].load.streams),
        cell(cost, 1),
        times(cost, ours),
        cell(figure(rows, lambda r: r.after_us_per_event), 1),
        cell(figure(rows, lambda r: r.in_flight * 100), 1, "%"),
        cell(figure(rows, lambda r: r.ttft_error_s * 1e3), 2),
        cell(figure(rows, lambda r: r.p99_error_s * 1e3), 2),
        cell(figure(rows, lambda r: r.tpot_error * 100), 3),
        "kept" if ttft is not None and ttft.median <= TTFT_LIMIT_S else "MISSED",
        _answered(rows),
        cell(figure(rows, lambda r: r.server_late_s * 1e3), 2),
    ]


def fast(groups: Sequence[Sequence[Row]], ours: str) -> str:
    """Return the table of capacity."""
    best = next((figure(g, lambda r: r.events_per_s) for g in groups if g[0].client == ours), None)
    return text(FAST_HEADS, [_fast_cells(rows, best) for rows in groups])


def _fast_cells(rows: Sequence[Row], ours: Figure | None) -> list[str]:
    capacity = figure(rows, lambda r: r.events_per_s)
    return [
        rows[0].client,
        cell(capacity, 0),
        times(ours, capacity),
        cell(figure(rows, lambda r: r.us_per_event), 1),
        cell(figure(rows, core_percent), 0, "%"),
        cell(figure(rows, lambda r: r.ttft_s * 1e3), 1),
        _answered(rows),
    ]


def core_percent(row: Row) -> float | None:
    """Return how much of a core the client took while it ran."""
    return None if row.us_per_event is None else row.us_per_event * row.events_per_s / 1e4


def _answered(rows: Sequence[Row]) -> str:
    least = min(r.answered for r in rows)
    return "all" if least == rows[0].load.streams else f"{least} of {rows[0].load.streams}"


def cell(value: Figure | None, digits: int, unit: str = "") -> str:
    """Return a figure and its range."""
    if value is None:
        return NOTHING
    median, least, most = (f"{v:.{digits}f}" for v in (value.median, value.least, value.most))
    return f"{median}{unit}" if least == most else f"{median}{unit} ({least}..{most})"


def times(value: Figure | None, unit: Figure | None) -> str:
    """Return how many times the one is the other."""
    return f"{value.median / unit.median:.1f}" if value and unit and unit.median else NOTHING


def text(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns: the first to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    sides: list[Callable[[str, int], str]] = [str.ljust, *[str.rjust] * (len(heads) - 1)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(side(word, width) for side, word, width in zip(sides, line, widths, strict=True))
        for line in lines
    )
