"""
What a server on PyTorch shows of its layers from the inside: each one's weights and activations.

``inside/`` holds what looks at them: in vLLM's workers, and in ``transformers serve``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

SHOWN_OPERATIONS = 24


def merge(workers: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """
    Return layer name -> its description over all workers.

    Tensor-parallel workers hold parts of the same layers; where they disagree both types are named.
    """
    layers: dict[str, dict[str, Any]] = {}
    for worker in workers:
        for layer in worker["layers"]:
            known = layers.setdefault(layer["name"], dict(layer))
            for key in ("weight", "activation"):
                if layer.get(key) != known.get(key):
                    known[key] = f"{known.get(key)} and {layer.get(key)}"
    return layers


def layer_types(layers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return weight name -> type, for every matrix of the model."""
    return {f"{name}.weight": layer["weight"] for name, layer in layers.items()}


def activation(layers: dict[str, dict[str, Any]]) -> str | None:
    """
    Return the type of the activations of the quantized layers (of all, if none is quantized).

    None if a layer couldn't be watched; several types are all named.
    """
    watched = [
        layer for layer in layers.values() if "activation" in layer or "probe_error" in layer
    ]
    quantized = [layer for layer in watched if layer["weight"].startswith("int")]
    kinds = {layer.get("activation") for layer in quantized or watched}
    if not kinds or None in kinds:
        return None
    return " and ".join(sorted(str(kind) for kind in kinds))


def reported(inventory: dict[str, Any]) -> str | None:
    """
    Name the data type by the quantization settings that the running engine holds.

    In the standard's word where it has one (``wint8``), else as the engine names it; None if the
    engine said nothing.
    """
    if not inventory:
        return None
    quantization, config = inventory.get("quantization"), inventory.get("config") or ""
    if quantization is None:
        return "bf16" if inventory.get("dtype") == "bfloat16" else str(inventory.get("dtype"))
    kinds = re.findall(r"(\w+)Config\(", config.replace("TorchAOConfig(", ""))
    kind = kinds[0] if kinds else ""
    four = "int4" in config or kind.startswith("Int4")
    if re.match(r"Int8DynamicActivationInt(x|4)Weight$", kind):
        return "w4a8" if four else "w8a8"
    if kind in ("Int8WeightOnly", "IntxWeightOnly", "Int4WeightOnly"):
        return "wint4" if four else "wint8"
    return f"{quantization} {kind}".strip()


def layer_lines(layers: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """
    Return one line for each kind of layer: what is stored, and the operations of one probe.

    Layers that differ in their number only share a line.
    """
    kinds: dict[str, list[str]] = {}
    for name, layer in layers.items():
        stored = ", ".join(
            f"{leaf} {word} {shape}" for leaf, (word, shape) in layer["stored"].items()
        )
        steps = [
            f"{operation}({_words(inputs)}) -> {_words(outputs)}"
            for operation, inputs, outputs in layer.get("operations", [])
        ]
        line = f"{layer['kind']} by {layer['method']}: weight {layer['weight']} stored as {stored}"
        if "activation" in layer:
            line += f"; activation {layer['activation']} by {'; '.join(steps[:SHOWN_OPERATIONS])}"
        if "probe_error" in layer:
            line += f"; not probed: {layer['probe_error']}"
        kinds.setdefault(line, []).append(name)
    return tuple(f"{names[0]} (x{len(names)}): {line}" for line, names in kinds.items())


def _words(tensors: list[tuple[str, int]]) -> str:
    return ", ".join(word for word, _ in tensors)
