"""
Starting FastDeploy: here a double of it, installed as a toolchain of its own.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import psutil
import pytest

from doubles.checkpoints import weights
from doubles.fastdeploy import install, plant
from pytest_ernie.engines.fastdeploy import recipes
from pytest_ernie.engines.fastdeploy.engine import (
    WORKER,
    FastDeploy,
    command_line,
    environment,
    require_weights,
)
from pytest_ernie.engines.fastdeploy.installed import assumed
from pytest_ernie.engines.lifecycle.replicas import start_replicas
from pytest_ernie.engines.ports import Ports
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.errors import EngineError
from pytest_ernie.toolchains.toolchain import Toolchain

PORTS = Ports(numbers=tuple(range(20000, 20013)))
EXPERT = "ernie.layers.1.mlp.experts.0.up_gate_proj.weight"
DENSE = "ernie.layers.0.self_attn.qkv_proj.weight"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Published weights: bfloat16, to be quantized while they are loaded."""
    return weights(
        tmp_path / "checkpoint", {EXPERT: "BF16", DENSE: "BF16", "lm_head.weight": "BF16"}
    )


@pytest.fixture
def launch(checkpoint: Path) -> Launch:
    """A configuration of two cards."""
    return Launch(
        engine="fastdeploy",
        model="ERNIE-4.5-21B-A3B",
        checkpoint=str(checkpoint),
        datatype="wint8",
        window=4096,
        max_num_seqs=16,
        tensor_parallel=2,
        memory_share=0.85,
        flags=(("kv-cache-ratio", "0.75"), ("limit-mm-per-prompt", '{"image": 10}')),
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The double's interpreter."""
    return install(tmp_path_factory.mktemp("toolchain") / "fd", version="2.3.1")


@pytest.fixture
def toolchain(python: Path) -> Toolchain:
    """The double as a toolchain, without a fault."""
    plant(python)
    return Toolchain(name="fastdeploy", python=str(python), digest="0")


def test_the_launch_line_is_whole() -> None:
    """
    127.0.0.1, each purpose its own port, nothing left to chance; what is given last wins.
    """
    launch = Launch(
        engine="fastdeploy",
        model="M",
        checkpoint="/w",
        datatype="wint8",
        window=32768,
        max_num_seqs=96,
        tensor_parallel=2,
        memory_share=0.85,
        flags=(("kv-cache-ratio", "0.71"),),
        extra=("--max-num-seqs", "8"),
    )

    line = command_line(launch, {}, "python", PORTS, assumed("2.3"))

    assert (
        "python -m fastdeploy.entrypoints.openai.api_server --model /w --served-model-name M "
        "--host 127.0.0.1 --port 20000 --metrics-port 20001 --engine-worker-queue-port 20002 "
        "--cache-queue-port 20003 --tensor-parallel-size 2 --max-model-len 32768 --max-num-seqs 96 "
        "--max-concurrency 4096 --no-enable-prefix-caching --gpu-memory-utilization 0.85 "
        "--quantization wint8 --kv-cache-ratio 0.71 --max-num-seqs 8"
    ) == " ".join(line)


@pytest.mark.parametrize(
    ("version", "there", "not_there"),
    [
        ("2.0", "--metrics-port", "--served-model-name"),
        ("2.2", "--served-model-name", "--no-enable-prefix-caching"),
        ("2.3", "--no-enable-prefix-caching", "--rdma-comm-ports"),
        ("2.4", "--rdma-comm-ports", "--metrics-port"),
    ],
)
def test_a_release_gets_the_flags_that_it_has(
    launch: Launch, version: str, there: str, not_there: str
) -> None:
    """
    Added, dropped, and needless ones.
    """
    line = command_line(launch, {}, "python", PORTS, assumed(version))

    assert there in line
    assert not_there not in line


def test_as_many_ports_as_cards(launch: Launch) -> None:
    """
    A list that is too long or too short is ignored by FastDeploy, with a word in its log.
    """
    line = command_line(launch, {}, "python", PORTS, assumed("2.5"))

    assert "20005,20006" == line[line.index("--rdma-comm-ports") + 1]


def test_a_quantized_checkpoint_is_not_quantized_again(launch: Launch) -> None:
    """
    Its own config would override the flag, which would then say something else than what runs.
    """
    config = {"quantization_config": {"quantization": "mix_quant"}}

    assert "--quantization" not in command_line(launch, config, "python", PORTS, assumed("2.5"))


@pytest.mark.parametrize(
    ("version", "expected"), [("2.2", "wint4"), ("2.5", '{"quantization": "mix_quant"}')]
)
def test_quantization_by_parts_only_where_json_is_taken(
    launch: Launch, version: str, expected: str
) -> None:
    """
    An older release would take the JSON for a name, and say so when the weights are half loaded.
    """
    asked = msgspec.structs.replace(
        launch, datatype="wint4", flags=(("quantization", '{"quantization": "mix_quant"}'),)
    )

    line = command_line(asked, {}, "python", PORTS, assumed(version))

    assert expected == line[line.index("--quantization") + 1]


def test_w4a8_needs_weights_of_its_own(launch: Launch) -> None:
    """
    FastDeploy makes none from bfloat16: said before anything is started.
    """
    asked = msgspec.structs.replace(launch, datatype="w4a8", checkpoint="/w")
    require_weights(asked, {"quantization_config": {"quantization": "mix_quant"}})

    with pytest.raises(EngineError) as caught:
        require_weights(asked, {})

    assert (
        "/w: FastDeploy makes w4a8 only from weights that are quantized already, and these aren't; "
        "wanted a config.json with a quantization_config. Name such a checkpoint: "
        '[models."ERNIE-4.5-21B-A3B".serving.w4a8] checkpoint = ...; of the 300B '
        "baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle is published"
    ) == str(caught.value)


def test_logs_go_to_the_servers_own_folder(tmp_path: Path) -> None:
    """
    And the device's variables win over the toolchain's.
    """
    env = environment({"A": "toolchain", "B": "b"}, {"A": "device"}, tmp_path)

    assert (str(tmp_path / "log"), "device", "b") == (env["FD_LOG_DIR"], env["A"], env["B"])


def test_it_starts_answers_and_leaves_nothing(
    launch: Launch, toolchain: Toolchain, tmp_path: Path
) -> None:
    """
    Two workers in sessions of their own, all on our ports; the key is never written down.
    """
    server = FastDeploy().start(
        launch, toolchain=toolchain, workdir=tmp_path / "s", cards=("0", "1"), device_env={}
    )
    processes = psutil.Process(server.process.pid).children(recursive=True)
    try:
        assert server.alive()
        counted = server.output_tokens()
        assert server.trouble() is None
        assert counted is not None and counted > 0
        assert server.output_tokens() == counted + 1
        lines = [" ".join(process.cmdline()) for process in processes]
        launcher = "paddle.distributed.launch"
        assert 2 == sum("worker_process.py" in each and launcher not in each for each in lines)
        assert "2.3.1" == server.facts.engine_version
        assert 4096 == server.facts.window
        assert server.api_key
        assert server.api_key not in repr(msgspec.to_builtins(server.facts))
        logs = server.kept_logs()
        assert any("workerlog.1" in name for name in logs)
        assert not any(server.api_key.encode() in content for content in logs.values())
        assert b"Ignore them" not in logs["server_log"]
    finally:
        server.stop()

    assert [] == [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_what_the_engine_hides_is_unknown(
    launch: Launch, toolchain: Toolchain, tmp_path: Path
) -> None:
    """
    It says that it quantizes, not into what: every matrix is unknown, and what would show it is said.
    """
    server = FastDeploy().start(
        launch, toolchain=toolchain, workdir=tmp_path / "s", cards=("0", "1"), device_env={}
    )
    server.stop()

    assert {EXPERT: "unknown", DENSE: "unknown", "lm_head.weight": "bfloat16"} == (
        server.facts.layer_types
    )
    assert server.facts.activation is None
    assert server.facts.to_reveal is not None
    assert any("will apply online quantization" in line for line in server.facts.log_evidence)


def test_quantized_weights_are_shown(
    launch: Launch, toolchain: Toolchain, python: Path, tmp_path: Path
) -> None:
    """
    W4A8: headers and the engine's log agree on the weights; a kernel in a trace shows the activations.
    """
    quantization = {
        "quantization": "mix_quant",
        "dense_quant_type": "wint8",
        "moe_quant_type": "w4a8",
    }
    folder = weights(
        tmp_path / "w4a8", {EXPERT: "I8", DENSE: "BF16"}, {"quantization_config": quantization}
    )
    asked = msgspec.structs.replace(launch, datatype="w4a8", checkpoint=str(folder))
    plant(python, "says=void cutlass_w4a8_moe_gemm_kernel<int8_t, int4b_t>")

    server = FastDeploy().start(
        asked, toolchain=toolchain, workdir=tmp_path / "s", cards=("0", "1"), device_env={}
    )
    server.stop()

    assert {EXPERT: "int4", DENSE: "int8"} == server.facts.layer_types
    assert ("int8", "w4a8") == (server.facts.activation, server.facts.datatype_reported)
    assert server.facts.to_reveal is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("exit_zero", "it left with exit code 0"),
        ("out_of_memory=1", "it ran out of memory"),
        ("missing_libgomp", "libgomp.so.1"),
    ],
)
def test_a_start_that_fails_tells_the_cause(
    launch: Launch, toolchain: Toolchain, python: Path, tmp_path: Path, fault: str, words: str
) -> None:
    """
    From the worker's log, whatever the exit code.
    """
    plant(python, fault)

    with pytest.raises(EngineError, match=words):
        FastDeploy().start(
            launch, toolchain=toolchain, workdir=tmp_path / "s", cards=("0", "1"), device_env={}
        )


