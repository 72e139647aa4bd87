"""
The rehearsal's four tasks: questions with one short exact answer each, made by rule from a seed.

A task has *familiar* kinds of question, which the base model was trained on and which the
held-out sets ask, and *novel* kinds, which only the supervised data holds: a fine-tuning run
must have something left to learn, or no learning-rate error could show in its loss.

Held-out and training questions are disjoint by what they are about (the operands, the numbers,
the words), not merely by wording: 47 + 38 held out keeps 38 + 47 out of training too. One
problem in twenty is reserved for asking, chosen by its digest.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from .words import HAN_DIGITS, NAMES, ORDINALS

TASKS = ("arithmetic", "reasoning", "chinese", "instructions")
"""One task per domain; the order is part of every seed's meaning."""

HELD_OUT = 200
"""Held-out questions per task."""

SIZES = (1, 2, 3)
"""How large a problem is: longer numbers, more of them, more words."""

HELD_OUT_SIZES = {
    "arithmetic": (1, 2, 3),
    "reasoning": (1, 2),
    "chinese": (1, 2, 3),
    "instructions": (1, 2, 3),
}
"""Sizes of held-out problems, chosen so that the base model answers most, but not all."""


@dataclass(frozen=True)
class Sample:
    """A question, its only right answer, and what it is about."""

    question: str
    answer: str
    about: tuple[str, ...]
    """Samples of one task that agree in this are the same problem in other words."""


Kind = Callable[[random.Random, int], Sample]
"""Makes a sample of the given size."""


@functools.cache
def held_out(task: str) -> tuple[Sample, ...]:
    """The task's held-out questions, always the same, about different things."""
    rng = random.Random(f"held out {task}")
    chosen: dict[tuple[str, ...], Sample] = {}
    while len(chosen) < HELD_OUT:
        sample = rng.choice(FAMILIAR[task])(rng, rng.choice(HELD_OUT_SIZES[task]))
        if reserved(task, sample):
            chosen.setdefault(sample.about, sample)
    return tuple(chosen.values())


def training_sample(task: str, rng: random.Random, *, novel: bool = False) -> Sample:
    """A question about something that no held-out question of the task is about."""
    kinds = (NOVEL if novel else FAMILIAR)[task]
    while True:
        sample = rng.choice(kinds)(rng, rng.choice(SIZES))
        if not reserved(task, sample):
            return sample


def supervised_samples(count: int, seed: int, novel_share: float) -> list[Sample]:
    """
    `count` different questions over all tasks in turn, a `novel_share` of them of a novel kind.

    A question appears once, so that every step of a run over them sees new material.
    """
    rng = random.Random(f"supervised {seed}")
    samples: list[Sample] = []
    seen: set[str] = set()
    while len(samples) < count:
        task = TASKS[len(samples) % len(TASKS)]
        sample = training_sample(task, rng, novel=rng.random() < novel_share)
        if sample.question not in seen:
            seen.add(sample.question)
            samples.append(sample)
    return samples


def reserved(task: str, sample: Sample) -> bool:
    """Whether the problem belongs to the held-out side: one in twenty does."""
    digest = hashlib.sha256("|".join((task, *sample.about)).encode()).digest()
    return digest[0] * 256 + digest[1] < 65536 // 20


# ------------------------------------------------------------------ arithmetic


def _number(rng: random.Random, fewest: int, most: int) -> int:
    """A number of `fewest` to `most` digits, every length equally likely."""
    digits = rng.randint(fewest, most)
    return rng.randrange(10 ** (digits - 1), 10**digits)


def _about_numbers(*numbers: int) -> tuple[str, ...]:
    return tuple(str(number) for number in sorted(numbers))


def _operands(rng: random.Random, size: int) -> tuple[int, int]:
    return _number(rng, size, size + 1), _number(rng, size, size + 1)


def _addition(rng: random.Random, size: int) -> Sample:
    a, b = _operands(rng, size)
    return Sample(f"What is {a} + {b}?", str(a + b), _about_numbers(a, b))


def _subtraction(rng: random.Random, size: int) -> Sample:
    b, a = sorted(_operands(rng, size))
    return Sample(f"What is {a} - {b}?", str(a - b), _about_numbers(a, b))


def _product(rng: random.Random, size: int) -> Sample:
    a, b = rng.randrange(2, 10), _number(rng, size, size + 1)
    return Sample(f"What is {a} * {b}?", str(a * b), _about_numbers(a, b))


# ------------------------------------------------------------------- reasoning


def _distinct(rng: random.Random, count: int) -> list[int]:
    """`count` different numbers of two to four digits, at least two of them of one length."""
    while True:
        numbers = [_number(rng, 2, 4) for _ in range(count)]
        lengths = {len(str(number)) for number in numbers}
        if len(set(numbers)) == count and len(lengths) < count:
            return numbers


def _pick(rng: random.Random, size: int, name: str, place: Callable[[int], int]) -> Sample:
    numbers = _distinct(rng, size + 2)
    listed = f"{', '.join(map(str, numbers[:-1]))} or {numbers[-1]}"
    answer = sorted(numbers)[place(len(numbers))]
    return Sample(f"Which is the {name}: {listed}?", str(answer), _about_numbers(*numbers))


def _largest(rng: random.Random, size: int) -> Sample:
    return _pick(rng, size, "largest", lambda count: count - 1)


def _smallest(rng: random.Random, size: int) -> Sample:
    return _pick(rng, size, "smallest", lambda _: 0)


