"""
Samples truly filled to a length (R12), made of the supervised data set's own samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_ernie.errors import SiteError

STRIDE = 7919
"""Samples between the starts of two long ones: a prime, so that they share no beginning."""

SURPLUS = 1.25
"""Joined samples share one start and one end mark, so they hold fewer tokens than their sum."""


def write_long_samples(
    data: Path, sizes: Sequence[int], out: Path, *, tokens: int, samples: int
) -> Path:
    """
    Write ``samples`` conversations of more than ``tokens`` tokens each, which the trainer cuts there.

    The turns are the data set's samples in their own order; ``sizes`` are their token counts, uncut.
    Whoever uses them counts again what is left after the cut. Raises SiteError if the data are
    empty.
    """
    parts = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines() if line]
    if not parts or not sum(sizes):
        raise SiteError("there is no training sample to fill a length with", where=data)
    with out.open("w", encoding="utf-8") as file:
        for number in range(samples):
            sample = _joined(parts, sizes, number * STRIDE, tokens * SURPLUS)
            file.write(json.dumps(sample, ensure_ascii=False) + "\n")
    return out


def _joined(
    parts: list[dict[str, Any]], sizes: Sequence[int], first: int, tokens: float
) -> dict[str, list[str]]:
    questions: list[str] = []
    answers: list[str] = []
    total, place = 0, first
    while total < tokens:
        index = place % len(parts)
        questions += _turns(parts[index]["src"])
        answers += _turns(parts[index]["tgt"])
        total += sizes[index]
        place += 1
    return {"src": questions, "tgt": answers}


def _turns(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts
