"""
One question, one answer, unstreamed: for whatever asks a server and doesn't time its tokens.

httpx rather than openai's client: that one retries by itself, and hides statuses and bodies that
are evidence here (each engine words its errors differently).
"""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import httpx

ERROR_CHARACTERS = 500
THINK_START, THINK_END = "<think>", "</think>"
"""How reasoning stands in the content where no reasoning parser is switched on."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a body raises that is no JSON, isn't UTF-8, or is nested too deeply."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: text and counts, or why there are none."""

    status: int | None
    """HTTP status; None if the connection failed, so that a refusal is no dead server."""
    text: str = ""
    """The content, or the reasoning where there is no content: that something came."""
    content: str = ""
    """What stands as the answer, without the reasoning."""
    reasoning: str = ""
    """What a thinking model said before, where the engine tells it apart."""
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    error: str | None = None
    latency_s: float = 0.0
    retry_after_s: float = 0.0
    """How long the server asks to be left alone."""

    @property
    def answered(self) -> bool:
        """At least one token came."""
        return self.error is None and bool(self.output_tokens or self.text)


def headers(api_key: str | None) -> dict[str, str]:
    """Return the HTTP headers of a request."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def trust() -> ssl.SSLContext:
    """
    Return whom TLS trusts: the system's store, or what SSL_CERT_FILE names.

    A lab signs its own certificates; the bundle that httpx brings along knows nothing of them.
    """
    return ssl.create_default_context()


def new_client(api_key: str | None, *, timeout_s: float, connections: int = 1) -> httpx.Client:
    """Return a client that ignores proxies and keeps its connections."""
    import httpx

    return httpx.Client(
        headers=headers(api_key),
        timeout=httpx.Timeout(timeout_s, connect=10.0),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        trust_env=False,
        verify=trust(),
    )


def ask_chat(
    client: httpx.Client, base_url: str, model: str, content: str, fields: dict[str, Any]
) -> Answer:
    """Ask ``content`` as the user's only message; whatever goes wrong is in the answer."""
    messages = [{"role": "user", "content": content}]
    return ask_messages(client, base_url, model, messages, fields)


def ask_messages(
    client: httpx.Client,
    base_url: str,
    model: str,
    messages: list[dict[str, Any]],
    fields: dict[str, Any],
) -> Answer:
    """Ask the messages' answer; whatever goes wrong is in it."""
    import httpx

    asked = msgspec.json.encode({"model": model, "messages": messages, **fields})
    began = time.monotonic()
    try:
        response = client.post(
            f"{base_url}/chat/completions",
            content=asked,
            headers={"Content-Type": "application/json"},
        )
    except httpx.HTTPError as problem:
        return Answer(
            status=None,
            error=f"{type(problem).__name__}: {problem}",
            latency_s=time.monotonic() - began,
        )
    answer = read_answer(response.status_code, response.content, time.monotonic() - began)
    waits_s = _seconds(response.headers.get("Retry-After"))
    return msgspec.structs.replace(answer, retry_after_s=waits_s) if waits_s else answer


def _seconds(header: str | None) -> float:
    """Return a Retry-After in seconds; one that is a date is no reason to wait longer."""
    return float(header) if header and header.isdecimal() else 0.0


def read_answer(status: int, body: bytes, latency_s: float) -> Answer:
    """Read a response's body; one that isn't a completion is an error, whatever its status."""
    try:
        message = msgspec.json.decode(body)
        choice = message["choices"][0]
        usage = message.get("usage") or {}
        content, reasoning = _texts(choice["message"])
        return Answer(
            status=status,
            text=content or reasoning,
            content=content,
            reasoning=reasoning,
            prompt_tokens=usage.get("prompt_tokens"),
            output_tokens=usage.get("completion_tokens"),
            finish_reason=choice.get("finish_reason"),
            latency_s=latency_s,
        )
    except (*UNREADABLE, LookupError, TypeError, AttributeError):
        return Answer(status=status, error=error_text(status, body), latency_s=latency_s)


def error_text(status: int, body: bytes) -> str:
    """Return HTTP status and the server's own words."""
    return f"HTTP {status}: {server_words(body) or 'empty body'}"


def server_words(body: bytes) -> str:
    """Return what a server says about an error, in any of the shapes that engines use."""
    text = body.decode("utf-8", "replace").strip()
    try:
        message = msgspec.json.decode(body)
    except UNREADABLE:
        message = None
    for key in ("detail", "error", "message"):
        if isinstance(message, dict) and key in message:
            message = message[key]
    if isinstance(message, (dict, list)):
        text = msgspec.json.encode(message).decode()
    elif isinstance(message, str):
        text = message
    return text[:ERROR_CHARACTERS]


def _texts(message: dict[str, Any]) -> tuple[str, str]:
    """Return content and reasoning; the latter has a field of its own or stands in <think> marks."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    opened, closed, rest = content.partition(THINK_END)
    if not reasoning and closed:
        return rest.lstrip("\n"), opened.removeprefix(THINK_START).strip("\n")
    return content, reasoning
