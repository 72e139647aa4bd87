"""
Prompts made here: lengths spread like ShareGPT's, within bounds, out of words that the rehearsal knows.

References were recorded with these prompts: a change of anything here makes them useless.
"""

from __future__ import annotations

import math
import random

from pytest_ernie.load.protocol import Prompt

SHAREGPT_MEDIAN = 120.0
SHAREGPT_SIGMA = 1.2
"""Median of an answer's tokens and spread of its logarithm; a prompt's are about half as long."""
SHAREGPT_BOUNDS = (16, 1024)
"""Where R9 clips an answer's length."""
PROMPT_SHARE = 0.5
PROMPT_WORDS_MIN = 4
WORDS = (
    "old new big small red blue green dark quiet warm cold long river road house garden forest "
    "hill field lake street bridge tower village runs stands waits turns falls rests grows moves"
)


def synthetic(
    prompts: int, *, output_tokens_min: int, output_tokens_max: int, draw_from: random.Random
) -> tuple[Prompt, ...]:
    """Return prompts whose lengths, and whose answers', are lognormal, scaled and clipped."""
    vocabulary = WORDS.split()

    def length() -> int:
        tokens = draw_from.lognormvariate(math.log(SHAREGPT_MEDIAN), SHAREGPT_SIGMA)
        return scaled_length(tokens, output_tokens_min, output_tokens_max)

    def prompt() -> Prompt:
        words = max(PROMPT_WORDS_MIN, round(length() * PROMPT_SHARE))
        text = " ".join(draw_from.choices(vocabulary, k=words))
        return Prompt(text=text, output_tokens=length())

    return tuple(prompt() for _ in range(prompts))


def scaled_length(tokens: float, fewest: int, most: int) -> int:
    """Return ``tokens``, clipped to R9's bounds, on the logarithmic scale from fewest to most."""
    low, high = SHAREGPT_BOUNDS
    position = math.log(min(max(tokens, low), high) / low) / math.log(high / low)
    return round(fewest * math.pow(most / fewest, position))
