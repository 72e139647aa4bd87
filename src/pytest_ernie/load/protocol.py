"""
What a load run is made of and leaves behind; a record is evidence, a summary is recomputed.
"""

from __future__ import annotations

import msgspec


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a workload."""

    text: str
    output_tokens: int
    """Exact length of the answer (R9)."""
    images: tuple[str, ...] = ()
    """``data:`` addresses of the images that the text is about."""


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """
    One request as the client saw it; times are seconds since the run's start, one monotonic clock.
    """

    index: int
    """Which prompt of the workload."""
    due_s: float
    """When it should have left: in a closed loop, when the request before it in its slot ended."""
    sent_s: float
    first_token_s: float | None
    """First event with non-empty content or reasoning content (R8)."""
    last_token_s: float | None
    done_s: float
    wanted_tokens: int
    prompt_tokens: int | None
    output_tokens: int | None
    """By the server's usage, never by chunks."""
    chunks: int
    """Events with text; fewer than tokens where an engine sends several at once."""
    status: int | None
    """HTTP status; None if there was no answer."""
    finish_reason: str | None
    error: str | None
    """``reason: detail`` of a failed request; the reasons are few and listed in ``stream.py``."""


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one load."""

    concurrency: int
    records: tuple[RequestRecord, ...]
    """One for each prompt, in the order of the workload."""
    started_unix_s: float
    wall_s: float
    client_cpu_s: float
    """Processor time that the client itself took; near ``wall_s`` it was the bottleneck."""
