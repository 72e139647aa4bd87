"""
A checkpoint's own words about itself: its config.json, and the headers of its weights.

Only headers are read, so that a checkpoint of 800 GB is as quick as one of 8 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_ernie.errors import EngineError

WORDS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
"""safetensors' names of types, in the words of ``ServedFacts.layer_types``."""
HEADER_LIMIT = 512 * 1024 * 1024


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


def read_header(path: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Yield (name, type, shape) of each tensor; EngineError if it is no safetensors file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= HEADER_LIMIT:
            raise EngineError("no safetensors file", where=path, got=f"a header of {size} bytes")
        text = file.read(size)
    try:
        tensors = {name: fact for name, fact in json.loads(text).items() if name != "__metadata__"}
        found = [(name, fact["dtype"], fact["shape"]) for name, fact in tensors.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise EngineError(
            "the safetensors header can't be read",
            where=path,
            got=f"{type(problem).__name__}: {problem}",
            fix="The file may be cut: compare its size with the published one",
        ) from problem
    yield from found
