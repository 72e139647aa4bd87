"""
FastDeploy, started from its own interpreter: what ERNIE 4.5 is certified with on accelerators.

    launch line   the published configuration or what is derived from it (``recipes``), in the words
                  of the installed release (``flags``); no YAML, whose keys it drops silently
    address       127.0.0.1, every port of one block; a key of this run
    logs          FD_LOG_DIR in the server's own working folder, workers' logs included
    proof         what its log and the checkpoint's headers show: see ``facts``

The server leaves with 0 when its engine fails, so an exit code means nothing here. ``fastdeploy serve``
isn't used: it hides the exit, and its stop doesn't wait.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.engines.checkpoint import checkpoint_config
from pytest_ernie.engines.dialects import FASTDEPLOY
from pytest_ernie.engines.lifecycle.started import HowToStart, StartedServer, start_until_ready
from pytest_ernie.engines.lifecycle.variables import PASSED_ON, passed_on
from pytest_ernie.engines.ports import Ports, TakePorts, free_ports
from pytest_ernie.engines.protocol import Launch, Preview
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain

from . import facts, recipes
from .flags import Value, render
from .installed import Installed, assumed, installed

MODULE = "fastdeploy.entrypoints.openai.api_server"
INSIDE = Path(__file__).with_name("inside")
"""On PYTHONPATH of a server whose workers are looked into."""
LOGS = "log"
"""Folder of FD_LOG_DIR, in the server's working folder."""
START_TIMEOUT_S = 5400.0
"""The 300B is 600 GB to be read and quantized; what stops moving is seen long before."""
WORKER = r"^(?!.*distributed\.launch).*worker_process\.py"
"""A worker's command line; its launcher's names the same script."""
COUNTER = "fastdeploy:generation_tokens_total"
OWN_PORTS = 5
"""API, metrics, worker queue, cache queue, and prefill's queue; RDMA adds one for each card."""
METRICS_ON_API_PORT = (2, 4)
"""The release from which /metrics is on the main port, unless another is named."""
MAX_CONCURRENCY = 4096
"""More than any load that is tried: FastDeploy's own limit of 512 would refuse (429) what it can do."""
MILESTONES = (
    ("Application startup complete", "open the port"),
    ("gpu blocks", "KV cache made"),
    ("Worker processes are launched", "engine ready"),
    ("Loading Layers", "quantize the weights"),
    ("Loading Weights", "load weights"),
    ("Waiting for worker processes", "start the workers"),
    ("", "import"),
)
"""What a line in the log means for whoever waits, latest first."""


class FastDeploy:
    """Starts FastDeploy's OpenAI server with the toolchain's interpreter."""

    name = "fastdeploy"
    dialect = FASTDEPLOY
    suffix = "-Paddle"

    def __init__(self, start_timeout_s: float = START_TIMEOUT_S) -> None:
        self._how = HowToStart(
            title="FastDeploy",
            milestones=MILESTONES,
            timeout_s=start_timeout_s,
            worker=WORKER,
            counter=COUNTER,
            logs=further_logs,
        )
        # One key for all servers of a run: replicas are asked by one client.
        self._key = secrets.token_urlsafe(16)

    def configuration(
        self, model: str, device: str, datatype: str, window: int
    ) -> recipes.Configuration:
        """Return the published or derived configuration; see ``recipes.find``."""
        return recipes.find(model, device, datatype, window)

    def preview(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None,
        workdir: Path,
        cards: tuple[str, ...],
        device_env: Mapping[str, str],
        ports: Ports,
    ) -> Preview:
        """Return what ``start`` would run; of weights that aren't here the names tell the format."""
        release = installed(toolchain, launch.version) if toolchain else assumed(launch.version)
        here = (Path(launch.checkpoint) / "config.json").is_file()
        config = checkpoint_config(launch.checkpoint) if here else {}
        python = toolchain.python if toolchain else "python"
        toolchain_env = toolchain.env if toolchain else {}
        env = environment(toolchain_env, device_env, workdir, reveal=launch.reveal)
        shown = {name: value for name, value in env.items() if name not in PASSED_ON}
        return Preview(
            command=command_line(launch, config, python, ports, release),
            environment={**shown, "FD_API_KEY": "(set)"},
            version=release.version,
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
                "FastDeploy needs a toolchain", fix="Name its interpreter: [engine] python"
            )
        config = checkpoint_config(launch.checkpoint)
        require_weights(launch, config)
        release = installed(toolchain, launch.version)
        workdir.mkdir(parents=True, exist_ok=True)
        env = environment(toolchain.env, device_env, workdir, reveal=launch.reveal)
        server = start_until_ready(
            msgspec.structs.replace(self._how, port_count=OWN_PORTS + launch.tensor_parallel),
            command=lambda ports: command_line(launch, config, toolchain.python, ports, release),
            env={**env, "FD_API_KEY": self._key},
            api_key=self._key,
            model=launch.model,
            dialect=self.dialect,
            workdir=workdir,
            progress=progress,
            take_ports=take_ports,
        )
        if release.release < METRICS_ON_API_PORT:
            server.metrics_port = server.ports.others[0]
        try:
            server.facts = facts.collect(
                server,
                launch=launch,
                config=config,
                version=release.version,
                environment={**env, "FD_API_KEY": "(set)"},
            )
        except BaseException:
            server.stop()
            raise
        return server


