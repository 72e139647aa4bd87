"""
A load client that keeps up, a load as verdicts see it, and a run as the client leaves it.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.load.arrivals import STAGGER_S, closed
from pytest_ernie.load.protocol import ClientFacts, LoadResult, RequestRecord
from pytest_ernie.verdicts import ClientPoint, LoadPoint

SOUND = ClientPoint(
    cpu_share=0.3,
    events_per_s=10_000.0,
    roofline_events_per_s=100_000.0,
    waited_share=0.01,
    lateness_mean_s=0.001,
    in_flight_share=0.999,
    ttft_error_s=0.0005,
    burst_share=0.0,
)


def load_point(concurrency: int = 4, **changed: Any) -> LoadPoint:
    """A load that keeps limits of 0.3 s and 40 tok/s, unless told otherwise."""
    facts: dict[str, Any] = {
        "workload": "text",
        "concurrency": concurrency,
        "output_tokens_per_s": 2000.0,
        "ttft_mean_s": 0.2,
        "ttft_percentile_s": 0.25,
        "decode_mean_tokens_per_s": 50.0,
        "decode_percentile_tokens_per_s": 45.0,
        "failed_share": 0.0,
        "full_length_share": 1.0,
        "client": SOUND,
    }
    return LoadPoint(**{**facts, **changed})


def load_run(
    concurrency: int,
    requests: int,
    *,
    ttft_s: float = 0.1,
    s_per_token: float = 0.02,
    **changed: Any,
) -> LoadResult:
    """
    A closed loop of equal answers of 11 tokens; ``changed`` are fields of its records.
    """
    records: list[RequestRecord] = []
    for index in range(requests):
        due_s = index * STAGGER_S if index < concurrency else records[index - concurrency].done_s
        first_s = due_s + ttft_s
        done_s = first_s + 10 * s_per_token
        facts: dict[str, Any] = {
            "index": index,
            "due_s": due_s,
            "sent_s": due_s,
            "first_token_s": first_s,
            "last_token_s": done_s,
            "done_s": done_s,
            "wanted_tokens": 11,
            "prompt_tokens": 5,
            "output_tokens": 11,
            "cached_tokens": 0,
            "chunks": 11,
            "status": 200,
            "finish_reason": "length",
            "error": None,
            "request_digest": "",
            "answer_digest": "",
        }
        records.append(RequestRecord(**{**facts, **changed}))
    wall_s = max((record.done_s for record in records), default=0.0)
    facts_of_client = ClientFacts(
        cpu_s=0.1 * wall_s, reads=1, reconnects=0, waited_s=0.0, lag_mean_s=0.0, lag_max_s=0.0
    )
    return LoadResult(
        arrivals=closed(concurrency),
        records=tuple(records),
        requests_sent=requests,
        started_unix_s=0.0,
        wall_s=wall_s,
        clients=(facts_of_client,),
    )
