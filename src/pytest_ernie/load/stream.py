"""
One streamed answer: which event was the first token, how many tokens came, and was it whole (R8).

Reasons of a failed request, as ``RequestRecord.error`` begins with them:

    no socket         this host gave no more of them
    no connection     the server couldn't be reached
    no answer         the request was sent, and the connection closed or reset
    timeout           it stopped sending, or never let us connect
    no HTTP           it talks something else
    refused           HTTP 4xx; 429 is shedding, and counts like any other
    server error      HTTP 5xx
    error in stream   an error line under HTTP 200
    no stream         HTTP 200, and what came is no stream of events
    cut               the connection broke off, or a line that must end the stream is missing
    no usage          nothing says how many tokens came
    no token          it ended well, and no text came
    wrong usage       more tokens are counted than the request allowed
    not sent          the server had stopped answering, so the request was given up
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from pytest_ernie.engines.asking.chat import error_text, server_words
from pytest_ernie.engines.protocol import Dialect

from .sse import Events

DONE = b"[DONE]"
DETAIL_CHARACTERS = 300
NOT_SENT = "not sent: the server had stopped answering"
UNREAD_BYTES = 4096
COUNT_MAX = 2**53
"""Above it JSON's numbers are no counts any more."""


class Stream:
    """Reads one answer: fed with bytes and the time that they came, asked at its end."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._events = Events()
        self._ended = False
        self._unread: bytes | None = b""
        """What came before any event; an error that forgot to be one is in there."""
        self._error: str | None = None
        self.first_token_s: float | None = None
        self.last_token_s: float | None = None
        self.prompt_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.finish_reason: str | None = None
        self.text_times_s: list[float] = []
        """When each event with text arrived."""
        self._answer = hashlib.sha256()

    @property
    def chunks(self) -> int:
        """Events with text so far."""
        return len(self.text_times_s)

    @property
    def first_tokens(self) -> float:
        """
        Tokens that came in the same moment as the first one.

        Of an engine whose every token shows as text, an event holds as many as the others do.
        """
        if not self.text_times_s or not self.output_tokens:
            return 1.0
        together = self.text_times_s.count(self.text_times_s[0])
        if self._dialect.tokens_without_text:
            return float(together)
        return self.output_tokens * together / self.chunks

    @property
    def digest(self) -> str:
        """SHA-256 of the text that came, its first 32 hexadecimal digits."""
        return self._answer.hexdigest()[:32]

    def feed(self, received: bytes, now_s: float) -> None:
        """Take the bytes that came at ``now_s``."""
        if self._unread is not None and len(self._unread) < UNREAD_BYTES:
            self._unread += received
        for data in self._events.feed(received):
            self._unread = None
            self._event(data, now_s)

    def problem(self, broken_by: str | None = None) -> str | None:
        """
        Return why the answer doesn't count, None if it does; call once, when nothing more comes.

        ``broken_by`` says what broke the connection, None if it ended by itself.
        """
        if broken_by is None:  # else the last event is half a one
            for data in self._events.close():
                self._unread = None
                self._event(data, self.last_token_s or 0.0)
        if self._unread and broken_by is None:
            return f"no stream: {server_words(self._unread)[:DETAIL_CHARACTERS]}"
        problems = (
            (self._error is not None, f"error in stream: {self._error}"),
            (broken_by is not None, f"cut: {broken_by}"),
            (self._dialect.done_line and not self._ended, "cut: no [DONE] line"),
            (self.finish_reason is None, "cut: no finish_reason"),
            (self.output_tokens is None, "no usage: the stream counts no completion_tokens"),
            (self.first_token_s is None, f"no token: {self.output_tokens} counted, no text"),
        )
        return next((words for wrong, words in problems if wrong), None)

    def _event(self, data: bytes, now_s: float) -> None:
        if data.strip() == DONE:
            self._ended = True
            return
        try:
            event: Any = msgspec.json.decode(data)
            if event.get("error") or ("detail" in event and "choices" not in event):
                raise ValueError("an error line")
            self._count(event.get("usage") or {})
            for choice in event.get("choices") or ():
                self._choice(choice, now_s)
        except (ValueError, TypeError, AttributeError, RecursionError):  # msgspec's: ValueErrors
            self._error = self._error or server_words(data)[:DETAIL_CHARACTERS]

    def _count(self, usage: dict[str, Any]) -> None:
        details = usage.get("prompt_tokens_details") or {}
        self.prompt_tokens = _counted(usage.get("prompt_tokens"), self.prompt_tokens)
        self.output_tokens = _counted(usage.get("completion_tokens"), self.output_tokens)
        self.cached_tokens = _counted(details.get("cached_tokens"), self.cached_tokens)

    def _choice(self, choice: dict[str, Any], now_s: float) -> None:
        finish_reason = choice.get("finish_reason")
        self.finish_reason = str(finish_reason)[:40] if finish_reason else self.finish_reason
        delta = choice.get("delta") or {}
        text = delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")
        text = text or choice.get("text")  # the older completions API
        if text:
            self.text_times_s.append(now_s)
            self._answer.update(text.encode(errors="surrogatepass"))
            self.last_token_s = now_s
            if self.first_token_s is None:
                self.first_token_s = now_s
        elif self.finish_reason and self._dialect.tokens_without_text and self.last_token_s:
            self.last_token_s = now_s


def _counted(value: Any, before: int | None) -> int | None:
    """Return a count of a usage, ``before`` if it isn't given; ValueError if it is no count."""
    if value is None:
        return before
    if type(value) is not int or not 0 <= value < COUNT_MAX:
        raise ValueError("no count")
    return value


def refusal(status: int, body: bytes) -> str:
    """Return the error of a response with another status than 200."""
    reason = "server error" if status >= 500 else "refused"
    return f"{reason}: {error_text(status, body)[:DETAIL_CHARACTERS]}"
