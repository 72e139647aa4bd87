"""
Measurements: how each is keyed, made on a device, kept, and read back.
"""

from __future__ import annotations

from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.candidate import Candidate, candidate_of
from pytest_ernie.measurements.reference import Reference, reference_of

__all__ = [
    "Bench",
    "Candidate",
    "Reference",
    "candidate_of",
    "reference_of",
]
