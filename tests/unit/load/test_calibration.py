"""
Calibration: the client finds out what it can do here, and how true its figures are.
"""

from __future__ import annotations

from pytest_ernie.load.calibration import calibrate


def test_the_client_measures_itself() -> None:
    """
    Eight streams are no burden for any machine: all in flight, true to some milliseconds, tokens to 2 %.
    """
    told: list[str] = []
    found = calibrate(
        8, processes=2, progress=lambda stage, **more: told.append(f"{stage} {more['detail']}")
    )

    assert (found.concurrency, found.processes, found.in_flight_share) == (8, 2, 1.0)
    assert found.roofline_events_per_s > 2000
    assert 0 < found.cpu_s_per_event < 0.005
    assert -0.001 < found.ttft_error_mean_s < 0.05
    assert abs(found.tpot_error_share) < 0.02
    assert found.lateness_mean_s >= 0
    assert "calibrate as fast as possible" in told
    assert "calibrate paced, 8 in flight" in told
