"""
ShareGPT: a JSON array of conversations, {"conversations": [{"from": "human", "value": ..}, ..]}.

The edition's rule: a prompt is a conversation's first turn, if a human's; its answer's length is
that of the second, if the model's (R9). A prompt that comes again counts once.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Annotated

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .counters import Counter
from .json_lines import BYTE_ORDER_MARK, decode, unreadable

PROMPT_TOKENS_MIN = 4
ANSWER_TOKENS_MIN = 4
"""Shorter ones are greetings and interrupted answers; benchmarks have left them out since vLLM's."""
PROMPT_TOKENS_MAX = 8192
"""With the longest answer it fits a window of 32K, and few conversations begin with more."""
HUMAN, MODEL = "human", "gpt"
CONVERSATION = '{"conversations": [{"from": .., "value": ..}, ..]}'


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn; what else a file says of it isn't needed."""

    speaker: str = msgspec.field(name="from")
    value: str
    tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Counted beforehand; no part of ShareGPT itself."""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """Turns that are decoded only where they matter: most are of no use here."""

    conversations: list[msgspec.Raw]


def read_sharegpt(path: Path, count: Counter | None = None) -> tuple[Prompt, ...]:
    """
    Return the usable prompts in the file's order, their answers' lengths as they are.

    Without ``count`` each of the first two turns must say its ``tokens``. SiteError if the file
    can't be read, if a conversation is of another shape, or if a length isn't known.
    """
    found: dict[str, Prompt] = {}
    for number, content in enumerate(_conversations(path), start=1):
        where = f"{path}, conversation {number}"
        turns = decode(content, Conversation, where=where, wanted=CONVERSATION).conversations[:2]
        if len(turns) < 2:
            continue
        human, model = (decode(turn, Turn, where=where, wanted=CONVERSATION) for turn in turns)
        if (human.speaker, model.speaker) != (HUMAN, MODEL) or human.value in found:
            continue
        prompt_tokens = _tokens(human, count, where)
        if not PROMPT_TOKENS_MIN <= prompt_tokens <= PROMPT_TOKENS_MAX:
            continue
        answer_tokens = _tokens(model, count, where)
        if answer_tokens >= ANSWER_TOKENS_MIN:
            found[human.value] = Prompt(
                text=human.value, output_tokens=answer_tokens, prompt_tokens=prompt_tokens
            )
    return tuple(found.values())


def _conversations(path: Path) -> list[msgspec.Raw]:
    """
    Return the conversations as they stand in the file, which may be 700 MB and isn't copied.
    """
    try:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as problem:  # ValueError: nothing in it
        raise unreadable(path, problem) from problem
    if content[: len(BYTE_ORDER_MARK)] == BYTE_ORDER_MARK:
        content = content[len(BYTE_ORDER_MARK) :]
    try:
        return msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise SiteError(
            "no array of conversations", where=path, got=problem, wanted=f"[{CONVERSATION}, ..]"
        ) from problem


def _tokens(turn: Turn, count: Counter | None, where: str) -> int:
    if count is not None:
        return count(turn.value)
    if turn.tokens is None:
        raise SiteError(
            "its tokens aren't counted",
            where=where,
            fix="Prepare the file once with the model's tokenizer, and name the prepared file",
        )
    return turn.tokens
