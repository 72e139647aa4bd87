"""
What runs inside transformers serve makes of a loaded model. Torch and transformers are stand-ins here.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_ernie.engines import transformers


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The file as the toolchain loads it: by its name, from its folder."""
    monkeypatch.syspath_prepend(str(transformers.INSIDE))
    yield importlib.import_module(transformers.SERVE)
    for name in (transformers.SERVE, "ernie_inside_vllm"):
        sys.modules.pop(name, None)


class Dtype:
    """A type of torch's."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.is_floating_point = "float" in word

    def __str__(self) -> str:
        return f"torch.{self._word}"


class Weight:
    """A matrix of 4 x 8 in one type."""

    def __init__(self, word: str) -> None:
        self.dtype = Dtype(word)
        self.shape = (4, 8)
        self.data = self
        self._bytes = 1 if "int8" in word else 2

    def dim(self) -> int:
        return 2

    def numel(self) -> int:
        return 32

    def element_size(self) -> int:
        return self._bytes


class Linear:
    """A layer of PyTorch's."""

    in_features, out_features = 8, 4

    def __init__(self, word: str) -> None:
        self._weight = Weight(word)

    def named_parameters(self, recurse: bool) -> list[tuple[str, Weight]]:
        assert not recurse
        return [("weight", self._weight)]

    def parameters(self) -> Iterator[Weight]:
        return iter([self._weight])


class Model:
    """As much of a model as is looked at."""

    def __init__(self, word: str, quantization: Any = None) -> None:
        self.dtype = "torch.bfloat16"
        self.config = SimpleNamespace(quantization_config=quantization)
        self._layer = Linear(word)

    def named_modules(self) -> list[tuple[str, Any]]:
        nothing = SimpleNamespace(named_parameters=lambda recurse: [])
        return [("", nothing), ("q", self._layer)]


@pytest.fixture
def unprobed(inside: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Without torch no layer can be multiplied by a probe."""
    monkeypatch.setattr(inside.LAYERS, "_watch", lambda module, dtype: {})
    return inside


@pytest.mark.parametrize("word", ["bfloat16", "int8", "float32"])
def test_each_layer_has_the_type_that_it_multiplies_by(unprobed: ModuleType, word: str) -> None:
    """Whatever was asked for; what has no weights is left out."""
    told = unprobed.inventory(Model(word))

    assert [(layer["name"], layer["kind"], layer["weight"]) for layer in told["layers"]] == [
        ("q", "Linear", word)
    ]
    assert (told["dtype"], told["quantization"], told["config"]) == ("bfloat16", None, None)


def test_the_models_own_settings_are_told(unprobed: ModuleType) -> None:
    """Those that it was loaded with, in the library's words."""
    settings = SimpleNamespace(
        quant_method=SimpleNamespace(value="torchao"), quant_type=("Int8WeightOnlyConfig()",)
    )
    told = unprobed.inventory(Model("int8", settings))

    assert told["quantization"] == "torchao"
    assert "Int8WeightOnlyConfig()" in told["config"]


def test_a_layer_is_probed_by_calling_it(inside: ModuleType) -> None:
    """PyTorch's layers have no other way in."""
    layer = Linear("int8")
    layer.__class__ = type("Called", (Linear,), {"__call__": lambda self, probe: (self, probe)})

    assert inside.Linear(layer).apply(None, "probe") == (layer, "probe")
    assert inside.Linear(layer).input_size_per_partition == 8


@pytest.mark.parametrize("several", [False, True])
def test_every_model_that_is_loaded_is_described(
    unprobed: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, several: bool
) -> None:
    """By whatever class it is loaded, with its loading information or without."""

    class PreTrainedModel:
        @classmethod
        def from_pretrained(cls, name: str, **options: Any) -> Any:
            model = Model(name)
            return (model, options) if several else model

    class Ernie(PreTrainedModel):
        pass

    module = ModuleType("transformers.modeling_utils")
    module.PreTrainedModel = PreTrainedModel  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "transformers", ModuleType("transformers"))
    monkeypatch.setitem(sys.modules, "transformers.modeling_utils", module)
    unprobed.watch_loading(tmp_path / "inventory.json")

    loaded = Ernie.from_pretrained("int8", device="cpu")

    assert isinstance(loaded, tuple) is several
    told = json.loads((tmp_path / "inventory.json").read_text())
    assert told["layers"][0]["weight"] == "int8"
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.json"]
