"""
Tests that train and serve for real: ``tox -e real``, or ``pytest tests/real``. Minutes each.
"""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_cache() -> None:
    """These use the user's own toolchains, and make them if need be."""