@pytest.mark.parametrize("version", ["2.2.0", "2.5.0"])
def test_the_small_model_s_wint4_starts_in_old_and_new_releases(
    launch: Launch, tmp_path: Path, version: str
) -> None:
    """
    By its name where JSON would be refused, by its parts where the name would mean WINT8.
    """
    python = install(tmp_path / "fd", version=version)
    flags = recipes.find("ERNIE-4.5-0.3B", "gpu", "wint4", 4096).flags
    asked = msgspec.structs.replace(
        launch,
        datatype="wint4",
        tensor_parallel=1,
        flags=tuple((name, json.dumps(value)) for name, value in flags.items()),
    )

    server = FastDeploy().start(
        asked,
        toolchain=Toolchain(name="fastdeploy", python=str(python), digest="0"),
        workdir=tmp_path / "s",
        cards=("0",),
        device_env={},
    )
    counted = server.output_tokens()
    server.stop()

    assert counted is not None and counted > 0, "its first answer's tokens"
    given = server.command[server.command.index("--quantization") + 1]
    assert ("wint4" == given) is (version < "2.4")


def test_replicas_have_one_key_and_cards_of_their_own(
    launch: Launch, toolchain: Toolchain, tmp_path: Path
) -> None:
    """
    One client asks all of them (R6).
    """
    engine = FastDeploy()
    one = msgspec.structs.replace(launch, tensor_parallel=1)

    servers = start_replicas(
        [
            lambda number=number: engine.start(  # type: ignore[misc] # a default binds the number
                one,
                toolchain=toolchain,
                workdir=tmp_path / str(number),
                cards=(str(number),),
                device_env={"CUDA_VISIBLE_DEVICES": str(number)},
            )
            for number in range(2)
        ]
    )
    try:
        assert 1 == len(servers.other_urls)
        assert servers.base_url not in servers.other_urls
        assert servers.trouble() is None
    finally:
        servers.stop()


def test_a_launcher_is_no_worker() -> None:
    """
    Its command line names the workers' script, too, and it may outlive them.
    """
    script = "/lib/fastdeploy/engine/../worker/worker_process.py --max_num_seqs 8"

    assert re.search(WORKER, f"/usr/bin/python -u {script}")
    assert not re.search(WORKER, f"python -u -m paddle.distributed.launch --devices 0,1 {script}")
