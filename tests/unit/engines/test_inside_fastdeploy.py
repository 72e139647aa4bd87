"""
Looking at the weights inside FastDeploy's workers: here of a package that has its modules' names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from doubles.checkpoints import weights
from doubles.fastdeploy import install, plant
from pytest_ernie.engines.fastdeploy.engine import INSIDE, FastDeploy, environment
from pytest_ernie.engines.fastdeploy.facts import (
    Matrix,
    Said,
    reported,
    said_inside,
    seen_inside,
    types_inside,
)
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.toolchains.toolchain import Toolchain

LOADERS = """
class Parameter:
    def __init__(self, dtype, *shape):
        self.dtype, self.shape = f"paddle.{dtype}", list(shape)

class Layer:
    def __init__(self, quant_method=None, **parameters):
        self.quant_method, self._parameters = quant_method, parameters

class Config:
    algo = "weight_only_int8"

class WeightOnlyLinearMethod:
    quant_config = Config()

class CutlassWeightOnlyMoEMethod:
    moe_quant_type = "weight_only_int4"

class Model:
    def named_sublayers(self, include_self=False):
        yield "", Layer()
        yield "ernie.layers.0.mlp.down_proj", Layer(
            WeightOnlyLinearMethod(), weight=Parameter("int8", 8, 4), weight_scale=Parameter("float32", 8, 1)
        )
        yield "ernie.layers.1.mlp.experts", Layer(
            CutlassWeightOnlyMoEMethod(), up_gate_proj_weight=Parameter("int8", 4, 2, 8), gone=None
        )
        yield "ernie.norm", Layer(weight=Parameter("bfloat16", 8))
        yield "lm_head.linear", Layer(weight=Parameter("bfloat16", 4, 8))

class Loader:
    def load_model(self, fd_config=None):
        if fd_config == "bad":
            return object()
        return Model()

def get_model_loader(load_config=None):
    return Loader()
"""
WORKER = """
from fastdeploy.model_executor.model_loader import get_model_loader
import sys
model = get_model_loader(load_config=None).load_model(fd_config=sys.argv[1])
print("loaded", type(model).__name__)
"""
EXPERT = "ernie.layers.1.mlp.experts.up_gate_proj_weight"
DENSE = "ernie.layers.0.mlp.down_proj.weight"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a worker, and the loaders as a package."""
    loaders = tmp_path / "fastdeploy" / "model_executor" / "model_loader"
    loaders.mkdir(parents=True)
    for folder in (loaders.parent.parent, loaders.parent):
        (folder / "__init__.py").write_text("")
    (loaders / "__init__.py").write_text(LOADERS)
    (tmp_path / "worker_process.py").write_text(WORKER)
    (tmp_path / "elsewhere.py").write_text(WORKER)
    return tmp_path


def run(package: Path, script: str, argument: str = "good") -> subprocess.CompletedProcess[str]:
    """Run a script as FastDeploy's launcher would, with the look put in by PYTHONPATH."""
    return subprocess.run(
        [sys.executable, "-u", str(package / script), argument],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(INSIDE), str(package)])},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_worker_tells_what_it_has_loaded(package: Path) -> None:
    """
    Types as they are in memory, with the method and class that computes with them.
    """
    done = run(package, "worker_process.py")

    seen = seen_inside([done.stderr], workers=1)
    assert "loaded Model\n" == done.stdout
    assert {EXPERT: "int4", DENSE: "int8", "lm_head.linear.weight": "bfloat16"} == types_inside(
        seen
    )
    assert Said(stored=False, dense="weight_only_int8", experts="weight_only_int4") == (
        said_inside(seen)
    )


def test_only_workers_are_looked_into(package: Path) -> None:
    """
    The server and its other processes inherit the variable.
    """
    assert "" == run(package, "elsewhere.py").stderr


def test_a_worker_never_fails_because_somebody_looked(package: Path) -> None:
    """
    What can't be described is said, and proves nothing.
    """
    done = run(package, "worker_process.py", "bad")

    assert "loaded object\n" == done.stdout
    assert '{"problem": "AttributeError: ' in done.stderr
    assert () == seen_inside([done.stderr], workers=1)