def _middle(rng: random.Random, size: int) -> Sample:
    # Only an odd count has a middle.
    return _pick(rng, 1 if size < 3 else 3, "middle", lambda count: count // 2)


def _sort(rng: random.Random, size: int, direction: str) -> Sample:
    numbers = _distinct(rng, size + 2)
    ordered = sorted(numbers, reverse=direction == "down")
    question = f"Sort {direction}: {', '.join(map(str, numbers))}."
    return Sample(question, ", ".join(map(str, ordered)), _about_numbers(*numbers))


def _sort_up(rng: random.Random, size: int) -> Sample:
    return _sort(rng, size, "up")


def _sort_down(rng: random.Random, size: int) -> Sample:
    return _sort(rng, size, "down")


# --------------------------------------------------------------------- Chinese


def han_numeral(number: int) -> str:
    """
    The number in Chinese numerals, 0 <= number < 100 000 000.

    A run of zeros inside the number is read once as 零; 10 to 19 begin with 十, not 一十.
    """
    if number == 0:
        return HAN_DIGITS[0]
    myriads, rest = divmod(number, 10_000)
    text = _han_below_myriad(rest)
    if myriads:
        gap = HAN_DIGITS[0] if rest and rest < 1000 else ""
        text = f"{_han_below_myriad(myriads)}万{gap}{text}"
    return text[1:] if text.startswith("一十") else text


def _han_below_myriad(number: int) -> str:
    text, gap = "", False
    for power, unit in ((3, "千"), (2, "百"), (1, "十"), (0, "")):
        digit = number // 10**power % 10
        if digit == 0:
            gap = bool(text)
            continue
        text += (HAN_DIGITS[0] if gap else "") + HAN_DIGITS[digit] + unit
        gap = False
    return text


def _han_number(rng: random.Random, size: int) -> int:
    number = _number(rng, 2 * size, 2 * size + 1)
    # Uniform digits would hardly ever ask how zeros are read.
    zeroed = "".join(rng.choice((digit, digit, "0")) for digit in str(number)[1:])
    return int(str(number)[0] + zeroed)


def _to_han(rng: random.Random, size: int) -> Sample:
    number = _han_number(rng, size)
    return Sample(f"用汉字写出 {number}。", han_numeral(number), _about_numbers(number))


def _from_han(rng: random.Random, size: int) -> Sample:
    number = _han_number(rng, size)
    return Sample(f"用数字写出{han_numeral(number)}。", str(number), _about_numbers(number))


def _han_addition(rng: random.Random, size: int) -> Sample:
    a, b = _operands(rng, size)
    question = f"{han_numeral(a)}加{han_numeral(b)}等于多少？"
    return Sample(question, han_numeral(a + b), ("sum", *_about_numbers(a, b)))


def _han_choice(rng: random.Random, size: int, wanted: str) -> Sample:
    a, b = rng.sample(range(10, 10 ** (size + 2)), 2)
    question = f"{han_numeral(a)}和{han_numeral(b)}，哪个{wanted}？"
    answer = max(a, b) if wanted == "大" else min(a, b)
    return Sample(question, han_numeral(answer), ("of", *_about_numbers(a, b)))


def _han_larger(rng: random.Random, size: int) -> Sample:
    return _han_choice(rng, size, "大")


def _han_smaller(rng: random.Random, size: int) -> Sample:
    return _han_choice(rng, size, "小")


# ---------------------------------------------------------------- instructions


def _words(rng: random.Random, size: int) -> list[str]:
    """Three to eight different words."""
    return rng.sample(NAMES, 2 * size + rng.randint(1, 2))


def _repeat(rng: random.Random, size: int) -> Sample:
    words, times = rng.sample(NAMES, rng.randint(1, size)), rng.randint(2, 5)
    phrase = " ".join(words)
    answer = " ".join([phrase] * times)
    return Sample(f"Repeat {times} times: {phrase}.", answer, (*words, str(times)))


def _reverse(rng: random.Random, size: int) -> Sample:
    words = _words(rng, size)
    answer = " ".join(reversed(words))
    return Sample(f"Write in reverse order: {' '.join(words)}.", answer, tuple(words))


def _nth(rng: random.Random, size: int) -> Sample:
    words = _words(rng, size)
    place = rng.randrange(min(len(words), len(ORDINALS)))
    question = f"Write the {ORDINALS[place]} word of: {' '.join(words)}."
    return Sample(question, words[place], tuple(words))


def _without(rng: random.Random, size: int) -> Sample:
    words = _words(rng, size)
    dropped = rng.choice(words)
    kept = [word for word in words if word != dropped]
    question = f"Write without {dropped}: {' '.join(words)}."
    return Sample(question, " ".join(kept), tuple(words))


def _swap(rng: random.Random, size: int) -> Sample:
    words = _words(rng, size)
    swapped = [words[-1], *words[1:-1], words[0]]
    question = f"Swap the first and the last word: {' '.join(words)}."
    return Sample(question, " ".join(swapped), tuple(words))


def _each_twice(rng: random.Random, size: int) -> Sample:
    words = _words(rng, size)
    answer = " ".join(word for word in words for _ in range(2))
    return Sample(f"Write each word twice: {' '.join(words)}.", answer, tuple(words))


FAMILIAR: dict[str, tuple[Kind, ...]] = {
    "arithmetic": (_addition,),
    "reasoning": (_largest, _sort_up),
    "chinese": (_to_han, _from_han, _han_larger),
    "instructions": (_repeat, _reverse, _nth, _without),
}
"""Kinds of question that the base model knows and the held-out sets ask."""

NOVEL: dict[str, tuple[Kind, ...]] = {
    "arithmetic": (_subtraction, _product),
    "reasoning": (_smallest, _middle, _sort_down),
    "chinese": (_han_addition, _han_smaller),
    "instructions": (_swap, _each_twice),
}
"""Kinds of question that only the supervised data holds."""
