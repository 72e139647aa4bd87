"""
What the known server sends and when: its schedule, and the bytes of its answers.

Each request draws at most one of the faults that have a share, in the order of arrival and from
the seed alone. What strikes in mid-stream does so after half of the tokens, at least one.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

MODEL = "known"
MODEL_ENTRY = {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": 131_072}
"""What clients are told that ask; longer prompts are taken all the same."""
DEFAULT_TOKENS = 16
"""Of a request that names no length."""
UNKNOWN_ID = "known-00000000"
"""Where an answer's own id goes; all ids are of one length, so that sizes are known beforehand."""
TOKEN = "so "

SHARES = ("reset_share", "stall_share", "shed_share", "garbage_share", "error_line_share")
TIMES = ("ttft_s", "interval_s", "interval_per_stream_s", "prefill_s", "noise")
COUNTS = ("tokens", "coalesce", "event_bytes", "slots")

GARBAGE = b'data: {"choices": [{"del\n\n'
ERROR = {"error": {"message": "the worker died", "type": "InternalServerError", "code": 500}}
SHED = {"error": {"message": "too many requests", "type": "RateLimitError", "code": 429}}
DONE = b"data: [DONE]\n\n"
LAST_CHUNK = b"0\r\n\r\n"


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How every request is answered; ValueError if that makes no sense."""

    ttft_s: float = 0.2
    """From the last byte of a request to the first token of its answer."""
    interval_s: float = 0.025
    """From a token to the next."""
    tokens: int | None = None
    """Length of every answer; None: what the request's max_tokens says."""
    event_bytes: int = 290
    """Size of a token's event, from ``data:`` to the empty line, unless its JSON needs more."""
    role_at_once: bool = False
    """Send a role and empty content on receipt, long before the first token."""
    coalesce: int = 1
    """So many tokens' events leave in one write, when the last of them is due."""
    as_fast_as_possible: bool = False
    """Streams take turns and write whenever their socket has room; no time of the schedule counts."""
    framing: Literal["chunked", "close", "length"] = "chunked"
    """``close``: the connection's end ends the answer. ``length``: all of it is sent at its end."""

    slots: int | None = None
    """So many requests run, the others queue in the order of arrival; None: all of them run."""
    prefill_s: float | None = None
    """With slots: from getting one to the first token; None: ttft_s."""
    interval_per_stream_s: float = 0.0
    """Each running stream makes the interval so much longer."""
    noise: float = 0.0
    """Sigma of a lognormal factor of mean 1 on the first token's time and on each write's wait."""
    seed: int = 0

    reset_share: float = 0.0
    """The connection is reset in mid-stream."""
    stall_share: float = 0.0
    """Nothing more comes from mid-stream on; the slot is kept until the client leaves."""
    shed_share: float = 0.0
    """Refused at once: HTTP 429 and Retry-After: 1."""
    garbage_share: float = 0.0
    """An event in mid-stream isn't JSON."""
    error_line_share: float = 0.0
    """An error's event ends the answer in mid-stream, under HTTP 200."""
    wrong_usage: bool = False
    """completion_tokens is one too many."""
    no_usage: bool = False
    no_done: bool = False
    no_read: bool = False
    """Connections are accepted and never read; nobody is answered then, /truth neither."""

    def __post_init__(self) -> None:
        for name in TIMES:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is {value}; it must be a finite number, not below zero")
        for name in COUNTS:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        shares = [getattr(self, name) for name in SHARES]
        if not all(share >= 0 for share in shares) or not sum(shares) <= 1:
            told = ", ".join(f"{name} {share}" for name, share in zip(SHARES, shares, strict=True))
            raise ValueError(f"shares must not be below 0, nor above 1 in all; they are {told}")
        if self.prefill_s is not None and self.slots is None:
            raise ValueError("prefill_s counts from getting a slot; give slots, or use ttft_s")
        if self.framing not in ("chunked", "close", "length"):
            raise ValueError(f"framing is {self.framing}; it must be chunked, close or length")

    def arguments(self) -> list[str]:
        """Return the command line that ``from_arguments`` reads as this schedule."""
        words = []
        for field in msgspec.structs.fields(Schedule):
            value = getattr(self, field.name)
            if value != field.default:
                option = f"--{field.name.replace('_', '-')}"
                words.append(option if value is True else f"{option}={value}")
        return words