def test_an_environment_s_own_sitecustomize_still_runs(package: Path) -> None:
    """
    Ours stands before it on the path, not in its place.
    """
    (package / "sitecustomize.py").write_text('print("own")\n')

    assert "own\nloaded Model\n" == run(package, "worker_process.py").stdout


def line(*layers: dict[str, object]) -> str:
    """A worker's line."""
    return f"ERNIE-INSIDE {json.dumps({'layers': layers})}"


def matrix(**changes: object) -> dict[str, object]:
    """An expert of wint4."""
    right = {
        "name": EXPERT,
        "stored": "int8",
        "shape": [4, 2, 8],
        "method": "weight_only_int4",
        "by": "M",
    }
    return {**right, **changes}


@pytest.mark.parametrize(
    "texts",
    [
        [line(matrix())],
        [line(matrix()), "no line"],
        [line(matrix()), line()],
        [line(matrix()), line(matrix()).replace("}]}", "}")],
        [line(matrix()), 'ERNIE-INSIDE {"problem": "x"}'],
    ],
)
def test_every_worker_must_show_its_part(texts: list[str]) -> None:
    """
    Of two, one is half a model.
    """
    assert () == seen_inside(texts, workers=2)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "int4"),
        ({"method": "weight_only_int8"}, "int8"),
        ({"method": "W4A8"}, "int4"),
        ({"method": None}, "unknown"),
        ({"method": "block_wise_fp8"}, "unknown"),
        ({"stored": "bfloat16"}, "bfloat16"),
        ({"stored": "float8_e4m3fn", "method": "block_wise_fp8"}, "float8_e4m3fn"),
    ],
)
def test_what_is_in_memory_outweighs_the_method(change: dict[str, object], expected: str) -> None:
    """
    A bfloat16 matrix under a quantizing method is bfloat16; an integer without one can't be named.
    """
    one = msgspec.convert(matrix(**change), Matrix)

    assert {EXPERT: expected} == types_inside([one])


def test_workers_of_different_types_are_told_as_both() -> None:
    """
    One card that computes otherwise isn't the data type that was asked.
    """
    one = msgspec.convert(matrix(), Matrix)
    other = msgspec.convert(matrix(method="weight_only_int8"), Matrix)

    assert {EXPERT: "int4 and int8"} == types_inside([one, other, one])
    assert said_inside([one, other]).experts is None


def test_a_model_without_quantization_is_reported_so() -> None:
    """
    FastDeploy's word for it is w16a16.
    """
    one = msgspec.convert(matrix(stored="bfloat16", method="w16a16"), Matrix)

    assert "bf16" == reported(said_inside([one]))


def test_the_look_stands_before_the_site_s_own_path(tmp_path: Path) -> None:
    """
    And isn't there unless it is asked for.
    """
    site = {"PYTHONPATH": "/opt/own"}

    assert "/opt/own" == environment(site, {}, tmp_path)["PYTHONPATH"]
    assert (
        f"{INSIDE}{os.pathsep}/opt/own"
        == (environment(site, {}, tmp_path, reveal=True)["PYTHONPATH"])
    )
    assert "PYTHONPATH" not in environment({}, {}, tmp_path)


def test_a_server_that_is_looked_into_shows_its_type(tmp_path: Path) -> None:
    """
    Where its log says None, the line of each worker proves it.
    """
    python = install(tmp_path / "fd", version="2.4.0")
    dense = matrix(name=DENSE, method="weight_only_int8")
    plant(python, f"says={line(matrix(), dense)}")
    folder = weights(tmp_path / "w", {EXPERT: "BF16", DENSE: "BF16"})
    launch = Launch(
        engine="fastdeploy",
        model="ERNIE-4.5-21B-A3B",
        checkpoint=str(folder),
        datatype="wint4",
        window=4096,
        max_num_seqs=8,
        tensor_parallel=2,
        reveal=True,
    )

    server = FastDeploy().start(
        launch,
        toolchain=Toolchain(name="fastdeploy", python=str(python), digest="0"),
        workdir=tmp_path / "s",
        cards=("0", "1"),
        device_env={},
    )
    server.stop()

    assert {EXPERT: "int4", DENSE: "int8"} == server.facts.layer_types
    assert ("wint4", "bfloat16") == (server.facts.datatype_reported, server.facts.activation)
    assert server.facts.to_reveal is None
