"""
Starting transformers serve: here its interpreter is a script that serves the double instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from doubles import openai_server
from pytest_ernie.engines import transformers
from pytest_ernie.engines.lifecycle.started import StartedServer
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.engines.transformers import (
    Transformers,
    command_line,
    environment,
    link_checkpoint,
)
from pytest_ernie.errors import EngineError
from pytest_ernie.toolchains.toolchain import Toolchain


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Weights in a folder of their own, one of them a level down."""
    folder = tmp_path / "checkpoint"
    (folder / "deep").mkdir(parents=True)
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}')
    (folder / "deep" / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def launch(checkpoint: Path) -> Launch:
    """A configuration."""
    return Launch(
        engine="transformers",
        model="ERNIE",
        checkpoint=str(checkpoint),
        datatype="bf16",
        window=4096,
        max_num_seqs=8,
    )


def test_a_checkpoint_is_linked_into_a_cache_of_its_own(checkpoint: Path, tmp_path: Path) -> None:
    """In the layout of huggingface_hub: refs/main names the snapshot, whose files are links."""
    cache = tmp_path / "models"

    name = link_checkpoint(checkpoint, "ERNIE", cache)
    link_checkpoint(checkpoint, "ERNIE", cache)

    folder = cache / "hub" / "models--site--ERNIE"
    revision = (folder / "refs" / "main").read_text()
    weights = folder / "snapshots" / revision / "deep" / "model.safetensors"
    assert name == "site/ERNIE"
    assert len(revision) == 40
    assert weights.is_symlink()
    assert weights.read_bytes() == b"weights"


def test_the_launch_line_binds_to_this_machine_only_and_lets_extras_win(launch: Launch) -> None:
    """The model is named as its cache knows it."""
    extra = msgspec.structs.replace(launch, extra=("--dtype", "float16"))

    line = command_line(extra, "site/ERNIE", "python", 8000, on_cpu=True)

    assert line[:5] == ("python", "-m", "ernie_serve_transformers", "serve", "site/ERNIE")
    assert line[line.index("--host") + 1] == "127.0.0.1"
    assert line[line.index("--port") + 1] == "8000"
    assert line[line.index("--device") + 1] == "cpu"
    assert line[line.index("--dtype") + 1] == "bfloat16"
    assert line[-2:] == ("--dtype", "float16")
    on_card = command_line(launch, "site/ERNIE", "python", 8000, on_cpu=False)
    assert "auto" in on_card
    assert "--cb-max-memory-percent" not in on_card


def test_a_server_on_a_cpu_leaves_memory_to_others(launch: Launch) -> None:
    """Left to itself it takes nearly all that is free, and the kernel ends somebody."""

    def share(launch: Launch, *, on_cpu: bool) -> str:
        line = command_line(launch, "site/ERNIE", "python", 8000, on_cpu=on_cpu)
        return line[line.index("--cb-max-memory-percent") + 1]

    assert share(launch, on_cpu=True) == "0.1"
    said = msgspec.structs.replace(launch, memory_share=0.5)
    assert share(said, on_cpu=True) == share(said, on_cpu=False) == "0.5"


def test_it_asks_no_network_and_tells_nobody(tmp_path: Path) -> None:
    """The device's word is the last."""
    toolchain = Toolchain(name="t", python="python", digest="0", env={"A": "toolchain"})

    env = environment(toolchain, {"A": "device"}, tmp_path, tmp_path / "i", on_cpu=False)

    assert env["HF_HOME"] == str(tmp_path)
    assert env["HF_HUB_OFFLINE"] == env["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert env["A"] == "device"
    assert "OMP_NUM_THREADS" not in env
    assert "OMP_NUM_THREADS" in environment(toolchain, {}, tmp_path, tmp_path / "i", on_cpu=True)


INVENTORY = {
    "dtype": "bfloat16",
    "quantization": "torchao",
    "config": "Int8WeightOnlyConfig(granularity=PerRow(dim=-1))",
    "layers": [
        {
            "name": "q",
            "kind": "Linear",
            "method": "forward",
            "weight": "int8",
            "stored": {"weight.qdata": ["int8", [4, 8]]},
            "activation": "bfloat16",
        }
    ],
}


@pytest.mark.parametrize(
    ("told", "types"), [(json.dumps(INVENTORY), {"q.weight": "int8"}), ("", {}), ("[1", {})]
)
def test_a_ready_server_is_served_under_its_caches_name(
    launch: Launch, tmp_path: Path, told: str, types: dict[str, str]
) -> None:
    """And has the types that its model showed; where it showed nothing, nothing is made up."""
    (tmp_path / "told").write_text(told)
    script = tmp_path / "python"
    script.write_text(
        f"""#!/bin/sh
[ "$1" = -c ] && exec echo 5.0
cp {tmp_path}/told "$ERNIE_INVENTORY"
exec {sys.executable} {openai_server.__file__} --served-model-name site/ERNIE "$@"
"""
    )
    script.chmod(0o755)
    server = Transformers().start(
        launch,
        toolchain=Toolchain(name="fake", python=str(script), digest="0"),
        workdir=tmp_path / "server",
        cards=(),
        device_env={},
    )
    try:
        assert server.model == "site/ERNIE"
        assert server.facts.engine_version == "5.0"
        assert server.facts.layer_types == types
        assert server.facts.activation == ("bfloat16" if types else None)
        assert server.facts.datatype_reported == ("wint8" if types else None)
        assert server.trouble() is None
    finally:
        server.stop()


def test_a_server_whose_facts_cannot_be_read_is_stopped(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else knows of it yet."""
    script = tmp_path / "python"
    script.write_text(
        f"#!/bin/sh\nexec {sys.executable} {openai_server.__file__} "
        '--served-model-name site/ERNIE "$@"\n'
    )
    script.chmod(0o755)
    started: list[StartedServer] = []

    def unreadable(server: StartedServer, *_: object) -> None:
        started.append(server)
        raise OSError("no space left")

    monkeypatch.setattr(transformers, "_facts", unreadable)
    with pytest.raises(OSError, match="no space left"):
        Transformers().start(
            launch,
            toolchain=Toolchain(name="fake", python=str(script), digest="0"),
            workdir=tmp_path / "server",
            cards=(),
            device_env={},
        )

    assert started[0].process.poll() is not None


@pytest.mark.parametrize("declared", [True, False])
def test_a_quantized_type_needs_a_checkpoint_that_declares_it(
    launch: Launch, checkpoint: Path, declared: bool
) -> None:
    """Or the site's own argument; else nothing is started."""
    from pytest_ernie.engines.transformers import require_servable

    wint8 = msgspec.structs.replace(launch, datatype="wint8")
    if declared:
        quantized = {"quantization_config": {"quant_method": "compressed-tensors"}}
        (checkpoint / "config.json").write_text(json.dumps(quantized))
        require_servable(wint8)
        return
    require_servable(msgspec.structs.replace(wint8, extra=("--quantization", "bnb-8bit")))
    with pytest.raises(EngineError) as caught:
        require_servable(wint8)
    assert str(caught.value) == (
        "transformers has no recipe for this data type; got wint8; wanted bf16, or a checkpoint "
        "whose config.json declares its quantization_config. Give the site a quantized checkpoint "
        "or --quantization among the engine's arguments, or use another engine"
    )


def test_no_toolchain_is_told(launch: Launch, tmp_path: Path) -> None:
    """Nothing is started without an interpreter."""
    with pytest.raises(EngineError) as caught:
        Transformers().start(
            launch, toolchain=None, workdir=tmp_path / "server", cards=(), device_env={}
        )

    assert str(caught.value) == (
        "transformers needs a toolchain. Name an interpreter in the site file"
    )
