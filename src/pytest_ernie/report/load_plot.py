"""
Pictures of serving throughput: load against the limits that decide which load counts, and how the
requests at that load are spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_ernie.report.svg import Axes, Canvas, Scale, legend, nice_ticks, powers_of_two
from pytest_ernie.report.text import line
from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts import Bounds, LoadPoint, broken_limits

if TYPE_CHECKING:
    from pytest_ernie.measurements.latencies import Latencies

LEFT = 58.0


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


_FIELDS = ("output_tokens_per_s", "ttft_mean_s", "decode_mean_tokens_per_s")
_LABELS = ("TPS, tok/s", "mean first token, s", "mean decode speed, tok/s")


def throughput_against_load(curve: LoadCurve, *, name: str) -> str:
    """
    Draw TPS, time to first token and decode speed against the requests in flight, with the limits;
    loads that break one are crossed out, the highest that counts is ringed.
    """
    canvas = Canvas(
        404,
        title=f"Serving throughput of {name}, workload {line(curve.workload, 80)}",
        description=_loads_in_words(curve),
    )
    loads = [point.concurrency for point in (*curve.candidate, *curve.reference)]
    ticks = powers_of_two(min(loads, default=1), max(loads, default=2))
    x = Scale((ticks[0][0], ticks[-1][0]), (LEFT + 6, canvas.width - 14), "log")
    limits = (
        (curve.required_tokens_per_s, "≥ {:.4g}"),
        (curve.bounds.ttft_s, "< {:g} s"),
        (curve.bounds.decode_tokens_per_s, "≥ {:g}"),
    )
    entries = [("line", "p-candidate", "candidate")]
    if curve.reference:
        entries.append(("line", "p-reference", "reference"))
    for place, (top, height) in enumerate(((46.0, 118.0), (188.0, 74.0), (286.0, 78.0))):
        limit, label = limits[place]
        high = _highest(curve, _FIELDS[place], limit)
        axes = Axes(canvas, top, height, x, Scale((0, high), (top + height, top)))
        lowest = place == len(limits) - 1
        x_ticks = [(value, text) for value, text in ticks] if lowest else []
        axes.frame(
            _LABELS[place], nice_ticks(0, high, 4), x_ticks, "requests in flight" if lowest else ""
        )
        _paint_points(axes, curve, _FIELDS[place])
        if limit is not None:
            axes.level(limit, label=label.format(limit))
        if not place and curve.counts is not None:
            best = curve.counts
            axes.mark(best.concurrency, best.output_tokens_per_s, "ring", "p-candidate", 6)
            entries.append(("ring", "p-candidate", f"counts: {best.output_tokens_per_s:.4g} tok/s"))
    if any(broken_limits(point, curve.bounds, curve.rule) for point in curve.candidate):
        entries.append(("cross", "p-outlier", "breaks a limit"))
    legend(canvas, 12, entries[:2])
    legend(canvas, 28, entries[2:])
    return canvas.svg()


def _highest(curve: LoadCurve, field: str, limit: float | None) -> float:
    points = (*curve.candidate, *curve.reference)
    known = [v for v in (getattr(point, field) for point in points) if math.isfinite(v)]
    reach = 1.08 * max(known, default=1.0)
    if field == "ttft_mean_s" and limit is not None:
        reach = min(reach, 4 * limit)  # what is far beyond the limit needn't be told apart
    return max(reach, 1.3 * (limit or 0.0), 1e-9)


def _paint_points(axes: Axes, curve: LoadCurve, field: str) -> None:
    for points, kind in ((curve.reference, "p-reference"), (curve.candidate, "p-candidate")):
        ordered = sorted(points, key=lambda point: point.concurrency)
        axes.line([(point.concurrency, getattr(point, field)) for point in ordered], kind)
        for point in ordered:
            broken = broken_limits(point, curve.bounds, curve.rule)
            place = (point.concurrency, getattr(point, field))
            axes.mark(*place, "cross" if broken else "dot", "p-outlier" if broken else kind, 2.4)


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


def latency_spreads(
    candidate: Latencies, reference: Latencies | None, bounds: Bounds, *, name: str
) -> str:
    """
    Draw how first tokens and decode speeds are spread over the requests, with the limit of each.
    """
    canvas = Canvas(
        286,
        title=f"First token and decode speed of each request, {name}",
        description=_spreads_in_words(candidate, bounds),
    )
    entries = [("line", "p-candidate", "candidate")]
    if reference is not None:
        entries.append(("line", "p-reference", "reference"))
    legend(canvas, 12, entries)
    for place, (field, limit, label) in enumerate(
        (
            ("ttft_s", bounds.ttft_s, "first token, s"),
            ("decode_tokens_per_s", bounds.decode_tokens_per_s, "decode speed, tok/s"),
        )
    ):
        _paint_spread(
            canvas,
            36 + 126.0 * place,
            getattr(candidate, field),
            getattr(reference, field) if reference else (),
            limit,
            label,
        )
    return canvas.svg()


BINS = 40


def _paint_spread(
    canvas: Canvas,
    top: float,
    own: Sequence[float],
    other: Sequence[float],
    limit: float,
    label: str,
) -> None:
    if not own:
        canvas.text(LEFT, top + 30, "no request was answered", "p-note")
        return
    ranked = sorted((*own, *other))
    high = max(ranked[min(len(ranked) - 1, int(0.995 * len(ranked)))], limit) * 1.05
    low = min(ranked[int(0.005 * len(ranked))], limit) * 0.95
    x = Scale((low, high), (LEFT, canvas.width - 10))
    counted = [(_shares(values, low, high), kind) for values, kind in (
        (other, "p-reference"), (own, "p-candidate")) if values]  # fmt: skip
    most = max(max(shares) for shares, _ in counted) * 1.1
    axes = Axes(canvas, top, 78, x, Scale((0, most), (top + 78, top)))
    axes.frame(
        "share of requests",
        [(v, f"{v:.0%}") for v, _ in nice_ticks(0, most, 3)],
        nice_ticks(low, high, 6),
        label,
    )
    width = (high - low) / BINS
    for shares, kind in counted:
        steps = [
            (low + width * (n + side), share) for n, share in enumerate(shares) for side in (0, 1)
        ]
        axes.line(steps, kind)
    canvas.path([(x(limit), top), (x(limit), top + 78)], "p-limit")
    canvas.text(x(limit) + 3, top + 9, f"{limit:g}", "p-note p-limit-text")


def _shares(values: Sequence[float], low: float, high: float) -> list[float]:
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
    return [count / len(values) for count in counts]


def _spreads_in_words(spreads: Latencies, bounds: Bounds) -> str:
    if not spreads.ttft_s:
        return "No request was answered."
    first, speed = sorted(spreads.ttft_s), sorted(spreads.decode_tokens_per_s)
    late = sum(value >= bounds.ttft_s for value in first) / len(first)
    slow = sum(value < bounds.decode_tokens_per_s for value in speed) / max(1, len(speed))
    return (
        f"Over {len(first)} requests the median first token took {_quantile(first, 0.5):.3g} s, P90 "
        f"{_quantile(first, 0.9):.3g} s, P99 {_quantile(first, 0.99):.3g} s; {late:.1%} took longer than "
        f"{bounds.ttft_s:g} s. The median decode speed is {_quantile(speed, 0.5):.4g} tok/s; "
        f"{slow:.1%} were slower than {bounds.decode_tokens_per_s:g} tok/s. The means decide."
    )


def _quantile(ranked: Sequence[float], share: float) -> float:
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else math.nan
