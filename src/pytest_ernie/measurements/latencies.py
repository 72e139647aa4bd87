"""
First token and decode speed of every answered request at the load that counts (R7, R8).
"""

from __future__ import annotations

from msgspec import Struct

from pytest_ernie.evidence import Store
from pytest_ernie.measurements.load_runs import read_result
from pytest_ernie.measurements.throughput import WorkloadLoads


class Latencies(Struct, frozen=True, kw_only=True):
    """A value for each answered request, in the order of the workload."""

    ttft_s: tuple[float, ...]
    decode_tokens_per_s: tuple[float, ...]


def latencies_at_peak(store: Store, loads: WorkloadLoads) -> Latencies | None:
    """Return them, None where no load keeps the limits; failed requests have none."""
    from pytest_ernie.load.protocol import decode_tokens
    from pytest_ernie.load.summary import failure

    best = loads.peak
    if best is None:
        return None
    record = next(
        record for point, record in zip(loads.points, loads.records, strict=True) if point is best
    )
    firsts, speeds = [], []
    for request in read_result(store, record).records:
        first_s, last_s = request.first_token_s, request.last_token_s
        if failure(request) is not None or first_s is None or last_s is None or last_s <= first_s:
            continue
        firsts.append(first_s - request.due_s)
        speeds.append(decode_tokens(request) / (last_s - first_s))
    return Latencies(ttft_s=tuple(firsts), decode_tokens_per_s=tuple(speeds))
