"""
Calibration: the client finds out what it can do here, and how true its figures are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from doubles.load_client import load_run
from pytest_ernie.load import calibration
from pytest_ernie.load.arrivals import Arrivals
from pytest_ernie.load.calibration import Calibration, calibrate
from pytest_ernie.load.known.schedule import RequestTruth, Schedule
from pytest_ernie.load.protocol import LoadResult, Prompt


def test_the_client_measures_itself() -> None:
    """
    Eight streams are no burden for any machine. No token is seen before it was sent; how long after is
    the machine's own affair.
    """
    told: list[str] = []
    found = calibrate(
        8, processes=2, progress=lambda stage, **more: told.append(f"{stage} {more['detail']}")
    )

    assert (found.concurrency, found.processes, found.in_flight_share) == (8, 2, 1.0)
    assert found.roofline_events_per_s > 200
    assert 0 < found.cpu_s_per_event < 0.005
    assert -0.001 < found.ttft_error_mean_s < 1
    assert abs(found.tpot_error_share) < 0.5
    assert found.lateness_mean_s >= 0
    assert "calibrate as fast as possible" in told
    assert "calibrate paced, 8 in flight" in told


def truth(ttft_s: float, s_per_token: float) -> RequestTruth:
    """An answer of 40 tokens as the server knows it."""
    return RequestTruth(
        id="", connection=1, received_s=9.0, wait_s=0.0, first_s=9.0 + ttft_s,
        last_s=9.0 + ttft_s + 39 * s_per_token, tokens=40, in_flight=1, blocked=0, fault=None,
    )  # fmt: skip


@pytest.mark.parametrize(("concurrency", "streams"), [(100, 64), (50, 50)])
def test_its_figures_are_held_against_what_the_server_knows(
    monkeypatch: pytest.MonkeyPatch, concurrency: int, streams: int
) -> None:
    """
    The client says 0.21 s to each first token; the server 0.20, and to two of them 0.26 s.
    """
    schedules: list[Schedule] = []
    asked: list[tuple[int | None, int, int, int]] = []

    @contextmanager
    def server(schedule: Schedule) -> Iterator[Any]:
        schedules.append(schedule)
        known = [truth(0.26 if n < 2 else 0.2, 0.025) for n in range(concurrency)]
        told = SimpleNamespace(requests=known, most_in_flight=concurrency // 2)
        yield SimpleNamespace(base_url="http://127.0.0.1:9/v1", truth=lambda: told)

    def run(
        target: object, prompts: Sequence[Prompt], arrivals: Arrivals, *, run: str, processes: int
    ) -> LoadResult:
        tokens = prompts[0].output_tokens
        asked.append((arrivals.concurrency, len(prompts), tokens, processes))
        made = load_run(
            len(prompts),
            len(prompts),
            ttft_s=0.21,
            s_per_token=0.0275 * (tokens - 1) / 10,
            output_tokens=tokens,
            chunks=tokens,
        )
        late = [
            msgspec.structs.replace(record, sent_s=record.sent_s + 0.004) for record in made.records
        ]
        return msgspec.structs.replace(made, records=tuple(late), wall_s=2.0)

    monkeypatch.setattr(calibration, "known_server", server)
    monkeypatch.setattr(calibration, "run_load", run)

    found = calibrate(concurrency, processes=2)

    assert [one.as_fast_as_possible for one in schedules] == [True, False]
    assert (schedules[1].ttft_s, schedules[1].interval_s) == (0.2, 0.025)
    assert asked == [(streams, streams, 256, 2), (concurrency, concurrency, 40, 2)]
    fast_s, paced_s = ((n - 1) * 0.001 + 0.21 for n in (streams, concurrency))
    fast_s, paced_s = fast_s + 255 * 0.0275, paced_s + 39 * 0.0275
    expected = Calibration(
        concurrency=concurrency,
        processes=2,
        roofline_events_per_s=streams * 256 / (0.1 * fast_s),
        cpu_s_per_event=0.1 * paced_s / (concurrency * 40),
        ttft_error_mean_s=0.21 - (0.2 + 2 * 0.06 / concurrency),
        ttft_error_p99_s=0.21 - 0.26,
        tpot_error_share=0.1,
        lateness_mean_s=0.004,
        in_flight_share=0.5,
    )
    assert msgspec.structs.astuple(found) == pytest.approx(msgspec.structs.astuple(expected))
