"""
The door for chip makers: one hook, called before anything is collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ernie.registry import Registry


@pytest.hookspec
def pytest_ernie_register(registry: Registry) -> None:
    """
    Add devices, engines and trainers from a package or conftest of your own.

    ``registry.device(DEVICE)`` adds a kind for ``--device``; ``registry.engine(name, factory)`` and
    ``registry.trainer(name, factory)`` add what a site file may name. A name that is taken is an error.
    docs/add-a-device.md builds a device step by step.
    """
