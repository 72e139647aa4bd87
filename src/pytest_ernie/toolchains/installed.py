"""
Which distributions an environment holds, read from its folders: nothing is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from pytest_ernie.toolchains.toolchain import Toolchain, package_folders


def versions_in(folders: Iterable[Path]) -> dict[str, str]:
    """Return name -> version of the distributions in folders, in the order of ``sys.path``."""
    packages: dict[str, str] = {}
    for found in distributions(path=[str(folder) for folder in folders]):
        name = str(found.metadata["Name"] or "").lower().replace("_", "-")
        packages.setdefault(name, found.version)  # of two, the first is the one that is imported
    return packages


def folders_of(toolchain: Toolchain) -> list[Path]:
    """Return the folders that a toolchain imports from; ToolchainError if it doesn't run."""
    return package_folders(toolchain.name, Path(toolchain.python), toolchain.env)
