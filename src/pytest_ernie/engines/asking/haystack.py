"""
Long prompts with codes hidden in them, sized in tokens without a tokenizer.

The filler is a cycle of different sentences, so a server's own count of two short prompts gives
the price of a whole cycle, and with it the size of any longer prompt to within a sentence or two.
A question about one code ends the prompt; all before it is the same for every question, so that
an engine with prefix caching reads the haystack once.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

CYCLE = 64
"""Different sentences of filler."""

NAMES = (
    "apple lemon peach mango grape melon olive onion carrot tiger eagle horse camel zebra panda "
    "raven spoon knife plate chair clock piano watch glove scarf crown sword hammer train kite"
)
"""What codes belong to; no filler sentence names one."""
ADJECTIVES = "old new big small red blue green dark quiet warm cold long"
NOUNS = "river road house garden forest hill field lake street bridge tower village"
VERBS = "runs stands waits turns falls rests grows moves"
PREPOSITIONS = "past behind near under above beside"


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """A code, what it belongs to, and where it lies (0 = start, 1 = end)."""

    name: str
    code: str
    depth: float

    @property
    def sentence(self) -> str:
        """The fact as the haystack states it."""
        return f"The code of {self.name} is {self.code}."

    @property
    def question(self) -> str:
        """The question whose only right answer is the code."""
        return f"What is the code of {self.name}?"


class Haystack:
    """Filler and codes that follow from a seed; ``text(n)`` is the haystack of n sentences."""

    def __init__(self, seed: str, depths: Sequence[float]) -> None:
        draw = random.Random(seed)
        self._filler = _different_sentences(draw)
        names = draw.sample(NAMES.split(), len(depths))
        self.hidden = tuple(
            Hidden(name=name, code=f"{draw.randrange(1000, 10_000)}", depth=depth)
            for name, depth in zip(names, depths, strict=True)
        )

    def text(self, sentences: int) -> str:
        """Return that many sentences of filler, with every code at its depth."""
        filler = [self._filler[index % CYCLE] for index in range(sentences)]
        for hidden in sorted(self.hidden, key=lambda one: one.depth, reverse=True):
            filler.insert(round(hidden.depth * sentences), hidden.sentence)
        return " ".join(filler)

    def prompt(self, sentences: int, asked: Hidden) -> str:
        """Return the haystack followed by the question about one code."""
        return f"{self.text(sentences)}\n{asked.question}"


def sentences_for(target: int, tokens: tuple[int, int]) -> int:
    """
    Return how many sentences make a prompt of at most ``target`` tokens, 0 if none does.

    ``tokens`` are the server's counts of prompts with one and with two cycles of filler. Two
    sentences are left out: those of the last, incomplete cycle may be longer than the average.
    """
    one, two = tokens
    cycle = two - one
    if cycle <= 0:
        return 0
    return max(0, CYCLE + int((target - one) * CYCLE / cycle) - 2)


def _different_sentences(draw: random.Random) -> list[str]:
    adjectives, nouns = ADJECTIVES.split(), NOUNS.split()
    verbs, prepositions = VERBS.split(), PREPOSITIONS.split()
    found: dict[str, None] = {}
    while len(found) < CYCLE:
        subject = f"The {draw.choice(adjectives)} {draw.choice(nouns)} {draw.choice(verbs)}"
        place = f"{draw.choice(prepositions)} the {draw.choice(adjectives)} {draw.choice(nouns)}"
        found[f"{subject} {place}."] = None
    return list(found)
