"""
Lines of requests, as FastDeploy's own benchmark sends them, and others' that are much like them.

    {"messages": [{"role": .., "content": ..}, ..], "max_tokens": ..}    its chats
    {"text": .., "max_dec_len": ..}                                      its completions

What else a line holds (sampling, penalties) is the run's to decide, and ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .json_lines import decode, lines_of

PROMPT_KEYS = ("messages", "text", "prompt", "src")
LENGTH_KEYS = ("max_completion_tokens", "max_tokens", "max_dec_len", "output_len", "output_tokens")
Tokens = Annotated[int, msgspec.Meta(ge=1)]


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image is, in OpenAI's longer form."""

    url: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a message: text, or an image."""

    type: str
    text: str | None = None
    image_url: str | Address | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message; who said it doesn't change how much there is to read."""

    content: str | list[Part] | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One request; of the keys for its text and its length one each is needed."""

    messages: list[Message] | None = None
    text: str | None = None
    prompt: str | None = None
    src: str | None = None
    max_completion_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    max_dec_len: Tokens | None = None
    output_len: Tokens | None = None
    output_tokens: Tokens | None = None


def read_request_lines(path: Path) -> tuple[Prompt, ...]:
    """
    Return the requests in the file's order, repeated ones too: they are a load as it was.

    The texts of several messages are joined by blank lines, in one turn. SiteError with the line
    that holds no prompt, no length, or something that can't be sent.
    """
    return tuple(_prompt(line, f"{path}:{number}") for number, line in lines_of(path))


def _prompt(content: bytes, where: str) -> Prompt:
    line = decode(content, Line, where=where, wanted=f"one of {', '.join(PROMPT_KEYS)}")
    lengths = (getattr(line, key) for key in LENGTH_KEYS)
    output_tokens = next((length for length in lengths if length is not None), None)
    if output_tokens is None:
        raise SiteError(
            "its answer has no length", where=where, wanted=f"one of {', '.join(LENGTH_KEYS)}"
        )
    if line.messages is not None:
        parts = [part for message in line.messages for part in _parts(message, where)]
    else:
        texts = (line.text, line.prompt, line.src)
        parts = [Part(type="text", text=text) for text in texts if text is not None][:1]
    text = "\n\n".join(part.text for part in parts if part.text)
    images = tuple(_data_address(part, where) for part in parts if part.type == "image_url")
    if not text and not images:
        raise SiteError("no prompt", where=where, wanted=f"one of {', '.join(PROMPT_KEYS)}")
    return Prompt(text=text, output_tokens=output_tokens, images=images)


def _parts(message: Message, where: str) -> Iterator[Part]:
    if isinstance(message.content, str):
        yield Part(type="text", text=message.content)
        return
    for part in message.content or ():
        if part.type not in ("text", "image_url"):
            raise SiteError(
                "a part that can't be sent", where=where, got=part.type, wanted="text or image_url"
            )
        yield part


def _data_address(part: Part, where: str) -> str:
    address = part.image_url.url if isinstance(part.image_url, Address) else part.image_url
    if address is None or not address.startswith("data:"):
        raise SiteError(
            "an image that isn't in the line",
            where=where,
            got=None if address is None else address[:80],
            wanted="a data: address",
            fix="Put the image itself there: fetching it would be measured, too",
        )
    return address
