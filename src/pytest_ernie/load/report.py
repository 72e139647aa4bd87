"""
What ``pytest-ernie load`` leaves behind: a table for people, JSON with a schema for scripts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_ernie.standard.json_schema import schema_text

from .calibration import Calibration
from .search import CurvePoint, Found
from .summary import LoadSummary, Spread

SCHEMA = Path(__file__).with_name("load-report.schema.json")


class LoadReport(LoadSummary, frozen=True, kw_only=True):
    """
    A load and its circumstances; of a search, the whole workload at the load that was found.
    """

    version: int = 1
    """Of this layout."""
    base_url: str
    model: str
    workload: str
    workload_digest: str
    """SHA-256 of the prompts; equal digests asked the same."""
    processes: int
    calibration: Calibration | None
    """What the client can do on this host; None if it wasn't asked to find out."""
    max_concurrency: int | None = None
    """Of a search: the highest load within the limits, 0 if there is none."""
    confidence: float | None = None
    capped: bool | None = None
    """The highest load that was allowed still keeps the limits."""
    requests_sent: int | None = None
    """By the search's trials, the run of the whole workload not included."""
    curve: tuple[CurvePoint, ...] | None = None


def schema() -> str:
    """Return the schema of a report as it is committed."""
    return schema_text(LoadReport, "What pytest-ernie load measured")


def table(report: LoadReport) -> str:
    """Return the figures in lines of at most 80 columns."""
    load = (
        f"{report.concurrency} in flight"
        if report.concurrency is not None
        else f"{report.rate_per_s:g} requests/s"
    )
    lines = [
        f"{report.model} at {report.base_url}",
        f"{load}: {report.completed} of {report.requests} requests answered in "
        f"{report.wall_s:.1f} s",
        "",
        f"  output            {_number(report.output_tokens_per_s, 1)} tokens/s",
        f"  in flight         {_number(report.mean_in_flight, 1)} on average",
        "",
        f"  {'':16}{'mean':>10}{'p50':>10}{'p90':>10}{'p99':>10}",
        _row("first token, ms", report.ttft_s, 1e3, 1),
        _row("per token, ms", report.tpot_s, 1e3, 2),
        _row("decode, tokens/s", report.decode_tokens_per_s, 1, 1),
        _row("latency, s", report.latency_s, 1, 3),
        "",
    ]
    lines += [f"  failed            {count} × {why}" for why, count in report.failed.items()]
    if not report.steady:
        lines.append("  too few requests for a steady window: warm-up and drain are in the figures")
    if report.reached_full_length_share is not None and report.reached_full_length_share < 0.99:
        lines.append(
            f"  only {report.reached_full_length_share:.1%} of the answers have their full length"
        )
    if report.tokens_per_chunk is not None and report.tokens_per_chunk > 1.05:
        lines.append(
            f"  {report.tokens_per_chunk:.1f} tokens came in an event: single ones were held back"
        )
    if report.cached_tokens:
        share = report.cached_tokens / report.prompt_tokens
        lines.append(f"  the server had {share:.1%} of the prompts' tokens in a cache")
    if report.reconnects:
        lines.append(f"  {report.reconnects} connections were closed by the server and opened anew")
    lines.append(_client(report))
    if report.curve is not None:
        lines += ["", *_curve(report)]
    return "\n".join(lines)


def found_in(found: Found) -> dict[str, Any]:
    """Return the fields that a search adds to a report."""
    return {
        "max_concurrency": found.max_concurrency,
        "confidence": found.confidence,
        "capped": found.capped,
        "requests_sent": found.requests_sent,
        "curve": found.curve,
    }


def _row(name: str, spread: Spread | None, factor: float, digits: int) -> str:
    if spread is None:
        return f"  {name:16}{'–':>10}"
    values = (spread.mean, spread.p50, spread.p90, spread.p99)
    return f"  {name:16}" + "".join(f"{value * factor:>10.{digits}f}" for value in values)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _client(report: LoadReport) -> str:
    text = f"  client            {_number((report.client_cpu_share or 0) * 100, 0)} % of a core"
    if report.lateness_s is not None:
        text += f", requests left {report.lateness_s.mean * 1e3:.2f} ms late on average"
    if report.calibration is not None:
        text += (
            f";\n                    it can take {report.calibration.roofline_events_per_s:.0f} "
        )
        text += "events/s of processor time;\n                    its first tokens are "
        text += f"{report.calibration.ttft_error_mean_s * 1e3:+.2f} ms off"
    return text


def _curve(report: LoadReport) -> list[str]:
    assert report.curve is not None
    head = (
        f"no load keeps the limits ({report.requests_sent} requests were sent)"
        if report.max_concurrency == 0
        else f"the highest load within the limits is {report.max_concurrency} in flight "
        f"({_sureness(report.confidence)}, {report.requests_sent} requests)"
    )
    if report.capped:
        head += "; a higher one wasn't allowed"
    return [head, *map(_curve_row, report.curve)]


def _sureness(confidence: float | None) -> str:
    """A search that ended with its requests, not with its answer, is sure of nothing."""
    return f"confidence {confidence:.0%}" if confidence else "not confirmed"


def _curve_row(point: CurvePoint) -> str:
    ttft_ms = None if point.ttft_s is None else point.ttft_s * 1e3
    speed = 1 / point.s_per_token if point.s_per_token else None
    return (
        f"  {point.concurrency:>6} in flight  first token {_number(ttft_ms, 1):>8} ms  "
        f"decode {_number(speed, 1):>7} tokens/s  {point.finding}"
    )


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
