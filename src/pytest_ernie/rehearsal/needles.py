"""
Long texts with codes hidden in them: "The code of apple is 4821." somewhere in filler.

The base model is trained on such texts at many lengths, so that a served copy can be asked, at
8K and beyond, whether it still reads what a long prompt says.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .words import ADJECTIVES, NAMES, NOUNS, PREPOSITIONS, VERBS

PAD = "so"
"""A word that is one token with its space: it fills a prompt to an exact length."""


@dataclass(frozen=True)
class Needle:
    """A hidden fact and how to ask for it."""

    name: str
    code: str
    """Four digits."""

    @property
    def sentence(self) -> str:
        """The fact as the text states it."""
        return f"The code of {self.name} is {self.code}."

    @property
    def question(self) -> str:
        """The question whose only right answer is the code."""
        return f"What is the code of {self.name}?"


def filler_sentence(rng: random.Random) -> str:
    """One sentence of filler: ten words, no name and no digit."""
    return (
        f"The {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {rng.choice(VERBS)} "
        f"{rng.choice(PREPOSITIONS)} the {rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}."
    )


def draw_needles(rng: random.Random, count: int) -> list[Needle]:
    """`count` needles about different names."""
    names = rng.sample(NAMES, count)
    return [Needle(name, f"{rng.randrange(10_000):04d}") for name in names]


def haystack(
    rng: random.Random,
    needles: list[Needle],
    depths: list[float],
    budget: int,
    tokens_of: Callable[[str], int],
) -> str:
    """
    Filler of exactly `budget` tokens with each needle at its depth (0 = start, 1 = end).

    `tokens_of` counts a text's tokens; the tokenizer never joins across a space, so counts add
    up. A remainder shorter than a sentence is filled with a repeated word at the start.
    """
    if len(depths) != len(needles):
        raise ValueError(f"haystack: {len(needles)} needles need as many depths, got {len(depths)}")
    hidden = sorted(zip(depths, needles, strict=True), key=lambda pair: pair[0])
    room = budget - sum(tokens_of(" " + needle.sentence) for needle in needles)
    filler: list[str] = []
    # The text's very first token has no space before it, and costs what it costs with one.
    while room > 0:
        sentence = filler_sentence(rng)
        cost = tokens_of(" " + sentence)
        if cost > room:
            break
        filler.append(sentence)
        room -= cost
    if room < 0:
        raise ValueError(f"haystack: {len(needles)} needles do not fit into {budget} tokens")
    total = len(filler)
    for depth, needle in reversed(hidden):
        filler.insert(round(depth * total), needle.sentence)
    return " ".join([PAD] * room + filler)
