"""
Starting vLLM: here its interpreter is a script that serves the double instead.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from doubles import openai_server
from pytest_ernie.engines.lifecycle.started import StartedServer
from pytest_ernie.engines.lifecycle.variables import cpu_threads
from pytest_ernie.engines.ports import Ports, TakePorts, UnleasedPorts, free_ports
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.engines.vllm.engine import Vllm, command_line, environment
from pytest_ernie.errors import EngineError
from pytest_ernie.toolchains.toolchain import Toolchain

INVENTORY = [
    {
        "dtype": "bfloat16",
        "quantization": "torchao",
        "config": "TorchAOConfig(self.torchao_config=Int8WeightOnlyConfig())",
        "layers": [
            {
                "name": "q",
                "kind": "L",
                "method": "M",
                "weight": "int8",
                "stored": {"weight": ["int8", [4, 4]]},
                "activation": "bfloat16",
                "operations": [],
            }
        ],
    }
]


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    """An interpreter that, whatever module it is told to run, serves the double."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {openai_server.__file__} "$@"\n')
    script.chmod(0o755)
    return Toolchain(name="fake", python=str(script), digest="0")


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """A configuration, with a checkpoint of nothing but its config."""
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text('{"max_position_embeddings": 4096}')
    return Launch(
        engine="vllm",
        model="ernie",
        checkpoint=str(checkpoint),
        datatype="wint8",
        window=4096,
        max_num_seqs=8,
    )


def begin(
    toolchain: Toolchain | None,
    launch: Launch,
    folder: Path,
    engine: Vllm | None = None,
    take_ports: TakePorts = free_ports,
    **env: str,
) -> StartedServer:
    """Start a server with these variables."""
    return (engine or Vllm()).start(
        launch,
        toolchain=toolchain,
        workdir=folder / "server",
        cards=(),
        device_env={"FAKE_INVENTORY": json.dumps(INVENTORY), **env},
        take_ports=take_ports,
    )


