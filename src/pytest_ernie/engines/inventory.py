"""
What a checkpoint says about its weights: safetensors headers and the quantization it declares.

Only headers are read, so that a checkpoint of 800 GB is as quick as one of 8 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

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
PACKED = {"I32": 32, "U8": 8, "I8": 8}
"""Containers that may hold several weights, and their bits."""
HEADER_LIMIT = 512 * 1024 * 1024


class CheckpointInventory(msgspec.Struct, frozen=True, kw_only=True):
    """The types of a checkpoint's weights."""

    layer_types: dict[str, str]
    """Weight matrix -> type; a packed one has the type that the declared bits give it."""
    quantization: dict[str, Any] | None
    """``quantization_config`` of its config.json, None if it declares none."""


def read_inventory(checkpoint: Path) -> CheckpointInventory:
    """
    Return the types of every tensor of two or more dimensions.

    EngineError if the folder has no weights or a header can't be read.
    """
    quantization = _declared(checkpoint)
    bits = declared_bits(quantization)
    types: dict[str, str] = {}
    for path in sorted(checkpoint.glob("*.safetensors")):
        for name, dtype, shape in read_header(path):
            if len(shape) < 2 or name.endswith(("_scale", ".scales", "zeros", "_zero_point")):
                continue
            word = WORDS.get(dtype, f"unknown ({dtype})")
            types[name] = f"int{bits}" if bits and dtype in PACKED else word
    if not types:
        raise EngineError(
            "no weights here",
            where=checkpoint,
            wanted="*.safetensors with at least one matrix",
        )
    return CheckpointInventory(layer_types=types, quantization=quantization)


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


def declared_bits(quantization: dict[str, Any] | None) -> int | None:
    """Return the bits per weight that a quantization config declares, None if not one number."""
    if not quantization:
        return None
    groups = quantization.get("config_groups")
    if isinstance(groups, dict):  # compressed-tensors
        found = {group.get("weights", {}).get("num_bits") for group in groups.values()}
    else:  # GPTQ, AWQ
        found = {quantization.get("bits") or quantization.get("w_bit")}
    bits = found.pop() if len(found) == 1 else None
    return bits if isinstance(bits, int) else None


def _declared(checkpoint: Path) -> dict[str, Any] | None:
    try:
        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise EngineError(
            "the checkpoint's config.json can't be read",
            where=checkpoint,
            got=f"{type(problem).__name__}: {problem}",
        ) from problem
    found = config.get("quantization_config")
    return found if isinstance(found, dict) else None
