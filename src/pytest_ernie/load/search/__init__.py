"""
The search for the highest load within the limits.
"""

from __future__ import annotations

from .search import (
    CurvePoint,
    Found,
    Limits,
    Sample,
    SearchSettings,
    Trial,
    TrialOutcome,
    search,
)

__all__ = [
    "CurvePoint",
    "Found",
    "Limits",
    "Sample",
    "SearchSettings",
    "Trial",
    "TrialOutcome",
    "search",
]
