"""
vLLM, started from its own interpreter: on a CPU as the rehearsal's engine, elsewhere as vendors do.

    address     127.0.0.1 and a free port; a random key, so that no other server can be taken for it
    proof       each worker is asked over HTTP what its weights are: see ``inside``
    end         under a keeper that leaves no process behind
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_ernie.errors import EngineError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.process import Running, start
from pytest_ernie.toolchains.toolchain import Toolchain

from . import failure, ready, vllm_facts, vllm_recipes
from .dialects import VLLM
from .protocol import Launch, ServedFacts

INSIDE = Path(__file__).with_name("inside")
EXTENSION = "ernie_inside_vllm.Inside"
STAGE = "start vllm"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD")
"""Variables of ours that a server gets: enough to run, few enough to record."""
START_TIMEOUT_S = 1800.0
"""Loading hundreds of gigabytes takes its time; a dead process is seen at once."""
ATTEMPTS = 3
"""Starts, when somebody else takes the free port first."""
POLL_S = 0.25
POLL_TIMEOUT_S = 2.0
GRACE_S = 20.0
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


class VllmServer:
    """A running vLLM."""

    def __init__(self, process: Running, port: int, model: str, api_key: str) -> None:
        self._process = process
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.model = model
        self.api_key: str | None = api_key
        self.log: Path | None = process.log
        self.dialect = VLLM
        self.facts = vllm_facts.UNKNOWN

    def alive(self) -> bool:
        """Return whether the process lives and answers."""
        if self._process.poll() is not None:
            return False
        try:
            ready.listed_models(self.base_url, self.api_key)
        except EngineError:
            return False
        return True

    def stop(self) -> None:
        """End the server and all its workers."""
        self._process.stop(GRACE_S)


class Vllm:
    """Starts vLLM's OpenAI server with the toolchain's interpreter."""

    name = "vllm"
    dialect = VLLM

    def __init__(self, start_timeout_s: float = START_TIMEOUT_S) -> None:
        self._start_timeout_s = start_timeout_s

    def start(
        self,
        launch: Launch,
        *,
        toolchain: Toolchain | None,
        workdir: Path,
        cards: tuple[str, ...],
        device_env: Mapping[str, str],
        progress: Progress = silent,
    ) -> VllmServer:
        """Return a ready server; see ``Engine.start``."""
        if toolchain is None:
            raise EngineError(
                "vLLM needs a toolchain", fix="Provision server-cpu, or name the site's interpreter"
            )
        config = _checkpoint_config(launch.checkpoint)
        workdir.mkdir(parents=True, exist_ok=True)
        key = secrets.token_urlsafe(16)
        env = environment(toolchain, device_env, on_cpu=not cards)
        for attempt in range(1, ATTEMPTS + 1):
            port = free_port()
            command = command_line(launch, config, toolchain.python, port, on_cpu=not cards)
            log = workdir / f"server-{attempt}.log"
            process = start(command, env={**env, "VLLM_API_KEY": key}, cwd=workdir, log=log)
            server = VllmServer(process, port, launch.model, key)
            try:
                self._wait_until_ready(server, process, progress)
                server.facts = _facts(server, process, command, env)
                return server
            except _PortTaken:
                process.stop(0)
            except BaseException:
                process.stop(GRACE_S)
                raise
        raise EngineError(
            "vLLM found its port taken each time it started",
            where=workdir,
            got=f"{ATTEMPTS} attempts",
            fix="Look for what opens ports on this machine",
        )

    def _wait_until_ready(self, server: VllmServer, process: Running, progress: Progress) -> None:
        began = time.monotonic()
        while True:
            code = process.poll()
            log = process.log.read_text(encoding="utf-8", errors="replace")
            if code is not None:
                raise _died(process, log, code)
            waited = time.monotonic() - began
            if waited > self._start_timeout_s:
                raise EngineError(
                    "vLLM didn't get ready in time",
                    where=process.log,
                    got=f"{waited:.0f} s; {failure.cause(log, None)}",
                    fix="The log's end tells how far it came",
                )
            progress(STAGE, done=waited, detail=_milestone(log))
            try:
                models = ready.listed_models(server.base_url, server.api_key, POLL_TIMEOUT_S)
                break
            except EngineError:
                time.sleep(POLL_S)
        ready.require_listed(models, server.model, server.base_url)
        progress(STAGE, done=waited, detail="first answer")
        try:
            ready.first_answer(server.base_url, server.model, server.api_key, server.dialect)
        except EngineError:
            if (code := process.wait(1.0)) is not None:
                raise _died(process, process.output_tail(400), code) from None
            raise
        progress(STAGE, done=waited, total=waited, detail="ready")


class _PortTaken(Exception):
    """Somebody else got the port between our choice and the server's bind."""


def _died(process: Running, log: str, code: int) -> Exception:
    if failure.port_taken(log):
        return _PortTaken()
    return EngineError(
        f"vLLM died while starting: {failure.cause(log, code)}",
        where=process.log,
        fix="The log has the traceback",
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        *vllm_recipes.arguments(launch.datatype, config),
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
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
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
        "OMP_NUM_THREADS": str(cpu_threads(len(os.sched_getaffinity(0)))),
    }
    return {**passed, **ours, **(cpu if on_cpu else {}), **toolchain.env, **device_env}


def cpu_threads(cores: int) -> int:
    """
    Return how many threads the engine computes with: half of the cores, at most eight.

    Threads that spin for a core that something else holds are worse than none: on a busy machine
    of two cores, two threads were 15 times slower than one.
    """
    return max(1, min(cores // 2, 8))


def _checkpoint_config(checkpoint: str) -> dict[str, Any]:
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


def _facts(
    server: VllmServer, process: Running, command: tuple[str, ...], env: dict[str, str]
) -> ServedFacts:
    return vllm_facts.collect(
        base_url=server.base_url,
        api_key=server.api_key,
        model=server.model,
        command=command,
        environment={**env, "VLLM_API_KEY": "(set)"},
        log=process.log.read_text(encoding="utf-8", errors="replace"),
    )


def _milestone(log: str) -> str:
    return next((meaning for sign, meaning in MILESTONES if sign in log), "import")
