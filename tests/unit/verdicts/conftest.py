"""
The rules of the official edition, as verdict functions take them.
"""

from __future__ import annotations

import pytest

from pytest_ernie.standard import load
from pytest_ernie.standard.model import Rulings


@pytest.fixture(scope="session")
def rulings() -> Rulings:
    """The official rulings: verdicts are tested at the standard's own thresholds."""
    return load("ernie-4.5").rulings
