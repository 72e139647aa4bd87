"""
Requests of a load run, made by hand.
"""

from __future__ import annotations

from typing import Any

from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.protocol import ClientFacts, LoadResult, RequestRecord


def record(
    index: int = 0, sent_s: float = 0.0, done_s: float = 3.0, **changed: Any
) -> RequestRecord:
    """A whole answer: first token after 1 s, 11 tokens until it is done, unless told otherwise."""
    facts: dict[str, Any] = {
        "index": index,
        "due_s": sent_s,
        "sent_s": sent_s,
        "first_token_s": sent_s + 1.0,
        "last_token_s": done_s,
        "done_s": done_s,
        "wanted_tokens": 11,
        "prompt_tokens": 5,
        "output_tokens": 11,
        "chunks": 11,
        "status": 200,
        "finish_reason": "length",
        "error": None,
        "cached_tokens": 2,
        "request_digest": "a" * 32,
        "answer_digest": "b" * 32,
    }
    return RequestRecord(**{**facts, **changed})


CLIENT = ClientFacts(
    cpu_s=2.5, reads=100, reconnects=0, waited_s=0.5, lag_mean_s=1e-5, lag_max_s=2e-3
)
BUSIER = ClientFacts(
    cpu_s=4.0, reads=100, reconnects=3, waited_s=2.0, lag_mean_s=3e-5, lag_max_s=1e-3
)


def result(*records: RequestRecord, concurrency: int = 1, **changed: Any) -> LoadResult:
    """A run of these records."""
    facts: dict[str, Any] = {
        "arrivals": closed(concurrency),
        "records": records,
        "requests_sent": len(records),
        "started_unix_s": 0.0,
        "wall_s": 10.0,
        "clients": (CLIENT,),
    }
    return LoadResult(**{**facts, **changed})


# Two slots, three seconds a request: 0-3, 0-3, 3-6, 3-6, 6-9, 6-9.
TWO_SLOTS = [
    record(i, sent_s=float(3 * (i // 2)), done_s=float(3 * (i // 2) + 3)) for i in range(6)
]
