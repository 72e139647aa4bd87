"""
Evidence: an append-only store of what was measured, on what, with the raw material beside it.
"""

from __future__ import annotations

from pytest_ernie.evidence.record import Record, Subject, What
from pytest_ernie.evidence.redaction import Redaction
from pytest_ernie.evidence.store import Recording, Store

__all__ = ["Record", "Recording", "Redaction", "Store", "Subject", "What"]
