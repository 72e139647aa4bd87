"""
Binding a test to a clause of the standard: the edition says which criteria it runs for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from pytest_ernie.standard import Criterion

Test = TypeVar("Test", bound=Callable[..., Any])

MARK = "ernie_clause"

MARKERS = {
    "tier1": "criteria of tier I (基础级)",
    "tier2": "criteria of tier II",
    "tier3": "criteria of tier III",
    "training": "criteria of the training clauses",
    "inference": "criteria of the inference clauses",
    "sft": "criteria of supervised fine-tuning",
    "sft_lora": "criteria of supervised fine-tuning with LoRA",
    "loss": "the loss curve follows the benchmark's",
    "throughput": "training token/s and serving TPS as a share of the benchmark",
    "context": "context lengths 8K, 32K and 128K (8192, 32768, 131072)",
    "datatype": "WINT8, WINT4 and W4A8",
    "accuracy": "scores within one point of the benchmark's",
    "preflight": "what the chip's documents require; explains, never certifies",
}
"""Every marker that the suite gives, with its help."""


def clause(id: str) -> Callable[[Test], Test]:
    """
    Run the test once for every criterion of the clause; it takes ``criterion`` as an argument.
    """

    def bind(test: Test) -> Test:
        marked: Test = pytest.mark.__getattr__(MARK)(id)(test)
        return marked

    return bind


def marks_of(criterion: Criterion) -> list[pytest.MarkDecorator]:
    """Return the markers by which ``-m`` selects the criterion."""
    phase, subject = criterion.clause.split(".")
    names = [f"tier{tier}" for tier in criterion.tiers]
    names += [phase, subject]
    if criterion.method:
        names.append(criterion.method)
    return [getattr(pytest.mark, name) for name in names]


def criterion_of(item: pytest.Item) -> Criterion | None:
    """Return the criterion that an item shows, or None for any other test."""
    callspec = getattr(item, "callspec", None)
    value = callspec.params.get("criterion") if callspec else None
    return value if isinstance(value, Criterion) else None