def from_arguments(arguments: Sequence[str] | None = None) -> tuple[int, Schedule]:
    """Read a command line: the port and an option for each field; SystemExit if one is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_ernie.load.known.server",
        description="An OpenAI-compatible server whose schedule is known; it ends with its stdin.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    for field in msgspec.structs.fields(Schedule):
        option = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            parser.add_argument(option, action="store_true")
        else:
            parser.add_argument(option, metavar="VALUE", help=f"default: {field.default}")
    given = vars(parser.parse_args(arguments))
    port: int = given.pop("port")
    try:
        return port, msgspec.convert(given, Schedule, strict=False)
    except msgspec.ValidationError as problem:
        parser.error(str(problem))


class RequestTruth(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as the server knows it; times are seconds of the system's monotonic clock."""

    id: str
    """That of its answer's events."""
    connection: int
    """Which of the accepted connections it came by."""
    received_s: float
    """Right after its last byte was read; if it came early, after the answer before it."""
    wait_s: float
    """In the queue for a slot."""
    first_s: float | None
    """Right *before* its first token was handed to the kernel: no client can have it earlier."""
    last_s: float | None
    """The same of its last token so far."""
    tokens: int
    """Made so far; sent, unless the answer is held until its end."""
    in_flight: int
    """Requests received and not yet answered when it was received, itself included."""
    blocked: int
    """Writes that found no room in the socket: a client too slow to read held the schedule up."""
    fault: str | None
    """The name of its share without the ending; ``left`` if the client went away."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What happened since the start or the last reset."""

    requests: tuple[RequestTruth, ...]
    """In the order of their ends; a stalled one has ended."""
    in_flight: int
    """Received and not yet answered, the stalled ones included."""
    most_in_flight: int
    writes: int
    """Of tokens."""
    late_mean_s: float
    """How long after its time a write began; of no meaning when as fast as possible."""
    late_max_s: float
    cpu_s: float
    """Processor time that the server took."""


class Chance:
    """The seeded draws of a schedule; noise can't change which requests are struck."""

    def __init__(self, schedule: Schedule) -> None:
        self._faults = random.Random(f"faults {schedule.seed}")
        self._noise = random.Random(f"noise {schedule.seed}")
        self._sigma = schedule.noise
        self._shares = [(name.removesuffix("_share"), getattr(schedule, name)) for name in SHARES]

    def fault(self) -> str | None:
        """Draw the next request's fault: the name of a share without its ending."""
        left = self._faults.random()
        for name, share in self._shares:
            if left < share:
                return name
            left -= share
        return None

    def factor(self) -> float:
        """Draw a factor on a time; its mean is 1."""
        return self._noise.lognormvariate(-self._sigma * self._sigma / 2, self._sigma)


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class Asked(msgspec.Struct):
    """What is read of a request's body."""

    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    messages: list[_Message] = []
    prompt: str | list[Any] = ""

    def prompt_tokens(self) -> int:
        """Count the prompt's words as its spaces plus one: cheap, whatever its size."""
        if isinstance(self.prompt, list):  # token ids, or several prompts taken for one
            return sum(_words(item) if isinstance(item, str) else 1 for item in self.prompt)
        texts = [self.prompt]
        for message in self.messages:
            parts = message.content
            texts += (
                [part.text or "" for part in parts] if isinstance(parts, list) else [parts or ""]
            )
        return sum(_words(text) for text in texts)


class Answer(msgspec.Struct, gc=False):
    """One answer's bytes, framed."""

    id: str
    tokens: int
    held: bool
    """None of it is sent before its end."""
    strike_at: int
    """After so many tokens a fault strikes; more than there are if none does."""
    opening: bytes
    """What is sent on receipt."""
    first: bytes
    token: bytes
    """Every token's event but the first's."""
    strike: bytes
    """What a fault in mid-stream sends."""
    tail: bytes
    """From the event with the finish_reason to the end."""
    whole: bytes | None
    """Body of an answer that isn't streamed; None if it is."""


