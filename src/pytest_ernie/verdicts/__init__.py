"""
Verdicts: pure functions from what was measured to a word with its sum. They import only the standard.
"""

from __future__ import annotations

from pytest_ernie.verdicts.accuracy import Average, Layout, Scores, accuracy_equal, score_of
from pytest_ernie.verdicts.attempts import attempts_agree
from pytest_ernie.verdicts.band import agreement
from pytest_ernie.verdicts.context import (
    ContextAnswer,
    Memory,
    serving_context,
    training_context,
)
from pytest_ernie.verdicts.datatype import datatype_supported
from pytest_ernie.verdicts.load_client import client_trouble
from pytest_ernie.verdicts.loss import loss_follows
from pytest_ernie.verdicts.pace import Pace, Stall, stalls_of, training_share
from pytest_ernie.verdicts.throughput import (
    Bounds,
    ClientPoint,
    LoadPoint,
    broken_limits,
    peak,
    throughput_share,
)
from pytest_ernie.verdicts.verdict import Flip, Listing, Verdict, Word, inconclusive

__all__ = [
    "Average",
    "Bounds",
    "ClientPoint",
    "ContextAnswer",
    "Flip",
    "Layout",
    "Listing",
    "LoadPoint",
    "Memory",
    "Pace",
    "Scores",
    "Stall",
    "Verdict",
    "Word",
    "accuracy_equal",
    "agreement",
    "attempts_agree",
    "broken_limits",
    "client_trouble",
    "datatype_supported",
    "inconclusive",
    "loss_follows",
    "peak",
    "score_of",
    "serving_context",
    "stalls_of",
    "throughput_share",
    "training_context",
    "training_share",
]
