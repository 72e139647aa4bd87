"""
Was the load client the bottleneck? Then its figures say nothing of the server (R15).
"""

from __future__ import annotations

import math

from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts.throughput import LoadPoint
from pytest_ernie.verdicts.verdict import shown

MOSTLY = 0.5
NOTHING = 0.001
"""Waiting so rarely for a processor delays no reading."""
MEND = "measure with more client processes, or from a host with nothing else to do"


def client_trouble(
    point: LoadPoint, rule: ServingThroughputRule, *, ttft_limit_s: float
) -> str | None:
    """
    Say how the client may have been the bottleneck at a load, and what to do; None if it wasn't.

    A figure that is NaN is one: a client of which nothing is known can't be ruled out. Of a server that
    fails most requests nothing else is asked.
    """
    client, troubles = point.client, []
    if point.failed_share - client.burst_share > MOSTLY:
        return None
    if not client.cpu_share <= rule.client_cpu_share_max:
        share = shown(client.cpu_share * 100, rule.client_cpu_share_max * 100, 1)
        troubles.append(
            f"it took {share} % of a core, at most {rule.client_cpu_share_max:.0%} is accepted"
        )
    if not client.waited_share <= rule.client_waited_share_max:
        share = shown(client.waited_share * 100, rule.client_waited_share_max * 100, 1)
        troubles.append(
            f"it waited for a processor {share} % of the time, at most "
            f"{rule.client_waited_share_max:.0%} is accepted"
        )
    roofline = client.roofline_events_per_s
    used = client.events_per_s / roofline if roofline > 0 else math.nan
    if not used <= rule.client_roofline_share_max:
        share = shown(used * 100, rule.client_roofline_share_max * 100, 1)
        troubles.append(
            f"it took {share} % of the {roofline:.0f} events/s that it can take "
            f"on this host, at most {rule.client_roofline_share_max:.0%} is accepted"
        )
    late = client.lateness_mean_s / ttft_limit_s
    if not late <= rule.client_lateness_share_max:
        share = shown(late * 100, rule.client_lateness_share_max * 100, 1)
        troubles.append(
            f"requests left {client.lateness_mean_s:.3f} s late on average, {share} % of the "
            f"first-token limit, at most {rule.client_lateness_share_max:.0%} is accepted"
        )
    off = abs(client.ttft_error_s) / ttft_limit_s
    if not off <= rule.client_lateness_share_max:
        share = shown(off * 100, rule.client_lateness_share_max * 100, 1)
        troubles.append(
            f"its first tokens were {client.ttft_error_s:.3f} s off when it measured itself, {share} % "
            f"of the limit, at most {rule.client_lateness_share_max:.0%} is accepted"
        )
    others_failed = point.failed_share - client.burst_share
    if (
        point.failed_share > rule.failed_share_max >= others_failed
        and client.waited_share > NOTHING
    ):
        troubles.append(
            f"{client.burst_share:.1%} of the answers came in one moment, and it waited for a "
            "processor meanwhile"
        )
    if not client.in_flight_share >= rule.client_in_flight_share_min:
        share = shown(client.in_flight_share * 100, rule.client_in_flight_share_min * 100, 1)
        troubles.append(
            f"only {share} % of the load was in flight, {rule.client_in_flight_share_min:.0%} is "
            "required"
        )
    if not troubles:
        return None
    return (
        f"the load client may have been the bottleneck at {point.concurrency} in flight: "
        f"{'; '.join(troubles)}; {MEND}"
    )
