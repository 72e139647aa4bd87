"""
vLLM, started from its own interpreter: on a CPU as the rehearsal's engine, elsewhere as vendors do.

    address     127.0.0.1 and a free port; a random key, so that no other server can be taken for it
    proof       each worker is asked over HTTP what its weights are: see ``inside``
    end         under a keeper that leaves no process behind
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_ernie.engines.checkpoint import checkpoint_config
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.lifecycle.started import HowToStart, StartedServer, start_until_ready
from pytest_ernie.engines.lifecycle.variables import PASSED_ON, cpu_threads, passed_on
from pytest_ernie.engines.ports import Ports, TakePorts, free_ports
from pytest_ernie.engines.protocol import Launch, Preview
from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain

from . import facts, recipes

INSIDE = Path(__file__).parents[1] / "inside"
EXTENSION = "ernie_inside_vllm.Inside"
START_TIMEOUT_S = 1800.0
"""Loading hundreds of gigabytes takes its time; a dead process is seen at once."""
WORKER = r"VLLM::"
"""What it calls its engine and its workers, once they run."""
COUNTER = "vllm:generation_tokens_total"
KV_CACHE_GIB = "1"
MILESTONES = (
    ("Starting vLLM server", "open the port"),
    ("init engine", "engine ready"),
    ("KV cache size", "KV cache made"),
    ("Loading weights took", "weights loaded"),
    ("Loading safetensors", "load weights"),
    ("Initializing a V1 LLM engine", "start the engine"),
    ("Resolved architecture", "read the checkpoint"),
    ("version ", "import"),
)
"""What a line in the log means for whoever waits, latest first."""


class Vllm:
    """Starts vLLM's OpenAI server with the toolchain's interpreter."""

    name = "vllm"
    dialect = VLLM
    suffix = "-PT"

    def __init__(self, start_timeout_s: float = START_TIMEOUT_S) -> None:
        self._how = HowToStart(
            title="vLLM",
            milestones=MILESTONES,
            worker=WORKER,
            timeout_s=start_timeout_s,
            counter=COUNTER,
        )
        # One key for all servers of a run: replicas are asked by one client.
        self._key = secrets.token_urlsafe(16)

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
        """Return what ``start`` would run."""
        chosen = toolchain or Toolchain(name="vllm", python="python", digest="")
        here = (Path(launch.checkpoint) / "config.json").is_file()
        config = checkpoint_config(launch.checkpoint) if here else {}
        env = environment(chosen, device_env, on_cpu=not cards)
        shown = {name: value for name, value in env.items() if name not in PASSED_ON}
        return Preview(
            command=command_line(launch, config, chosen.python, ports.api, on_cpu=not cards),
            environment={**shown, "VLLM_API_KEY": "(set)"},
            version=launch.version or "of whatever version",
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
                "vLLM needs a toolchain", fix="Provision server-cpu, or name the site's interpreter"
            )
        config = checkpoint_config(launch.checkpoint)
        key = self._key
        env = environment(toolchain, device_env, on_cpu=not cards)
        server = start_until_ready(
            self._how,
            command=lambda ports: command_line(
                launch, config, toolchain.python, ports.api, on_cpu=not cards
            ),
            env={**env, "VLLM_API_KEY": key},
            api_key=key,
            model=launch.model,
            dialect=self.dialect,
            workdir=workdir,
            progress=progress,
            take_ports=take_ports,
        )
        try:
            server.facts = facts.collect(
                base_url=server.base_url,
                api_key=key,
                model=server.model,
                command=server.command,
                environment={**env, "VLLM_API_KEY": "(set)"},
                log=server.logs.text(server.logs.main),
            )
        except BaseException:
            server.stop()
            raise
        return server


def command_line(
    launch: Launch, config: dict[str, Any], python: str, port: int, *, on_cpu: bool
) -> tuple[str, ...]:
    """Return the whole launch line; the launch's ``extra`` come last, so that they win."""
    return (
        *(python, "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", launch.checkpoint, "--served-model-name", launch.model),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--max-model-len", str(launch.window), "--max-num-seqs", str(launch.max_num_seqs)),
        *("--tensor-parallel-size", str(launch.tensor_parallel)),
        *recipes.arguments(launch.datatype, config, launch.extra),
        *("--worker-extension-cls", EXTENSION),
        # On a CPU one process fewer starts 9 s sooner, and nothing is worth compiling.
        *(("--enforce-eager", "--distributed-executor-backend", "uni") if on_cpu else ()),
        *launch.extra,
    )


def environment(
    toolchain: Toolchain, device_env: Mapping[str, str], *, on_cpu: bool
) -> dict[str, str]:
    """
    Return everything that the server finds in its environment, apart from its key.

    A later group wins: what is passed on, ours, the CPU's, the toolchain's, the device's.
    """
    ours = {
        "PYTHONPATH": str(INSIDE),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        # Development endpoints, on 127.0.0.1 only: without them the workers can't be asked.
        "VLLM_SERVER_DEV_MODE": "1",
    }
    cpu = {
        "VLLM_CPU_KVCACHE_SPACE": KV_CACHE_GIB,
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "OMP_NUM_THREADS": str(cpu_threads()),
    }
    return {**passed_on(), **ours, **(cpu if on_cpu else {}), **toolchain.env, **device_env}
