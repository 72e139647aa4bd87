"""
Pictures of serving throughput: load against the limits that decide which load counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_ernie.report.plots import WIDTH_IN
from pytest_ernie.report.svg import CANDIDATE, LIMIT, OUTLIER, PAPER, REFERENCE, draw
from pytest_ernie.report.text import line
from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts import Bounds, LoadPoint, broken_limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LoadCurve(Struct, frozen=True, kw_only=True):
    """
    The loads of one workload on both sides, as the serving throughput clause looks at them.

    ``required_tokens_per_s`` is the tier's share of the reference's peak, None without a reference.
    """

    workload: str
    bounds: Bounds
    rule: ServingThroughputRule
    counts: LoadPoint | None
    """The candidate's whole workload at the highest load that keeps the limits."""
    candidate: tuple[LoadPoint, ...]
    reference: tuple[LoadPoint, ...] = ()
    required_tokens_per_s: float | None = None


def throughput_against_load(curve: LoadCurve, *, name: str) -> str:
    """
    Draw TPS, time to first token and decode speed against the requests in flight, with the limits;
    loads that break one are crossed out, the highest that counts is ringed.
    """

    def paint(figure: Figure) -> None:
        tps, ttft, decode = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 2))
        for axes, field in (
            (tps, "output_tokens_per_s"),
            (ttft, "ttft_mean_s"),
            (decode, "decode_mean_tokens_per_s"),
        ):
            _paint_side(axes, curve, curve.reference, field, "reference", REFERENCE, (0, (4, 1)))
            _paint_side(axes, curve, curve.candidate, field, "candidate", CANDIDATE, (0, ()))
            axes.set_ylim(bottom=0)
        _paint_peak(tps, curve)
        _limit(ttft, curve.bounds.ttft_s, f"< {curve.bounds.ttft_s:g} s")
        _limit(decode, curve.bounds.decode_tokens_per_s, f"≥ {curve.bounds.decode_tokens_per_s:g}")
        tps.set_ylabel("TPS, tok/s")
        ttft.set_ylabel("first\ntoken, s")
        decode.set_ylabel("decode,\ntok/s")
        decode.set_xscale("log", base=2)
        loads = _ticks([point.concurrency for point in (*curve.candidate, *curve.reference)])
        decode.set_xticks(loads, labels=[str(load) for load in loads])
        decode.set_xticks([], minor=True)
        decode.set_xlabel("requests in flight")
        figure.align_ylabels()

    return draw(
        paint,
        size_in=(WIDTH_IN, 4.2),
        title=f"Serving throughput of {name}, workload {line(curve.workload, 80)}",
        description=_loads_in_words(curve),
    )


def _ticks(loads: Sequence[int]) -> list[int]:
    """Powers of two from the lowest load to the highest: a search tests too many to name them all."""
    if not loads:
        return []
    return [2**n for n in range(min(loads).bit_length() - 1, max(loads).bit_length() + 1)]


def _paint_side(
    axes: Axes,
    curve: LoadCurve,
    points: Sequence[LoadPoint],
    field: str,
    label: str,
    colour: str,
    dashes: tuple[int, tuple[float, ...]],
) -> None:
    ordered = sorted(points, key=lambda point: point.concurrency)
    loads = [point.concurrency for point in ordered]
    values = [getattr(point, field) for point in ordered]
    if not loads:
        return
    axes.plot(loads, values, color=colour, linestyle=dashes, marker="o", markersize=3, label=label)
    broken = [
        (load, value)
        for load, value, point in zip(loads, values, ordered, strict=True)
        if broken_limits(point, curve.bounds, curve.rule) and math.isfinite(value)
    ]
    if broken:
        axes.plot(
            *zip(*broken, strict=True), linestyle="none", marker="X", markersize=6,
            color=OUTLIER, markeredgecolor=PAPER, markeredgewidth=0.5,
            label="_broken" if label == "reference" else "breaks a limit",
        )  # fmt: skip


def _paint_peak(axes: Axes, curve: LoadCurve) -> None:
    best = curve.counts
    if best is not None:
        axes.plot(
            [best.concurrency], [best.output_tokens_per_s], linestyle="none", marker="o",
            markersize=9, markerfacecolor="none", markeredgecolor=CANDIDATE,
            label=f"counts: {best.output_tokens_per_s:.4g} tok/s",
        )  # fmt: skip
    if curve.required_tokens_per_s is not None:
        _limit(axes, curve.required_tokens_per_s, f"≥ {curve.required_tokens_per_s:.4g}")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 1.42), ncols=2)


def _limit(axes: Axes, value: float, label: str) -> None:
    axes.axhline(value, color=LIMIT, linewidth=0.9, linestyle=(0, (5, 2)))
    axes.annotate(
        label, (1, value), xycoords=("axes fraction", "data"), textcoords="offset points",
        xytext=(-2, 2), ha="right", va="bottom", fontsize=7, color=LIMIT,
    )  # fmt: skip
    axes.set_ylim(top=max(axes.get_ylim()[1], 1.3 * value))


def _loads_in_words(curve: LoadCurve) -> str:
    best = curve.counts
    if best is None:
        text = "No tested load keeps the limits."
    else:
        text = (
            f"The highest load that counts is {best.concurrency} requests in flight with "
            f"{best.output_tokens_per_s:.4g} tok/s, {best.ttft_mean_s:.3g} s to the first token "
            f"and {best.decode_mean_tokens_per_s:.4g} tok/s of decode speed."
        )
    for point in sorted(curve.candidate, key=lambda point: point.concurrency):
        if broken := broken_limits(point, curve.bounds, curve.rule):
            text += f" At {point.concurrency} in flight: {', '.join(broken)}."
    return text
