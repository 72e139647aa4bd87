"""
The client measures itself: against a server of its own whose every moment is known.

Two short runs on the host at hand. As fast as possible: how many events a second it can take at
all. Paced: how far its figures are from what
the server knows that it did.
"""

from __future__ import annotations

import secrets

import msgspec

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.progress import Progress, silent

from .arrivals import closed
from .client import Target, run_load
from .known.schedule import MODEL, Schedule
from .known.server import KnownServer, known_server
from .protocol import LoadResult, Prompt
from .summary import summarise

ROOFLINE_STREAMS = 64
ROOFLINE_TOKENS = 256
PACED_TOKENS = 40
TTFT_S = 0.2
INTERVAL_S = 0.025


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What the client can do on this host, and how true its figures are there."""

    concurrency: int
    processes: int
    roofline_events_per_s: float
    """
    Events as fast as possible, over the client's processor time, so that the server's speed doesn't count;
    a load that needs more than a good part of it is the client's limit.
    """
    cpu_s_per_event: float
    """Of the paced run, all client processes together."""
    ttft_error_mean_s: float
    """Client's mean minus server's mean, paced; positive: the client is late."""
    ttft_error_p99_s: float
    tpot_error_share: float
    """The same of the time per output token, as a share of it."""
    lateness_mean_s: float
    """Sent minus due."""
    in_flight_share: float
    """Streams truly in flight at the same time, by the server's count."""


def calibrate(concurrency: int, *, processes: int = 1, progress: Progress = silent) -> Calibration:
    """
    Measure the client at a load; takes about four seconds.

    MeasurementError if the server can't be started, EngineError if the client dies.
    """
    progress("calibrate", detail="as fast as possible")
    with known_server(Schedule(as_fast_as_possible=True)) as server:
        fast = _run(server, min(concurrency, ROOFLINE_STREAMS), ROOFLINE_TOKENS, processes)
    progress("calibrate", detail=f"paced, {concurrency} in flight")
    with known_server(Schedule(ttft_s=TTFT_S, interval_s=INTERVAL_S)) as server:
        paced = _run(server, concurrency, PACED_TOKENS, processes)
        truth = server.truth()
    summary = summarise(paced)
    assert (
        summary.ttft_s is not None and summary.tpot_s is not None and summary.lateness_s is not None
    )
    known = sorted((r.first_s or 0.0) - r.received_s for r in truth.requests)
    known_tpot_s = sum(
        ((r.last_s or 0.0) - (r.first_s or 0.0)) / (r.tokens - 1) for r in truth.requests
    ) / len(truth.requests)
    return Calibration(
        concurrency=concurrency,
        processes=processes,
        roofline_events_per_s=_events(fast) / max(client.cpu_s for client in fast.clients),
        cpu_s_per_event=paced.client_cpu_s / max(1, _events(paced)),
        ttft_error_mean_s=summary.ttft_s.mean - sum(known) / len(known),
        ttft_error_p99_s=summary.ttft_s.p99 - known[int(0.99 * (len(known) - 1))],
        tpot_error_share=summary.tpot_s.mean / known_tpot_s - 1,
        lateness_mean_s=summary.lateness_s.mean,
        in_flight_share=truth.most_in_flight / concurrency,
    )


def _run(server: KnownServer, concurrency: int, tokens: int, processes: int) -> LoadResult:
    target = Target(base_url=server.base_url, model=MODEL, dialect=VLLM)
    prompts = [Prompt(text="how late is it", output_tokens=tokens)] * concurrency
    return run_load(
        target, prompts, closed(concurrency), run=secrets.token_hex(4), processes=processes
    )


def _events(result: LoadResult) -> int:
    return sum(record.chunks for record in result.records)
