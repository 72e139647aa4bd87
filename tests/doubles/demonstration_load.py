"""
Load runs of a server that exists as a formula only.
"""

from __future__ import annotations

import heapq
import random

from msgspec import Struct

from pytest_ernie.load.arrivals import STAGGER_S, closed
from pytest_ernie.load.protocol import ClientFacts, Loaded, LoadResult, RequestRecord
from pytest_ernie.standard import Workload


class Server(Struct, frozen=True, kw_only=True):
    """
    First token and decode speed by the requests in flight: both suffer the more, the more there are.
    """

    ttft_s: float
    ttft_s_each: float
    """Added for each further request in flight."""
    decode_tokens_per_s: float
    half_at: float
    """Requests in flight at which a request decodes half as fast."""
    failed_share: float = 0.0


def simulated(
    server: Server,
    concurrency: int,
    requests: int,
    workload: Workload,
    *,
    seed: str,
    started_unix_s: float,
) -> LoadResult:
    """Return the records of a closed loop against that server."""
    draw = random.Random(seed)
    slots = [(slot * STAGGER_S, slot) for slot in range(min(concurrency, requests))]
    heapq.heapify(slots)
    ttft_s = server.ttft_s + server.ttft_s_each * (concurrency - 1)
    speed = server.decode_tokens_per_s / (1 + (concurrency - 1) / server.half_at)
    records = []
    for index in range(requests):
        due_s, slot = heapq.heappop(slots)
        wanted = _length(workload, index)
        first_s = due_s + ttft_s * max(0.3, draw.gauss(1, 0.08))
        last_s = first_s + (wanted - 1) / (speed * max(0.5, draw.gauss(1, 0.03)))
        heapq.heappush(slots, (last_s, slot))
        failed = draw.random() < server.failed_share
        records.append(
            RequestRecord(
                index=index,
                due_s=due_s,
                sent_s=due_s + 1e-4,
                first_token_s=None if failed else first_s,
                last_token_s=None if failed else last_s,
                done_s=last_s,
                wanted_tokens=wanted,
                prompt_tokens=220,
                output_tokens=None if failed else wanted,
                cached_tokens=0,
                chunks=0 if failed else wanted,
                status=503 if failed else 200,
                finish_reason=None if failed else "length",
                error="status: 503 server is overloaded" if failed else None,
                request_digest=f"{index:032x}",
                answer_digest=f"{index + 1:032x}",
            )
        )
    end_s = max(record.done_s for record in records)
    loaded = Loaded(length_s=end_s, cpu_s=end_s * 0.05, waited_s=0.0)
    client = ClientFacts(
        cpu_s=end_s * 0.05,
        reads=requests,
        reconnects=0,
        waited_s=0.0,
        lag_mean_s=1e-5,
        lag_max_s=1e-3,
        loaded=loaded,
    )
    return LoadResult(
        arrivals=closed(concurrency),
        records=tuple(records),
        requests_sent=requests,
        started_unix_s=started_unix_s,
        wall_s=end_s,
        clients=(client,),
    )


def _length(workload: Workload, index: int) -> int:
    low, high = workload.output_tokens_min, workload.output_tokens_max
    if low == high:
        return low
    draw = random.Random(index)
    return max(low, min(high, int(draw.expovariate(1 / workload.output_tokens_mean))))