def test_a_ready_server_answers_and_tells_what_runs(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """Its facts come from the server, not from the launch."""
    server = begin(toolchain, launch, tmp_path)
    try:
        assert server.alive()
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.facts.engine_version == "0.0.fake"
        assert server.facts.window == 4096
        assert server.facts.datatype_reported == "wint8"
        assert server.facts.layer_types == {"q.weight": "int8"}
        assert server.facts.activation == "bfloat16"
        assert server.facts.command[0] == toolchain.python
        assert server.facts.environment["VLLM_API_KEY"] == "(set)"
        assert server.log is not None
        assert "listening on" in server.log.read_text()
    finally:
        server.stop()
    assert not server.alive()
    assert not [p for p in psutil.process_iter() if server.facts.command[0] in _command(p)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_each_server_has_a_key_of_its_own(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """So that another server on the same port is never taken for it; the evidence holds no key."""
    server = begin(toolchain, launch, tmp_path)
    try:
        assert server.api_key is not None
        assert len(server.api_key) > 16
        assert server.api_key not in msgspec.json.encode(server.facts).decode()
    finally:
        server.stop()


def test_a_server_that_dies_tells_the_cause(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """Read from its log, which is named."""
    with pytest.raises(EngineError) as caught:
        begin(toolchain, launch, tmp_path, FAKE_DEATH="ValueError: Unknown quantization method: x")

    assert str(caught.value) == (
        f"{tmp_path}/server/server-1.log: vLLM died while starting: it doesn't know the "
        "quantization (ValueError: Unknown quantization method: x). The log has the traceback"
    )


def test_a_taken_port_is_tried_again_elsewhere(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """Somebody may take it between our choice and the server's bind."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        taken = int(other.getsockname()[1])
        blocks = iter([UnleasedPorts(Ports(numbers=(taken,))), free_ports(1)])
        server = begin(toolchain, launch, tmp_path, take_ports=lambda _: next(blocks))
        server.stop()

    assert not server.base_url.endswith(f":{taken}/v1")
    assert sorted(path.name for path in (tmp_path / "server").iterdir()) == [
        "server-1.log",
        "server-2.log",
    ]


def test_a_port_that_is_always_taken_is_told(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """After three attempts."""
    with pytest.raises(EngineError) as caught:
        begin(toolchain, launch, tmp_path, FAKE_DEATH="OSError: [Errno 98] Address already in use")

    assert str(caught.value) == (
        f"{tmp_path}/server: vLLM found its port taken each time it started; got 3 attempts. "
        "Look for what opens ports on this machine"
    )


def test_a_server_that_gets_not_ready_in_time_is_ended(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """With how long it had."""
    slow = msgspec.structs.replace(toolchain, python="/bin/sleep")
    with pytest.raises(EngineError) as caught:
        begin(slow, msgspec.structs.replace(launch), tmp_path, Vllm(start_timeout_s=0))

    text = str(caught.value)
    assert "vLLM didn't get ready in time; got 0 s; " in text or "vLLM died" in text


def test_a_server_without_the_inside_door_is_ended(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """What can't be proven isn't measured, and nothing is left running."""
    with pytest.raises(EngineError, match="vLLM's workers don't tell what their weights are"):
        begin(toolchain, launch, tmp_path, FAKE_INVENTORY="")

    assert not [p for p in psutil.process_iter() if toolchain.python in _command(p)]


def test_no_toolchain_and_no_checkpoint_are_told_before_anything_starts(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """With what to do."""
    with pytest.raises(EngineError) as no_toolchain:
        begin(None, launch, tmp_path)
    with pytest.raises(EngineError) as no_checkpoint:
        begin(toolchain, msgspec.structs.replace(launch, checkpoint="/nowhere"), tmp_path)

    assert str(no_toolchain.value) == (
        "vLLM needs a toolchain. Provision server-cpu, or name the site's interpreter"
    )
    assert str(no_checkpoint.value).startswith(
        "/nowhere: the checkpoint's config.json can't be read; got FileNotFoundError"
    )
    assert not (tmp_path / "server").exists()


def test_the_launch_line_binds_to_this_machine_only_and_lets_extras_win(launch: Launch) -> None:
    """What a site adds comes last."""
    extra = msgspec.structs.replace(launch, extra=("--max-num-seqs", "3"), tensor_parallel=2)

    line = command_line(extra, {}, "python", 8000, on_cpu=False)

    assert line[:3] == ("python", "-m", "vllm.entrypoints.openai.api_server")
    assert line[line.index("--host") + 1] == "127.0.0.1"
    assert line[line.index("--port") + 1] == "8000"
    assert line[line.index("--max-model-len") + 1] == "4096"
    assert line[line.index("--tensor-parallel-size") + 1] == "2"
    assert line[-2:] == ("--max-num-seqs", "3")
    assert "--enforce-eager" not in line
    assert "--enforce-eager" in command_line(extra, {}, "python", 8000, on_cpu=True)


def test_the_environment_is_a_short_list(
    toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the shell happens to hold can't change a server; the device's word is the last."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("HF_TOKEN", "secret")
    held = msgspec.structs.replace(toolchain, env={"HF_HUB_OFFLINE": "2", "A": "toolchain"})
    device: dict[str, Any] = {"A": "device", "XPU_VISIBLE_DEVICES": "0,1"}

    env = environment(held, device, on_cpu=False)

    assert env["PATH"] == os.environ["PATH"]
    assert (env["A"], env["HF_HUB_OFFLINE"], env["XPU_VISIBLE_DEVICES"]) == ("device", "2", "0,1")
    assert not {"PYTHONDONTWRITEBYTECODE", "HF_TOKEN", "OMP_NUM_THREADS"} & set(env)
    assert "OMP_NUM_THREADS" in environment(held, device, on_cpu=True)


@pytest.mark.parametrize(
    ("cores", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8), (17, 8), (256, 8)]
)
def test_half_of_the_cores_compute(cores: int, threads: int) -> None:
    """The rest is for the front end, the client and whatever else runs."""
    assert cpu_threads(cores) == threads


def test_progress_names_what_the_server_is_doing(
    toolchain: Toolchain, launch: Launch, tmp_path: Path
) -> None:
    """From its log."""
    told: list[str] = []

    def progress(
        stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        told.append(f"{stage}: {detail}")

    Vllm().start(
        launch,
        toolchain=toolchain,
        workdir=tmp_path / "server",
        cards=(),
        device_env={"FAKE_INVENTORY": json.dumps(INVENTORY)},
        progress=progress,
    ).stop()

    assert told[0] == "start vllm: import"
    assert told[-2:] == ["start vllm: first answer", "start vllm: ready"]