class Answers:
    """Makes the answers of a schedule; what they share is made once."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._chunked = schedule.framing == "chunked"
        self._held = schedule.framing == "length"
        self._head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        self._head += (
            b"Transfer-Encoding: chunked\r\n" if self._chunked else b"Connection: close\r\n"
        )
        self._events = {chat: self._shared(chat) for chat in (True, False)}

    def answer(self, number: int, asked: Asked, *, chat: bool, fault: str | None) -> Answer:
        """Return the answer to a request; ValueError if it asks for less than a token."""
        wanted = asked.max_completion_tokens or asked.max_tokens
        tokens = self._schedule.tokens or (DEFAULT_TOKENS if wanted is None else wanted)
        if tokens < 1:
            raise ValueError(f"max_tokens is {tokens}; it must be at least 1")
        own_id = f"known-{number:08d}".encode()
        role, first, token, finish = (
            event.replace(UNKNOWN_ID.encode(), own_id) for event in self._events[chat]
        )
        usage = self._usage(asked, tokens)
        whole = None if asked.stream else self._whole(own_id.decode(), tokens, usage, chat, fault)
        opening = role if self._schedule.role_at_once else b""
        if not self._held:
            opening = self._head + b"\r\n" + opening
        return Answer(
            id=own_id.decode(),
            tokens=tokens,
            held=self._held or whole is not None,
            strike_at=max(1, tokens // 2) if fault else tokens + 1,
            opening=opening if whole is None else b"",
            first=first,
            token=token,
            strike=self._strike(fault),
            tail=finish + self._usage_event(asked, own_id.decode(), usage, chat) + self._end(),
            whole=whole,
        )

    def _shared(self, chat: bool) -> tuple[bytes, ...]:
        size = self._schedule.event_bytes
        events = (
            _event(_choices(chat, "", role=True)),
            _event(_choices(chat, TOKEN, role=not self._schedule.role_at_once), size),
            _event(_choices(chat, TOKEN), size),
            _event(_choices(chat, "", finish_reason="length")),
        )
        return tuple(self._framed(event) for event in events)

    def _framed(self, event: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(event), event) if self._chunked else event

    def _end(self) -> bytes:
        done = b"" if self._schedule.no_done else self._framed(DONE)
        return done + (LAST_CHUNK if self._chunked else b"")

    def _strike(self, fault: str | None) -> bytes:
        if fault == "garbage":
            return self._framed(GARBAGE)
        if fault == "error_line":
            return self._framed(_line(ERROR)) + self._end()
        return b""

    def _usage(self, asked: Asked, tokens: int) -> dict[str, Any]:
        prompt_tokens = asked.prompt_tokens()
        completion_tokens = tokens + (1 if self._schedule.wrong_usage else 0)
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        }

    def _usage_event(self, asked: Asked, own_id: str, usage: dict[str, Any], chat: bool) -> bytes:
        wanted = asked.stream_options is not None and asked.stream_options.include_usage
        if self._schedule.no_usage or not wanted:
            return b""
        event = {**_choices(chat, ""), "id": own_id, "choices": [], "usage": usage}
        return self._framed(_event(event))

    def _whole(
        self, own_id: str, tokens: int, usage: dict[str, Any], chat: bool, fault: str | None
    ) -> bytes:
        if fault == "garbage":
            return GARBAGE
        if fault == "error_line":
            return msgspec.json.encode(ERROR)
        text = TOKEN * tokens
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        body = {**_choices(chat, ""), "id": own_id, "choices": [choice]}
        body["object"] = "chat.completion" if chat else "text_completion"
        return msgspec.json.encode(body if self._schedule.no_usage else {**body, "usage": usage})


def _words(text: str) -> int:
    return text.count(" ") + 1 if text else 0


def _choices(
    chat: bool, text: str, *, role: bool = False, finish_reason: str | None = None
) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish_reason}
    if chat:
        choice["delta"] = {"role": "assistant"} if role else {}
        choice["delta"] |= {"content": text} if finish_reason is None else {}
    else:
        choice["text"] = text
    kind = "chat.completion.chunk" if chat else "text_completion"
    return {"id": UNKNOWN_ID, "object": kind, "created": 0, "model": MODEL, "choices": [choice]}


def _event(content: dict[str, Any], size: int = 0) -> bytes:
    """Return an event of ``size`` bytes, or more if its content needs more."""
    bare = {**content, "system_fingerprint": ""}
    return _line({**bare, "system_fingerprint": "k" * (size - len(_line(bare)))})


def _line(content: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(content) + b"\n\n"
