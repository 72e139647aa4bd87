"""
How well and how cheaply the search finds the limit: a table over engines, noise and seeds.

    python tests/bench/search_table.py [seeds [shape]]

100 seeds of all shapes take about five minutes. A row says: how many searches ended within 2 % of the
truth (or 1), their requests (median and most), that median as a share of what the plain search needs,
the answers (lowest, median, highest), how often the answer truly held while the next tested load truly
broke, and the mean confidence that was claimed for that.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from doubles.queueing import (  # noqa: E402 (after sys.path)
    MAXIMA,
    PREFILL_QUEUE,
    SHAPES,
    TOKENS,
    Case,
    case,
    drive,
    plain_search,
)
from pytest_ernie.load.search import Found, SearchSettings  # noqa: E402 (after sys.path)

PLAIN_SEEDS = 5
HEAD = "shape    max noise  near  requests (most)  of plain  answers             right  sure"


def row(shape: str, one: Case, seeds: int) -> str:
    """Search with every seed; return a line of the table."""
    settings = SearchSettings(output_tokens=TOKENS, most=4096)
    found = [drive(one.engine, settings, seed).found for seed in range(seeds)]
    sent = sorted(result.requests_sent for result in found)
    answers = sorted(result.max_concurrency for result in found)
    plain = [plain_search(one.engine, seed).requests_sent for seed in range(PLAIN_SEEDS)]
    middle = statistics.median(sent)
    return (
        f"{shape:8} {one.truths[-1]:3} {one.engine.noise:5.0%} {_share(map(one.is_near, found)):5.0%} "
        f"{middle:8.0f} ({sent[-1]:5}) {middle / statistics.median(plain):8.0%}   "
        f"{answers[0]:4} {statistics.median_low(answers):4} {answers[-1]:4}  "
        f"{_share(_is_right(one, result) for result in found):9.0%} "
        f"{statistics.fmean(result.confidence for result in found):5.2f}"
    )


def _share(true: Iterable[bool]) -> float:
    return statistics.fmean(true)


def _is_right(one: Case, found: Found) -> bool:
    """Whether the answer truly holds and the next tested load truly breaks."""
    answer = found.max_concurrency
    tested = [p.concurrency for p in found.curve if p.concurrency > answer]
    first, last = one.engine.slow

    def holds(load: int) -> bool:
        return load <= one.truths[-1] and not first <= load <= last

    return holds(answer) and bool(tested) and not holds(min(tested))


def main(seeds: int, shapes: Sequence[str]) -> None:
    """Print the table."""
    print(HEAD)
    for shape in shapes:
        for maximum in MAXIMA:
            for noise in (0.05, 0.15):
                print(row(shape, case(shape, maximum, noise), seeds), flush=True)
    print(row("prefill", PREFILL_QUEUE, seeds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, sys.argv[2:] or SHAPES)
