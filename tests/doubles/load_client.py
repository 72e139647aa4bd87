"""
A load client that keeps up, as verdicts see it.
"""

from __future__ import annotations

from pytest_ernie.verdicts import ClientPoint

SOUND = ClientPoint(
    cpu_share=0.3,
    events_per_s=10_000.0,
    roofline_events_per_s=100_000.0,
    waited_share=0.01,
    lateness_mean_s=0.001,
    in_flight_share=0.999,
)
