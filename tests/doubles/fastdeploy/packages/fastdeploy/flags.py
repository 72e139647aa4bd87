"""
FastDeploy's command line, by version: from its args_utils.py and api_server.py of 2025-07 to 2026-08.

As with FastDeploy a prefix of a flag will do, any word is a quantization, YAML keys that nobody knows
are dropped without a word.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

Version = tuple[int, ...]

INTEGERS: dict[str, int | None] = {
    "port": 8000,
    "workers": None,
    "controller-port": -1,
    "max-waiting-time": -1,
    "max-concurrency": 512,
    "timeout-graceful-shutdown": 0,
    "max-model-len": 2048,
    "block-size": 64,
    "use-warmup": 0,
    "tensor-parallel-size": 1,
    "data-parallel-size": 1,
    "local-data-parallel-id": 0,
    "max-num-seqs": 8,
    "num-gpu-blocks-override": None,
    "max-num-batched-tokens": None,
    "max-num-partial-prefills": 1,
    "max-long-partial-prefills": 1,
    "long-prefill-token-threshold": 0,
    "prealloc-dec-block-slot-num-threshold": 12,
    "static-decode-blocks": 2,
}
FLOATS = {"gpu-memory-utilization": 0.9, "kv-cache-ratio": 0.75, "swap-space": None}
WORDS = {
    "host": "0.0.0.0",
    "model": "baidu/ernie-45-turbo",
    "model-config-name": "config.json",
    "tokenizer": None,
    "quantization": None,
    "reasoning-parser": None,
    "chat-template": None,
    "tool-call-parser": None,
    "guided-decoding-backend": "off",
    "splitwise-role": "mixed",
    "cache-transfer-protocol": "ipc",
    "scheduler-name": "local",
    "config": None,
}
PORT_LISTS = ("engine-worker-queue-port", "cache-queue-port", "pd-comm-port", "rdma-comm-ports")
JSONS = (
    "limit-mm-per-prompt",
    "mm-processor-kwargs",
    "speculative-config",
    "early-stop-config",
    "graph-optimization-config",
)
SWITCHES = (
    "enable-mm",
    "dynamic-load-weight",
    "enable-logprob",
    "enable-expert-parallel",
    "enable-chunked-prefill",
    "disable-chunked-mm-input",
    "enable-early-stop",
    "enable-mm-output",
)
SINCE: dict[str, Version] = {
    "graph-optimization-config": (2, 1),
    "ips": (2, 1),
    "served-model-name": (2, 2),
    "disable-custom-all-reduce": (2, 2),
    "revision": (2, 2),
    "load-choices": (2, 3),
    "api-key": (2, 3),
}
UNTIL: dict[str, Version] = {
    "pod-ips": (2, 1),
    "enable-static-graph-inference": (2, 1),
    "enable-custom-all-reduce": (2, 2),
    "load_choices": (2, 3),
    "use-cudagraph": (2, 3),
    "innode-prefill-ports": (2, 3),
}
"""First version without the flag."""
PORTS_ARE_CHOSEN: Version = (2, 4)
"""From this version on ports that aren't given are found; before they were 8002 and 8003."""
QUANTIZATION_BY_PARTS: Version = (2, 4)
"""From this version on --quantization takes JSON; before, it would be a name that nobody knows."""
METHODS = (
    "wint2",
    "wint4",
    "wint8",
    "weight_only",
    "block_wise_fp8",
    "w4afp8",
    "w8a8",
    "w4a8",
    "wfp8afp8",
    "mix_quant",
    "tensor_wise_fp8",
    "kvcache",
)


def parser(version: Version) -> argparse.ArgumentParser:
    """Return the parser of that version."""
    made = argparse.ArgumentParser()
    for name, number in INTEGERS.items():
        names = (
            ["--tensor-parallel-size", "-tp"] if name == "tensor-parallel-size" else [f"--{name}"]
        )
        made.add_argument(*names, type=int, default=number)
    for name, share in FLOATS.items():
        made.add_argument(f"--{name}", type=float, default=share)
    for name, word in WORDS.items():
        made.add_argument(f"--{name}", default=word)
    for name in PORT_LISTS:
        made.add_argument(f"--{name}", type=lambda text: text.split(",") if text else None)
    for name in JSONS:
        if SINCE.get(name, ()) <= version:
            made.add_argument(f"--{name}", type=json.loads)
    for name in SWITCHES:
        made.add_argument(f"--{name}", action="store_true")
    metrics = None if version >= PORTS_ARE_CHOSEN else 8001
    made.add_argument("--metrics-port", type=int, default=metrics)
    caching: dict[str, Any] = {"action": "store_true"}
    if version >= (2, 3):
        caching = {"action": argparse.BooleanOptionalAction, "default": True}
    made.add_argument("--enable-prefix-caching", **caching)
    for name, first in SINCE.items():
        if version >= first and name not in JSONS:
            switch = {"action": "store_true"} if name.startswith("disable") else {}
            made.add_argument(f"--{name}", **switch)  # type: ignore[arg-type] # one or the other
    for name, end in UNTIL.items():
        if version < end:
            switch = {"action": "store_true"} if name.startswith(("enable", "use")) else {}
            made.add_argument(f"--{name}", **switch)  # type: ignore[arg-type] # one or the other
    return made


def parse(version: Version, arguments: list[str]) -> argparse.Namespace:
    """Return what a command line says; what a YAML file says holds where the line says nothing."""
    made = parser(version)
    args = made.parse_args(arguments)
    if args.config and os.path.exists(args.config):
        with open(args.config, encoding="utf-8") as lines:
            pairs = [line.strip().partition(":") for line in lines]
        known = {action.dest: action for action in made._actions}
        for key, _, value in pairs:
            action = known.get(key)
            if action is not None and getattr(args, key) == action.default:
                setattr(args, key, (action.type or str)(value.strip()))  # type: ignore[operator]
    for name in ("served_model_name", "api_key", "graph_optimization_config"):
        if not hasattr(args, name):
            setattr(args, name, None)
    return args
