"""
First token and decode speed of every answered request at the load that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ernie.report.load_plot import Spreads

if TYPE_CHECKING:
    from pytest_ernie.evidence import Store
    from pytest_ernie.measurements.throughput import WorkloadLoads


def spreads_at_peak(store: Store, loads: WorkloadLoads) -> Spreads | None:
    """Return them, None where no load keeps the limits; failed requests have none."""
    from pytest_ernie.load.protocol import decode_tokens
    from pytest_ernie.load.summary import failure
    from pytest_ernie.measurements.load_runs import read_result

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
    return Spreads(ttft_s=tuple(firsts), decode_tokens_per_s=tuple(speeds))