def further_logs(workdir: Path) -> Iterable[Path]:
    """Return what FastDeploy's processes write beside the server's output, traces included."""
    patterns = ("workerlog.*", "worker_process*", "launch_*.log", "*trace*")
    return [path for pattern in patterns for path in (workdir / LOGS).rglob(pattern)]


def require_weights(launch: Launch, config: Mapping[str, Any]) -> None:
    """EngineError where a data type needs weights of its own and the checkpoint has others."""
    if launch.datatype in (*recipes.ONLINE, "bf16") or config.get("quantization_config"):
        return
    raise EngineError(
        f"FastDeploy makes {launch.datatype} only from weights that are quantized already, and these "
        "aren't",
        where=launch.checkpoint,
        wanted="a config.json with a quantization_config",
        fix=f'Name such a checkpoint: [models."{launch.model}".serving.{launch.datatype}] '
        f"checkpoint = ...; of the 300B baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle is published",
    )


def command_line(
    launch: Launch, config: Mapping[str, Any], python: str, ports: Ports, release: Installed
) -> tuple[str, ...]:
    """
    Return the whole launch line; the launch's ``extra`` come last, so that they win.

    ``config`` is the checkpoint's: its own quantization overrides the flag, so then none is given.
    """
    settings: dict[str, Value] = {
        "model": launch.checkpoint,
        "served-model-name": launch.model,
        "host": "127.0.0.1",
        **_ports(launch, ports, release),
        "tensor-parallel-size": launch.tensor_parallel,
        "max-model-len": launch.window,
        "max-num-seqs": launch.max_num_seqs,
        "max-concurrency": MAX_CONCURRENCY,
        # It would make questions that begin alike look fast, and is off on most chips anyway.
        "enable-prefix-caching": False,
    }
    if launch.memory_share is not None:
        settings["gpu-memory-utilization"] = launch.memory_share
    quantized = bool(config.get("quantization_config"))
    if launch.datatype in recipes.ONLINE and not quantized:
        settings["quantization"] = launch.datatype
    for name, value in launch.flags:
        if name == "quantization" and (quantized or not release.json_quantization):
            continue
        settings[name] = json.loads(value)
    return (
        *(python, "-m", MODULE),
        *render(settings, release.release, release.flags),
        *launch.extra,
    )


def environment(
    toolchain_env: Mapping[str, str],
    device_env: Mapping[str, str],
    workdir: Path,
    *,
    reveal: bool = False,
) -> dict[str, str]:
    """
    Return everything that the server finds in its environment, apart from its key.

    A later group wins: what is passed on, ours, the toolchain's, the device's. ``reveal`` puts a
    look at the weights before whatever PYTHONPATH there is.
    """
    ours = {"FD_LOG_DIR": str(workdir / LOGS), "DO_NOT_TRACK": "1"}
    env = {**passed_on(), **ours, **toolchain_env, **device_env}
    if reveal:
        own = [env["PYTHONPATH"]] if env.get("PYTHONPATH") else []
        env["PYTHONPATH"] = os.pathsep.join([str(INSIDE), *own])
    return env


def _ports(launch: Launch, ports: Ports, release: Installed) -> dict[str, Value]:
    """
    Give each purpose its ports of the block: what isn't given is chosen from what is free just then.

    The numbers must be right: of a list that is too long or short FastDeploy says "Ignore them".
    """
    metrics, queue, cache, prefill = ports.others[: OWN_PORTS - 1]
    rdma = ports.others[OWN_PORTS - 1 :][: launch.tensor_parallel]
    found: dict[str, Value] = {"port": ports.api}
    if release.release < METRICS_ON_API_PORT:
        found["metrics-port"] = metrics
    found["engine-worker-queue-port"] = queue
    found["cache-queue-port"] = cache
    if release.release >= (2, 4):  # before, they are used where prefill runs apart only
        found["pd-comm-port"] = prefill
        found["rdma-comm-ports"] = ",".join(map(str, rdma))
    return found
