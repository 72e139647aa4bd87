"""
The least that starts the double: an engine of its own, until the suite's is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pytest_ernie.engines.dialects import FASTDEPLOY
from pytest_ernie.engines.ports import TakePorts, free_ports
from pytest_ernie.engines.protocol import UNKNOWN, Launch
from pytest_ernie.engines.started import HowToStart, StartedServer, start_until_ready
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.toolchain import Toolchain


class DoubleFastDeploy:
    """Starts the double."""

    name = "fastdeploy-double"
    dialect = FASTDEPLOY

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
        assert toolchain is not None
        logs = workdir / "log"
        how = HowToStart(
            title="FastDeploy",
            port_count=5,
            timeout_s=20,
            quiet_s=3,
            worker="worker_process.py",
            worker_gone_s=2,
            logs=lambda folder: (folder / "log").glob("worker*"),
        )
        server = start_until_ready(
            how,
            command=lambda ports: (
                *(toolchain.python, "-m", "fastdeploy.entrypoints.openai.api_server"),
                *("--model", launch.checkpoint, "--served-model-name", launch.model),
                *("--host", "127.0.0.1", "--port", str(ports.api)),
                *("--engine-worker-queue-port", str(ports.others[0])),
                *("--cache-queue-port", str(ports.others[1])),
                *("--metrics-port", str(ports.others[2]), "--pd-comm-port", str(ports.others[3])),
                *("--max-model-len", str(launch.window), "--quantization", launch.datatype),
                *launch.extra,
            ),
            env={"PATH": os.environ["PATH"], "FD_LOG_DIR": str(logs), **toolchain.env},
            api_key=None,
            model=launch.model,
            dialect=FASTDEPLOY,
            workdir=workdir,
            progress=progress,
            take_ports=take_ports,
        )
        server.facts = msgspec.structs.replace(
            UNKNOWN,
            engine_version="2.3.0",
            window=launch.window,
            layer_types={"layers.0.q.weight": "int4"},
            activation="bfloat16",
        )
        return server
