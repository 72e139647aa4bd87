"""
What a load run is made of and leaves behind; a record is evidence, a summary is recomputed.
"""

from __future__ import annotations

import msgspec

from .arrivals import Arrivals


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a workload."""

    text: str
    output_tokens: int
    """Exact length of the answer (R9)."""
    images: tuple[str, ...] = ()
    """``data:`` addresses of the images that the text is about."""
    prompt_tokens: int | None = None
    """Tokens of the text alone by the model's tokenizer, where a site counted them."""


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    cached_tokens: int | None
    """Prompt tokens that the server says it had cached; None if it says nothing."""
    chunks: int
    """Events with text; fewer than tokens where an engine sends several at once."""
    status: int | None
    """HTTP status; None if there was no answer."""
    finish_reason: str | None
    error: str | None
    """``reason: detail`` of a failed request; the reasons are few and listed in ``stream.py``."""
    request_digest: str
    """SHA-256 of the request's body, its first 32 hexadecimal digits."""
    answer_digest: str
    """The same of the answer's text."""
    first_tokens: float = 1.0
    """Of the output tokens, how many arrived in one moment with the first one."""
    text_times_s: tuple[float, ...] | None = None
    """When each event with text arrived, to the microsecond; None unless they were to be kept."""


def decode_tokens(record: RequestRecord) -> float:
    """
    Return how many of an answer's tokens came after its first moment (R8).

    All but one where every event is a token and comes by itself. What came together with the first
    token took no decoding that anybody saw: counted along, ten tokens a write would look
    a good deal faster than they are. ValueError of an answer without tokens.
    """
    if record.output_tokens is None:
        raise ValueError("an answer without tokens")
    return record.output_tokens - record.first_tokens


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a client process used while the load was there: from the slots' filling to the last request."""

    length_s: float
    cpu_s: float
    waited_s: float | None


class ClientFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One client process: what it did, and how well it kept up."""

    cpu_s: float
    """Processor time between start and end; near the run's length it was the bottleneck."""
    reads: int
    reconnects: int
    waited_s: float | None
    """
    It was ready to run and another process had the processor, by the kernel's count: answers that came
    meanwhile have one arrival for many tokens. None if the kernel doesn't say.
    """
    lag_mean_s: float
    """From the arrival of bytes in the kernel to their handling, where they were the last of a turn."""
    lag_max_s: float
    loaded: Loaded | None = None
    """None if the run was too short to tell."""


class LoadResult(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one load."""

    arrivals: Arrivals
    records: tuple[RequestRecord, ...]
    """One for each prompt that was sent, in the order of the workload."""
    requests_sent: int
    """Those without a record, which were given up, included."""
    started_unix_s: float
    wall_s: float
    clients: tuple[ClientFacts, ...]
    decided: bool = False
    """It was stopped before its end, because what it was for was known."""

    @property
    def client_cpu_s(self) -> float:
        """Processor time of all client processes."""
        return sum(client.cpu_s for client in self.clients)
