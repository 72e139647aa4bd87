"""
The two throughput clauses: a share of the benchmark, and for serving only under the latency limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts.verdict import Verdict, inconclusive, passed, shown


def throughput_share(
    measured_tokens_per_s: float,
    benchmark_tokens_per_s: float,
    *,
    at_least: float,
    notes: tuple[str, ...] = (),
) -> Verdict:
    """
    Judge 性能达到benchmark的50%/80%: both figures in tokens per second, counted alike on both sides.
    """
    required = f"≥ {at_least * 100:g} % of the benchmark"
    for side, value in (("measured", measured_tokens_per_s), ("benchmark", benchmark_tokens_per_s)):
        if not (math.isfinite(value) and value > 0):
            return inconclusive(
                f"the {side} throughput is {value:g} tok/s, so there is no share to judge",
                required=required,
                notes=notes,
            )
    share = measured_tokens_per_s / benchmark_tokens_per_s
    return Verdict(
        word=passed(share >= at_least),
        message=f"{_figure(measured_tokens_per_s)} tok/s is {_percent(share, at_least)} % of the "
        f"benchmark's {_figure(benchmark_tokens_per_s)} tok/s; {at_least * 100:g} % is required",
        measured=f"{_figure(measured_tokens_per_s)} tok/s = {_percent(share, at_least)} %",
        required=f"{required} ({_figure(at_least * benchmark_tokens_per_s)} tok/s)",
        notes=notes,
        numbers={
            "measured_tokens_per_s": measured_tokens_per_s,
            "benchmark_tokens_per_s": benchmark_tokens_per_s,
            "share": share,
            "required_share": at_least,
        },
    )


def _figure(tokens_per_s: float) -> str:
    return f"{tokens_per_s:.0f}" if tokens_per_s >= 100 else f"{tokens_per_s:.3g}"


def _percent(share: float, threshold: float) -> str:
    if share == threshold:
        return f"{threshold * 100:.1f}"
    return shown(share * 100, threshold * 100, 1)


class ClientPoint(Struct, frozen=True, kw_only=True):
    """
    How the load client kept up at a load. NaN where it isn't known.
    """

    cpu_share: float
    """Processor time of the busiest client process, of one core."""
    events_per_s: float
    roofline_events_per_s: float
    """What the client can take on that host, measured right before."""
    lateness_mean_s: float
    """How long after they were due requests left."""
    waited_share: float
    """Of the run, in which the client was ready to run and had no processor."""
    in_flight_share: float
    """Of the load that was asked for, on average over the steady window."""
    ttft_error_s: float
    """How far its mean first token was from the truth, when it measured itself."""
    burst_share: float
    """Of the requests, those of which all that came had come when it looked: no decode speed."""


class LoadPoint(Struct, frozen=True, kw_only=True):
    """
    One tested load of the serving throughput clause.

    ``failed_share`` counts failed and refused requests of all; ``full_length_share`` the answers that
    reached their fixed length (R9).
    """

    workload: str
    concurrency: int
    output_tokens_per_s: float
    ttft_mean_s: float
    ttft_percentile_s: float
    decode_mean_tokens_per_s: float
    decode_percentile_tokens_per_s: float
    failed_share: float
    full_length_share: float
    client: ClientPoint
    cached_share: float = 0.0
    """Of the prompts' tokens, what the server says it had in a cache."""
    tokens_per_event: float = 1.0
    failures: str = ""
    """What the failed requests died of, in words."""


class Bounds(Struct, frozen=True, kw_only=True):
    """The limits that hold for one workload of a model."""

    ttft_s: float
    decode_tokens_per_s: float


def broken_limits(point: LoadPoint, bounds: Bounds, rule: ServingThroughputRule) -> tuple[str, ...]:
    """
    Return what a load breaks, a phrase each; empty when it keeps every limit (R7, mean decides).

    A figure that is NaN breaks its limit; if every request failed that is all there is to say.
    """
    broken: list[str] = []
    if not point.failed_share <= rule.failed_share_max:
        broken.append(
            f"{_percent(point.failed_share, rule.failed_share_max)} % of the requests failed, "
            f"at most {rule.failed_share_max * 100:g} % may"
            + (f" ({point.failures})" if point.failures else "")
        )
        if point.failed_share == 1:
            return tuple(broken)
    if not point.ttft_mean_s < bounds.ttft_s:
        broken.append(
            f"mean time to first token {shown(point.ttft_mean_s, bounds.ttft_s, 3)} s, "
            f"must be < {bounds.ttft_s:g} s"
        )
    if not point.decode_mean_tokens_per_s >= bounds.decode_tokens_per_s:
        speed = shown(point.decode_mean_tokens_per_s, bounds.decode_tokens_per_s, 1)
        broken.append(f"mean decode speed {speed} tok/s, must be ≥ {bounds.decode_tokens_per_s:g}")
    return tuple(broken)


def peak(
    points: Sequence[LoadPoint], bounds: Bounds, rule: ServingThroughputRule
) -> LoadPoint | None:
    """
    Return the highest load at which it and every lower tested load keep the limits (R6), or None.
    """
    broken = [point.concurrency for point in points if broken_limits(point, bounds, rule)]
    held = [point for point in points if point.concurrency < min(broken, default=math.inf)]
    return max(held, key=lambda point: point.concurrency, default=None)
