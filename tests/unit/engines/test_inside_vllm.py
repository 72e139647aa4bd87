"""
What the extension inside vLLM's workers makes of a model's tensors. Here they are stand-ins; the
suite's own environment has no torch.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_ernie.engines.vllm.engine import EXTENSION, INSIDE


@pytest.fixture(scope="module")
def inside() -> ModuleType:
    """The file as the toolchain loads it: by its name, from its folder."""
    name = EXTENSION.split(".", maxsplit=1)[0]
    path = INSIDE / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Dtype:
    """A type of torch's."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.is_floating_point = "float" in word

    def __str__(self) -> str:
        return f"torch.{self._word}"


class Tensor:
    """Shape, type and range of values."""

    def __init__(
        self, word: str, *shape: int, low: int = -128, high: int = 127, **more: Any
    ) -> None:
        self.dtype = Dtype(word)
        self.shape = shape
        self.data = self
        self._range = (low, high)
        self._bytes = {"int32": 4, "float32": 4, "bfloat16": 2}.get(word, 1)
        self.__dict__.update(more)

    def dim(self) -> int:
        return len(self.shape)

    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    def element_size(self) -> int:
        return self._bytes

    def min(self) -> int:
        return self._range[0]

    def max(self) -> int:
        return self._range[1]


class Quantized(Tensor):
    """A tensor that consists of others."""

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["qdata", "scale"], None


class Module:
    """A layer with parameters of its own."""

    def __init__(self, columns: int | None = None, rows: int | None = None, **own: Tensor) -> None:
        self._own = own
        self.input_size_per_partition = columns
        self.output_size_per_partition = rows

    def named_parameters(self, recurse: bool) -> list[tuple[str, Tensor]]:
        assert not recurse
        return list(self._own.items())


def inventory(inside: ModuleType, module: Module) -> dict[str, Any]:
    """The worker's inventory of a model with one layer."""
    worker = inside.Inside()
    worker.vllm_config = SimpleNamespace(
        quant_config=None, model_config=SimpleNamespace(dtype=Dtype("bfloat16"), quantization=None)
    )
    worker.get_model = lambda: SimpleNamespace(named_modules=lambda: [("q", module)])
    return dict(json.loads(worker.ernie_inventory()))


def wrapped(qdata: Tensor, **more: Any) -> Quantized:
    """A quantized weight of 4 x 8."""
    return Quantized("bfloat16", 4, 8, qdata=qdata, scale=Tensor("float32", 4, 1), **more)


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (Module(weight=Tensor("bfloat16", 10, 4)), "bfloat16"),
        (Module(8, 4, weight=Tensor("float32", 4, 8)), "float32"),
        (Module(8, 4, weight=wrapped(Tensor("int8", 4, 8))), "int8"),
        (Module(8, 4, weight=wrapped(Tensor("uint8", 4, 4))), "int4"),
        (
            Module(8, 4, weight_packed=Tensor("int32", 4, 1), weight_scale=Tensor("float32", 4, 1)),
            "int4",
        ),
        (
            Module(8, 4, weight=wrapped(Tensor("int8", 4, 8, low=-8, high=7), target_dtype="int4")),
            "int4",
        ),
        (
            Module(8, 4, weight=wrapped(Tensor("int8", 4, 8, low=-9, high=7), target_dtype="int4")),
            "int8",
        ),
        (Module(8, 4, weight=wrapped(Tensor("int8", 4, 8, low=-8, high=7))), "int8"),
        (Module(8, 4, weight=wrapped(Tensor("int8", 4, 7))), "unknown (7 bits per weight)"),
        (Module(8, 4, weight=Tensor("bfloat16", 0)), "unknown"),
    ],
)
def test_a_weights_type_is_that_of_what_is_stored(
    inside: ModuleType, module: Module, kind: str
) -> None:
    """Bits per weight, not the container's name; 4 bits in a byte only if every value fits."""
    (layer,) = inventory(inside, module)["layers"]

    assert layer["weight"] == kind


def test_modules_without_a_matrix_are_left_out(inside: ModuleType) -> None:
    """A norm multiplies by a vector."""
    assert inventory(inside, Module(weight=Tensor("float32", 8)))["layers"] == []


def test_an_engine_that_did_not_quantize_says_none(inside: ModuleType) -> None:
    """Whatever it was asked for."""
    told = inventory(inside, Module(weight=Tensor("bfloat16", 10, 4)))

    assert (told["dtype"], told["quantization"], told["config"]) == ("bfloat16", None, None)


@pytest.mark.parametrize(
    ("operations", "kind"),
    [
        ([["aten.mm", [], [["bfloat16", 28]]]], "bfloat16"),
        ([["torchao.quantize_affine", [], [["int8", 56]]]], "int8"),
        ([["vendor.quantize", [], [["uint8", 56]]]], "int8"),
        ([["vendor.quantize", [], [["float8_e4m3fn", 56]]]], "float8_e4m3fn"),
        ([["aten.to.dtype", [], [["int8", 32]]]], "bfloat16"),
        ([["aten._dyn_quant_matmul_4bit.default", [], [["float32", 28]]]], "int8"),
        ([], "bfloat16"),
    ],
)
def test_an_activation_is_int8_if_the_probe_became_so(
    inside: ModuleType, operations: list[Any], kind: str
) -> None:
    """A tensor as large as the input, or a kernel that is known to do it inside."""
    assert inside._activation(operations, 56, Dtype("bfloat16")) == kind


def test_a_weight_that_is_packed_away_shows_in_what_the_probe_met(inside: ModuleType) -> None:
    """vLLM on a CPU keeps nothing but its own copy."""
    packed = [["_C.weight_packed_linear", [["bfloat16", 56], ["bfloat16", 32]], []]]

    assert inside._multiplied_by(packed, 32) == "bfloat16"
    assert inside._multiplied_by([["_C.mm", [["bfloat16", 9]], []]], 32) == "unknown"
    assert inside._multiplied_by([["_C.mm", [["int8", 32]], []]], 32) == "unknown"


def test_the_file_stands_alone() -> None:
    """The toolchain has nothing of ours installed, and its folder hides no module of vLLM's."""
    names = {path.name for path in INSIDE.glob("*.py")}
    assert names == {"ernie_inside_vllm.py", "ernie_serve_transformers.py"}
    text = Path(INSIDE / "ernie_inside_vllm.py").read_text()
    assert "pytest_ernie" not in text
    assert "\nimport torch" not in text
