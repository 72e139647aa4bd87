"""
``transformers serve``, started from its own interpreter: the engine that needs nothing else built.

    name        it serves a model under the name that its cache knows it by, so each server gets a
                cache of its own, in which the checkpoint's files are linked under MODEL
    key         it has none: that our process owns the port is what tells it apart
    window      not enforced, and reported by nobody
    data types  bf16; any other only if the checkpoint declares its quantization, or the site's
                arguments bring ``--quantization``
    proof       the loaded model's own tensors, layer by layer: see ``inside``
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain

from .checkpoint import checkpoint_config
from .dialects import TRANSFORMERS
from .layers import activation, layer_lines, layer_types, merge, reported
from .lifecycle.started import HowToStart, StartedServer, start_until_ready
from .lifecycle.variables import cpu_threads, passed_on
from .ports import TakePorts, free_ports
from .protocol import UNKNOWN, Launch, ServedFacts

INSIDE = Path(__file__).with_name("inside")
SERVE = "ernie_serve_transformers"
CPU_MEMORY_SHARE = 0.1
"""Of the host's free memory for the cache: left to itself it takes nearly all, and others are killed."""
OWNER = "site"
"""In the name under which a model is served: the cache knows models as OWNER/NAME."""
MILESTONES = (
    ("Uvicorn running", "open the port"),
    ("Application startup complete", "engine ready"),
    ("Waiting for application startup", "weights loaded"),
    ("Loading weights", "load weights"),
    ("", "import"),
)
VERSION = "import importlib.metadata as m; print(m.version('transformers'))"
VERSION_TIMEOUT_S = 60.0
EVIDENCE = ("dtype", "quantiz", "continuous", "Continuous", "attention")
EVIDENCE_LINES = 24


class Transformers:
    """Starts ``transformers serve`` with the toolchain's interpreter."""

    name = "transformers"
    dialect = TRANSFORMERS

    def __init__(self, start_timeout_s: float = 1800.0) -> None:
        self._how = HowToStart(
            title="transformers", milestones=MILESTONES, timeout_s=start_timeout_s
        )

    def start(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None,
        workdir: Path,
        cards: tuple[str, ...],
        device_env: Mapping[str, str],
        progress: Progress = silent,
        take_ports: TakePorts = free_ports,
    ) -> StartedServer:
        """Return a ready server; see ``Engine.start``."""
        if toolchain is None:
            raise EngineError(
                "transformers needs a toolchain", fix="Name an interpreter in the site file"
            )
        require_servable(launch)
        cache = workdir / "models"
        name = link_checkpoint(Path(launch.checkpoint), launch.model, cache)
        inventory = workdir / "inventory.json"
        env = environment(toolchain, device_env, cache, inventory, on_cpu=not cards)
        server = start_until_ready(
            self._how,
            command=lambda ports: command_line(
                launch, name, toolchain.python, ports.api, on_cpu=not cards
            ),
            env=env,
            api_key=None,
            model=name,
            dialect=self.dialect,
            workdir=workdir,
            progress=progress,
            take_ports=take_ports,
        )
        try:
            server.facts = _facts(server, toolchain.python, env, inventory)
        except BaseException:
            server.stop()
            raise
        return server


def require_servable(launch: Launch) -> None:
    """EngineError unless the data type is one that transformers can be told, or is told already."""
    declared = checkpoint_config(launch.checkpoint).get("quantization_config")
    if launch.datatype == "bf16" or declared or "--quantization" in launch.extra:
        return
    raise EngineError(
        "transformers has no recipe for this data type",
        got=launch.datatype,
        wanted="bf16, or a checkpoint whose config.json declares its quantization_config",
        fix="Give the site a quantized checkpoint or --quantization among the engine's arguments, "
        "or use another engine",
    )


def link_checkpoint(checkpoint: Path, model: str, cache: Path) -> str:
    """
    Make a model cache in which the checkpoint is found offline; return its name there.

    Nothing is copied: the files are linked. The layout is that of huggingface_hub's cache.
    """
    revision = hashlib.sha1(model.encode(), usedforsecurity=False).hexdigest()
    folder = cache / "hub" / f"models--{OWNER}--{model}"
    snapshot = folder / "snapshots" / revision
    snapshot.mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(revision, encoding="ascii")
    for path in checkpoint.resolve().rglob("*"):
        if path.is_file():
            link = snapshot / path.relative_to(checkpoint.resolve())
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(path)
    return f"{OWNER}/{model}"


def command_line(
    launch: Launch, name: str, python: str, port: int, *, on_cpu: bool
) -> tuple[str, ...]:
    """Return the whole launch line; the launch's ``extra`` come last, so that they win."""
    share = launch.memory_share or (CPU_MEMORY_SHARE if on_cpu else None)
    return (
        *(python, "-m", SERVE, "serve", name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--device", "cpu" if on_cpu else "auto"),
        *("--dtype", "bfloat16" if launch.datatype == "bf16" else "auto"),
        *("--continuous-batching", "--log-level", "info"),
        *(() if share is None else ("--cb-max-memory-percent", f"{share:g}")),
        *launch.extra,
    )


def environment(
    toolchain: Toolchain,
    device_env: Mapping[str, str],
    cache: Path,
    inventory: Path,
    *,
    on_cpu: bool,
) -> dict[str, str]:
    """Return everything that the server finds in its environment; a later group wins."""
    ours = {
        "HF_HOME": str(cache),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(INSIDE),
        "ERNIE_INVENTORY": str(inventory),
    }
    cpu = {"OMP_NUM_THREADS": str(cpu_threads())} if on_cpu else {}
    return {**passed_on(), **ours, **cpu, **toolchain.env, **device_env}


def _facts(server: StartedServer, python: str, env: dict[str, str], inventory: Path) -> ServedFacts:
    log = server.logs.text(server.logs.main)
    telling = [line.strip() for line in log.splitlines() if any(sign in line for sign in EVIDENCE)]
    found = read_inventory(inventory)
    layers = merge([found] if found else [])
    return msgspec.structs.replace(
        UNKNOWN,
        engine_version=_version(python, env),
        command=server.command,
        environment=env,
        datatype_reported=reported(found),
        layer_types=layer_types(layers),
        activation=activation(layers),
        log_evidence=(*tuple(dict.fromkeys(telling))[:EVIDENCE_LINES], *layer_lines(layers)),
    )


def read_inventory(path: Path) -> dict[str, Any]:
    """Return what the loaded model said of itself; empty if it said nothing, which proves nothing."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _version(python: str, env: dict[str, str]) -> str:
    try:
        answer = subprocess.run(
            [python, "-c", VERSION],
            env=env,
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
