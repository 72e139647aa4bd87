"""
What a running vLLM tells about itself: version, window, and each layer's types.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pytest_ernie.engines.asking import ready
from pytest_ernie.engines.layers import activation, layer_lines, layer_types, merge, reported
from pytest_ernie.engines.protocol import ServedFacts
from pytest_ernie.errors import EngineError

ASK_TIMEOUT_S = 120.0
EVIDENCE = re.compile(
    r"non-default args|Initializing a V1 LLM engine|[Qq]uantiz|Using .{0,40}Kernel|Downcasting"
    r"|Injected .* for extended|Using max model len"
)
EVIDENCE_LINES = 24
LINE_CHARACTERS = 1500
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
        datatype_reported=reported(workers[0]) if workers else None,
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


def log_lines(log: str) -> tuple[str, ...]:
    """Return the log's lines that tell how the engine was configured, without its key."""
    telling = [line.strip() for line in log.splitlines() if EVIDENCE.search(line)]
    shown = [KEY.sub(r"\1'(set)'", line)[:LINE_CHARACTERS] for line in telling]
    return tuple(dict.fromkeys(shown))[:EVIDENCE_LINES]


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
