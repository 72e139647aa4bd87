"""
Samples truly filled to a length (R12), made of the supervised data set's own samples.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_ernie.errors import SiteError

Count = Callable[[Path], Sequence[int]]
"""Tokens of every sample of a jsonl file, none of them cut."""

ROUNDS = 8
"""Each round closes most of what is left; the last ones change a token or two."""


def write_long_samples(count: Count, data: Path, out: Path, *, tokens: int, samples: int) -> Path:
    """
    Write ``samples`` samples of at most ``tokens`` tokens each, as full as the data allow.

    Short samples are joined in the file's order, questions and answers alike, and their last answer
    is what is trained; the count is measured, not assumed, because joining changes it. Raises
    SiteError if no sample is short enough to start from.
    """
    parts = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines() if line]
    sizes = list(count(data))
    usable = [i for i, size in enumerate(sizes) if size <= tokens]
    if not usable:
        raise SiteError(
            f"no training sample is short enough to fill {tokens} tokens with",
            where=data,
            got=f"at least {min(sizes, default=0)} tokens a sample",
        )
    chosen = [_start(usable, sizes, tokens, first=n * 7919) for n in range(samples)]
    for _ in range(ROUNDS):
        _write(out, parts, chosen)
        full = count(out)
        if not _adjust(chosen, full, sizes, usable, tokens):
            return out
    _write(out, parts, chosen)
    return out


def _start(usable: list[int], sizes: list[int], tokens: int, first: int) -> list[int]:
    """Take samples from ``first`` on until their own sizes would overflow the length."""
    taken: list[int] = []
    total, place = 0, first
    while True:
        index = usable[place % len(usable)]
        if taken and total + sizes[index] > tokens:
            return taken
        taken.append(index)
        total += sizes[index]
        place += 1


def _adjust(
    chosen: list[list[int]],
    full: Sequence[int],
    sizes: list[int],
    usable: list[int],
    tokens: int,
) -> bool:
    """Add what fits into the measured gap, or take away what is too much; False when nothing changes."""
    smallest = min(sizes[i] for i in usable)
    changed = False
    for taken, size in zip(chosen, full, strict=True):
        gap = tokens - size
        while gap < 0 and len(taken) > 1:
            gap += max(1, sizes[taken.pop(0)] - smallest // 2)
            changed = True
        while gap >= smallest:
            fitting = max((i for i in usable if sizes[i] <= gap), key=lambda i: sizes[i])
            taken.insert(0, fitting)
            gap -= sizes[fitting]
            changed = True
    return changed


def _write(out: Path, parts: list[dict[str, Any]], chosen: list[list[int]]) -> None:
    with out.open("w", encoding="utf-8") as file:
        for taken in chosen:
            *before, last = (parts[i] for i in taken)
            texts = [text for part in before for text in (*part["src"], *part["tgt"])]
            sample = {"src": ["\n".join([*texts, *last["src"]])], "tgt": last["tgt"]}
            file.write(json.dumps(sample, ensure_ascii=False) + "\n")
