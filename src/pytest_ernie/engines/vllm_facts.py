"""
What a running vLLM tells about itself: version, window, and each layer's types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pytest_ernie.errors import EngineError

from . import ready, vllm_recipes
from .protocol import ServedFacts

ASK_TIMEOUT_S = 120.0
EVIDENCE = re.compile(
    r"non-default args|Initializing a V1 LLM engine|[Qq]uantiz|Using .{0,40}Kernel|Downcasting"
    r"|Injected .* for extended|Using max model len"
)
EVIDENCE_LINES = 24
LINE_CHARACTERS = 1500
SHOWN_OPERATIONS = 24
KEY = re.compile(r"('api_key': )\[[^\]]*\]")


def collect(
    *,
    base_url: str,
    api_key: str | None,
    model: str,
    command: tuple[str, ...],
    environment: dict[str, str],
    log: str,
) -> ServedFacts:
    """Ask the server and its workers; EngineError if they don't answer."""
    workers = ask_workers(base_url)
    merged = merge(workers)
    return ServedFacts(
        engine_version=str(_get(base_url, "/version").get("version", "")),
        command=command,
        environment=environment,
        window=ready.listed_window(ready.listed_models(base_url, api_key), model),
        datatype_reported=vllm_recipes.reported(workers[0]) if workers else None,
        layer_types=layer_types(merged),
        activation=activation(merged),
        log_evidence=(*log_lines(log), *layer_lines(merged)),
    )


def ask_workers(base_url: str) -> list[dict[str, Any]]:
    """Return each worker's inventory: what ``ernie_inside_vllm`` found in its model."""
    import httpx

    root = base_url.removesuffix("/v1")
    try:
        answer = httpx.post(
            f"{root}/collective_rpc",
            json={"method": "ernie_inventory", "timeout": ASK_TIMEOUT_S},
            timeout=ASK_TIMEOUT_S,
            trust_env=False,
        )
        results = answer.raise_for_status().json()["results"]
        return [json.loads(result) for result in results]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as problem:
        raise EngineError(
            "vLLM's workers don't tell what their weights are",
            where=base_url,
            got=f"{type(problem).__name__}: {problem}",
            fix="This vLLM may lack worker extensions or /collective_rpc; use an --endpoint",
        ) from problem


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


def log_lines(log: str) -> tuple[str, ...]:
    """Return the log's lines that tell how the engine was configured, without its key."""
    telling = [line.strip() for line in log.splitlines() if EVIDENCE.search(line)]
    shown = [KEY.sub(r"\1'(set)'", line)[:LINE_CHARACTERS] for line in telling]
    return tuple(dict.fromkeys(shown))[:EVIDENCE_LINES]


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


def _get(base_url: str, path: str) -> dict[str, Any]:
    import httpx

    try:
        answer = httpx.get(
            base_url.removesuffix("/v1") + path, timeout=ready.LIST_TIMEOUT_S, trust_env=False
        )
        found = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
