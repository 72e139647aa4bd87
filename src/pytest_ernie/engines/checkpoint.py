"""
A checkpoint's own words about itself: its config.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_ernie.errors import EngineError


def checkpoint_config(checkpoint: str) -> dict[str, Any]:
    """Return the object in a checkpoint's config.json; EngineError if it can't be read."""
    path = Path(checkpoint) / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise EngineError(
            "the checkpoint's config.json can't be read",
            where=checkpoint,
            got=f"{type(problem).__name__}: {problem}",
            fix="Give the folder that holds the weights and their config.json",
        ) from problem
    if not isinstance(config, dict):
        raise EngineError("config.json is no JSON object", where=path, got=type(config).__name__)
    return config
