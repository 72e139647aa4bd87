"""
ERNIEKit's wheels 1.1.0 to 1.3.0 lack a part of themselves: the package ``ernie``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path

PART = "ernie"
WITHOUT_PART = ("2.",)
"""Versions that need no such part: from 2.0 on the trainer is PaddleFormers'."""
MEND = (
    "Install ERNIEKit from its source (git clone, pip install -e .), or PaddleFormers with "
    'kind = "paddleformers"'
)


def broken_wheel(folders: Iterable[Path]) -> str | None:
    """
    Say what the installed ERNIEKit lacks, None if it is whole or not there.

    "No module named 'ernie'" is what its users see, minutes after they started it.
    """
    kept = [folder for folder in folders if folder.is_dir()]
    for found in distributions(path=[str(folder) for folder in kept]):
        if str(found.metadata["Name"] or "").lower() != "erniekit":
            continue
        here = any((folder / PART / "__init__.py").is_file() for folder in kept)
        if here or found.version.startswith(WITHOUT_PART) or _editable(found):
            return None
        return f"erniekit {found.version} is installed without its package '{PART}'"
    return None


def _editable(found: Distribution) -> bool:
    """Tell whether it is a source folder that is imported from where it lies."""
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(origin.get("dir_info", {}).get("editable"))
