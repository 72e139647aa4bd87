"""
The prompts of a throughput workload: drawn once from a seed, the same on both sides (R9).

    rehearsal     made here: texts and answer lengths spread like ShareGPT's, within the workload's
                  bounds, out of words that the rehearsal's model knows
    any other     lines of JSON, {"text": .., "output_tokens": .., "images": [..]}, which the site
                  prepares once with the model's tokenizer and both sides share
"""

from __future__ import annotations

import hashlib
import math
import random
from pathlib import Path

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.standard.model import Workload

from .protocol import Prompt

SHAREGPT_MEDIAN = 120.0
SHAREGPT_SIGMA = 1.2
"""Median of an answer's tokens and spread of its logarithm; a prompt's are about half as long."""
SHAREGPT_BOUNDS = (16, 1024)
"""Where R9 clips an answer's length."""
PROMPT_SHARE = 0.5
WORDS = (
    "old new big small red blue green dark quiet warm cold long river road house garden forest "
    "hill field lake street bridge tower village runs stands waits turns falls rests grows moves"
)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A workload's prompts and the digest by which both sides know that they are the same."""

    prompts: tuple[Prompt, ...]
    digest: str


def draw(workload: Workload, source: Path | None = None) -> Drawn:
    """
    Return the workload's prompts; ``source`` is the prepared file of one that isn't rehearsal's.

    SiteError if that file is missing, can't be read, or holds too few prompts.
    """
    draw_from = random.Random(f"workload {workload.name} {workload.seed}")
    if workload.source == "rehearsal":
        prompts = tuple(_synthetic(workload, draw_from) for _ in range(workload.prompts))
    else:
        prompts = _prepared(workload, source, draw_from)
    return Drawn(prompts=prompts, digest=digest_of(prompts))


def digest_of(prompts: tuple[Prompt, ...]) -> str:
    """Return the SHA-256 of the prompts in their order."""
    return hashlib.sha256(msgspec.json.encode(prompts, order="deterministic")).hexdigest()


def scaled_length(tokens: float, fewest: int, most: int) -> int:
    """Return ``tokens``, clipped to R9's bounds, on the logarithmic scale from fewest to most."""
    low, high = SHAREGPT_BOUNDS
    position = math.log(min(max(tokens, low), high) / low) / math.log(high / low)
    return round(fewest * math.pow(most / fewest, position))


def _synthetic(workload: Workload, draw_from: random.Random) -> Prompt:
    def length() -> int:
        tokens = draw_from.lognormvariate(math.log(SHAREGPT_MEDIAN), SHAREGPT_SIGMA)
        return scaled_length(tokens, workload.output_tokens_min, workload.output_tokens_max)

    words = max(4, round(length() * PROMPT_SHARE))
    text = " ".join(draw_from.choices(WORDS.split(), k=words))
    return Prompt(text=text, output_tokens=length())


def _prepared(
    workload: Workload, source: Path | None, draw_from: random.Random
) -> tuple[Prompt, ...]:
    where = f"workload {workload.name}"
    if source is None:
        raise SiteError(
            f"its prompts come from {workload.source}, which is not shipped",
            where=where,
            fix="Name the prepared file in the site file",
        )
    try:
        lines = [line for line in source.read_bytes().splitlines() if line.strip()]
        found = [msgspec.json.decode(line, type=Prompt) for line in lines]
    except (OSError, msgspec.DecodeError) as problem:
        raise SiteError(
            "its prompts can't be read", where=source, got=f"{type(problem).__name__}: {problem}"
        ) from problem
    if len(found) < workload.prompts:
        raise SiteError("too few prompts", where=source, got=len(found), wanted=workload.prompts)
    low, high = workload.output_tokens_min, workload.output_tokens_max
    return tuple(
        Prompt(
            text=prompt.text,
            output_tokens=min(max(prompt.output_tokens, low), high),
            images=prompt.images,
        )
        for prompt in draw_from.sample(found, workload.prompts)
    )
