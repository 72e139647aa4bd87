"""
The certification standard as data: editions, criteria, digests. Nothing here decides or measures.
"""

from __future__ import annotations

from pytest_ernie.standard.criteria import Criterion, criteria, datasets_of, workloads_of
from pytest_ernie.standard.digest import canonical, digest
from pytest_ernie.standard.loader import edition_digest, editions, load, parse
from pytest_ernie.standard.model import Edition, Model, Workload
from pytest_ernie.standard.recipe import Recipe

__all__ = [
    "Criterion",
    "Edition",
    "Model",
    "Recipe",
    "Workload",
    "canonical",
    "criteria",
    "datasets_of",
    "digest",
    "edition_digest",
    "editions",
    "load",
    "parse",
    "workloads_of",
]
