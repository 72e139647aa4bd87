"""
How this package starts processes of its own: the same interpreter, the same package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line of a module of this package."""
    return [sys.executable, "-m", f"pytest_ernie.load.{module}", *arguments]


def environment() -> dict[str, str]:
    """Return an environment in which the child finds the package where this process found it."""
    paths = [folder(), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def folder() -> str:
    """
    Return the folder to start in: ``-m`` looks there first, and a user's may hold a ``secrets.py``.
    """
    return str(Path(__file__).parents[3])
