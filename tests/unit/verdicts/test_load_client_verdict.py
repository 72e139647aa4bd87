"""
R15: a load of which the client may have been the bottleneck says nothing of the server.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from doubles.load_client import SOUND, load_point
from pytest_ernie.standard import load
from pytest_ernie.verdicts import client_trouble

RULE = load("ernie-4.5").rulings.serving_throughput


def trouble(ttft_limit_s: float = 0.3, **changed: Any) -> str | None:
    """What is said of a client that differs from a sound one, under a limit of 300 ms."""
    point = load_point(64, client=msgspec.structs.replace(SOUND, **changed))
    return client_trouble(point, RULE, ttft_limit_s=ttft_limit_s)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"cpu_share": 0.8},
        {"waited_share": 0.1},
        {"events_per_s": 50_000.0},
        {"lateness_mean_s": 0.015},
        {"in_flight_share": 0.95},
        {"ttft_error_s": 0.015},
    ],
)
def test_a_client_at_its_thresholds_is_sound(changed: dict[str, float]) -> None:
    """
    At the threshold is within it.
    """
    assert trouble(**changed) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cpu_share": 0.8001}, "it took 80.01 % of a core, at most 80% is accepted"),
        (
            {"waited_share": 0.1001},
            "it waited for a processor 10.01 % of the time, at most 10% is accepted",
        ),
        ({"waited_share": math.nan}, "it waited for a processor nan % of the time"),
        (
            {"events_per_s": 50_010.0},
            "it took 50.01 % of the 100000 events/s that it can take on this host, at most 50% is",
        ),
        (
            {"lateness_mean_s": 0.01503},
            "requests left 0.015 s late on average, 5.01 % of the first-token limit, at most 5% is",
        ),
        (
            {"in_flight_share": 0.9499},
            "only 94.99 % of the load was in flight, 95% is required",
        ),
        (
            {"ttft_error_s": -0.01503},
            "its first tokens were -0.015 s off when it measured itself, 5.01 % of the limit, at most 5%",
        ),
        ({"ttft_error_s": math.nan}, "its first tokens were nan s off when it measured itself"),
        ({"cpu_share": math.nan}, "it took nan % of a core"),
        ({"roofline_events_per_s": math.nan}, "it took nan % of the nan events/s"),
        ({"roofline_events_per_s": 0.0}, "it took nan % of the 0 events/s"),
        ({"lateness_mean_s": math.nan}, "nan % of the first-token limit"),
        ({"in_flight_share": math.nan}, "only nan % of the load was in flight"),
    ],
)
def test_a_client_beyond_a_threshold_is_said_to_be(changed: dict[str, float], words: str) -> None:
    """
    What isn't known is beyond every threshold.
    """
    told = trouble(**changed)
    assert told is not None
    assert told.startswith("the load client may have been the bottleneck at 64 in flight: ")
    assert words in told
    assert told.endswith(
        "measure with more client processes, or from a host with nothing else to do"
    )


def test_answers_in_one_moment_are_the_clients_doing_if_it_waited() -> None:
    """
    What a client may have made fails no server; if others fail too, or it never waited, it's the server's.
    """
    burst = msgspec.structs.replace(SOUND, burst_share=0.02)
    still = msgspec.structs.replace(burst, waited_share=0.001)
    told = client_trouble(load_point(64, client=burst, failed_share=0.02), RULE, ttft_limit_s=0.3)

    assert told is not None
    assert "2.0% of the answers came in one moment, and it waited for a processor meanwhile" in told
    for point in (
        load_point(64, client=burst, failed_share=0.04),
        load_point(64, client=still, failed_share=0.02),
    ):
        assert client_trouble(point, RULE, ttft_limit_s=0.3) is None


def test_of_a_server_that_fails_most_requests_nothing_else_is_asked() -> None:
    """
    It isn't the client's fault that little was in flight.
    """
    idle = msgspec.structs.replace(SOUND, in_flight_share=0.1)

    def told(failed_share: float) -> str | None:
        return client_trouble(
            load_point(64, client=idle, failed_share=failed_share), RULE, ttft_limit_s=0.3
        )

    assert told(0.51) is None
    assert told(0.5) is not None


def test_lateness_counts_by_the_limit_and_events_by_the_hosts_own_roofline() -> None:
    """
    What is too late for 300 ms isn't for 4 s; a slower host can take less.
    """
    assert trouble(4.0, lateness_mean_s=0.2) is None
    told = trouble(4.0, lateness_mean_s=0.2004)
    assert told is not None
    assert "requests left 0.200 s late on average, 5.01 % of the first-token limit" in told
    assert trouble(events_per_s=4_999.0, roofline_events_per_s=10_000.0) is None
    told = trouble(events_per_s=5_001.0, roofline_events_per_s=10_000.0)
    assert told is not None
    assert "it took 50.01 % of the 10000 events/s that it can take on this host" in told


def test_every_trouble_is_told() -> None:
    """
    Each has its own mend.
    """
    told = trouble(cpu_share=0.9, in_flight_share=0.5)
    assert told is not None
    assert told.split(": ", 1)[1] == (
        "it took 90.0 % of a core, at most 80% is accepted; only 50.0 % of the load was in flight, "
        "95% is required; measure with more client processes, or from a host with nothing else to do"
    )
