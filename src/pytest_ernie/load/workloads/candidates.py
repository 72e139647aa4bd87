"""
What a workload is drawn from, the draw, and the digest of what was drawn.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from pytest_ernie.load.protocol import Prompt


class Candidates(Protocol):
    """Prompts in the order of their source; a tuple is one, and so is what reads on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Prompt: ...


class OnDemand(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates that are read when they are drawn: thousands of images don't fit into memory."""

    length: int
    read: Callable[[int], Prompt]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> Prompt:
        return self.read(index)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A workload's prompts and the digest by which both sides know that they are the same."""

    prompts: tuple[Prompt, ...]
    digest: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the digest is about: what is asked, and not what is known of it.

    The order of the fields is part of the digest.
    """

    text: str
    output_tokens: int
    images: tuple[str, ...]


def digest_of(prompts: Iterable[Prompt]) -> str:
    """Return the SHA-256 of the prompts in their order, as one JSON array without white space."""
    sha256 = hashlib.sha256(b"[")
    # One at a time: a workload of images is a gigabyte.
    for index, prompt in enumerate(prompts):
        asked = Asked(
            text=prompt.text, output_tokens=prompt.output_tokens, images=tuple(prompt.images)
        )
        sha256.update(b"," * (index > 0) + msgspec.json.encode(asked))
    sha256.update(b"]")
    return sha256.hexdigest()


def sample(candidates: Candidates, prompts: int, draw_from: random.Random) -> tuple[Prompt, ...]:
    """
    Return that many different candidates; the caller sees to it that there are enough.

    Places are drawn, not prompts, so that only what is drawn is read.
    """
    return tuple(candidates[index] for index in draw_from.sample(range(len(candidates)), prompts))
