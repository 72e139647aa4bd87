"""
What the accuracy clause can decide: the tables of docs/accuracy-statistics.md, from a fixed seed.

    python tests/bench/accuracy_table.py coverage [interval ...]   # one to four minutes for each
    python tests/bench/accuracy_table.py datasets                  # a second
    python tests/bench/accuracy_table.py correlated                # a second

``coverage`` counts, for each interval and over sizes, discordance, base accuracy and true difference,
how often the 95 % interval holds the truth: lowest, highest, and the share of cells within 93..97 %.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from doubles.answer_sets import METHODS, SIZES, Truth, covered  # noqa: E402 (after sys.path)
from pytest_ernie.verdicts.paired import chance_of_difference  # noqa: E402 (after sys.path)

QUESTIONS = (541, 1000, 1319, 6511, 11582)
DISCORDANCES = (0.01, 0.02, 0.03, 0.05, 0.10, 0.15)
BASES = (0.5, 0.8, 0.97)
LOST_POINTS = (0.0, 1.0, -1.0, 2.0)
DRAWS = 2000
FEWER = 400
"""Draws for the bootstrap, which resamples each of them."""
MOST_SEEDS = 40


def cells() -> Iterator[Truth]:
    """Every combination that can be: not more lost than changes, not more won than was wrong."""
    for questions, discordance, base, lost in itertools.product(
        QUESTIONS, DISCORDANCES, BASES, LOST_POINTS
    ):
        truth = Truth(questions=questions, discordance=discordance, base=base, lost_points=lost)
        if truth.possible:
            yield truth


def coverage(names: list[str]) -> None:
    """Print the row of each interval."""
    print("| interval | cells | lowest | where | highest | where | cells within 93..97 % |")
    print("|---|---|---|---|---|---|---|")
    for name in names or METHODS:
        method = METHODS[name]
        many = FEWER if name == "bootstrap" else DRAWS
        found = [(covered(truth, method, draws=many), truth) for truth in cells()]
        found.sort(key=lambda one: one[0])
        good = sum(0.93 <= share <= 0.97 for share, _ in found)
        (low, least), (high, most) = found[0], found[-1]
        print(
            f"| {name} | {len(found)} | {low:.1%} | {_where(least)} | {high:.1%} | {_where(most)} "
            f"| {good} ({good / len(found):.0%}) |",
            flush=True,
        )


def _where(truth: Truth) -> str:
    return (
        f"n {truth.questions}, {truth.discordance:.0%}, base {truth.base:g}, "
        f"{0 - truth.lost_points:+g} points"
    )


def datasets() -> None:
    """Print what each data set can decide under one prompt, and under as many as it takes."""
    print(
        "| data set | questions | equal chip fails at 1 % / 3 % / 10 % | prompts for ≤ 5 % |",
        end="",
    )
    print(" fails if 2 / 3 points are lost, 3 % | the same, 10 % | so with those prompts, 10 % |")
    print("|---|---|---|---|---|---|---|")
    for name, questions in sorted(SIZES.items(), key=lambda one: one[1]):
        equal = [chance_of_difference(questions, 1.0, discordance=q) for q in (0.01, 0.03, 0.1)]
        seeds = [_seeds(questions, q) for q in (0.01, 0.03, 0.1)]
        at3, at10, most = (
            [
                chance_of_difference(
                    questions, 1.0, discordance=q, lost_points=lost, prompt_seeds=prompts
                )
                for lost in (2.0, 3.0)
            ]
            for q, prompts in ((0.03, 1), (0.1, 1), (0.1, seeds[2]))
        )
        print(
            f"| {name} | {questions} | {_percents(equal)} | {' / '.join(map(str, seeds))} | "
            f"{_percents(at3)} | {_percents(at10)} | {_percents(most)} |"
        )


def _seeds(questions: int, discordance: float) -> int:
    """Return the least number of prompts with at most 5 % false FAILs."""
    return next(
        seeds
        for seeds in range(1, MOST_SEEDS)
        if chance_of_difference(questions, 1.0, discordance=discordance, prompt_seeds=seeds) <= 0.05
    )


def _percents(values: list[float]) -> str:
    return " / ".join("< 0.1 %" if value < 5e-4 else f"{value:.1%}" for value in values)


def correlated(draws: int = 20_000) -> None:
    """Print false FAILs where a question's flip under one prompt drags the other prompts along."""
    print("| data set | prompts | drawn apart | every 4th flip shared | every 2nd |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(20251103)
    for name, seeds in (("IFEval", 3), ("MMMU", 2), ("OCRBench", 2), ("MathVista", 2)):
        n = SIZES[name]
        row = [_shared(rng, n, seeds, share, draws) for share in (0.0, 0.25, 0.5)]
        print(f"| {name} | {seeds} | {' | '.join(f'{value:.1%}' for value in row)} |")


def _shared(rng: np.random.Generator, n: int, seeds: int, share: float, draws: int) -> float:
    """Return how often an equal chip fails if that share of the flips is the same under each prompt."""
    same = rng.binomial(n, 0.03 * share, draws)
    own = rng.binomial(n * seeds, 0.03 * (1 - share), draws)
    net = seeds * (2 * rng.binomial(same, 0.5) - same) + 2 * rng.binomial(own, 0.5) - own
    return float((100 * np.abs(net) > n * seeds).mean())


if __name__ == "__main__":
    if sys.argv[1:2] == ["coverage"]:
        coverage(sys.argv[2:])
    elif sys.argv[1:] in (["datasets"], ["correlated"]):
        {"datasets": datasets, "correlated": correlated}[sys.argv[1]]()
    else:
        sys.exit(__doc__)
