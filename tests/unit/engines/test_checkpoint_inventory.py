"""
What a checkpoint's headers say about its weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.engines.inventory import declared_bits, read_inventory
from pytest_ernie.errors import EngineError

GROUPS = {"config_groups": {"group_0": {"weights": {"num_bits": 4, "group_size": 64}}}}


def write(folder: Path, tensors: dict[str, tuple[str, list[int]]], config: Any = None) -> Path:
    """A checkpoint of headers only."""
    header = {name: {"dtype": dtype, "shape": shape} for name, (dtype, shape) in tensors.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    (folder / "config.json").write_text(json.dumps(config or {}))
    return folder


def test_matrices_are_listed_with_their_types(tmp_path: Path) -> None:
    """Norms and biases are no matrices, and scales hold no weights."""
    found = read_inventory(
        write(
            tmp_path,
            {
                "embed.weight": ("BF16", [10, 4]),
                "q.weight": ("I8", [4, 4]),
                "q.weight_scale": ("F32", [4, 1]),
                "norm.weight": ("F32", [4]),
                "odd.weight": ("F4", [4, 4]),
            },
        )
    )

    assert found.layer_types == {
        "embed.weight": "bfloat16",
        "q.weight": "int8",
        "odd.weight": "unknown (F4)",
    }
    assert found.quantization is None


def test_packed_weights_have_the_declared_bits(tmp_path: Path) -> None:
    """Eight 4-bit weights in an int32 are no int32."""
    found = read_inventory(
        write(
            tmp_path,
            {"q.weight_packed": ("I32", [4, 1]), "embed.weight": ("F16", [10, 4])},
            {"quantization_config": GROUPS},
        )
    )

    assert found.layer_types == {"q.weight_packed": "int4", "embed.weight": "float16"}
    assert found.quantization == GROUPS


@pytest.mark.parametrize(
    ("quantization", "bits"),
    [
        (GROUPS, 4),
        ({"bits": 8}, 8),
        ({"w_bit": 4}, 4),
        ({"quantization": "mix_quant"}, None),
        ({"config_groups": {"a": {"weights": {"num_bits": 4}}, "b": {"weights": {}}}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_bits_are_declared_in_several_ways(quantization: Any, bits: int | None) -> None:
    """What isn't one number for all is none."""
    assert declared_bits(quantization) == bits


def test_a_folder_without_weights_is_told(tmp_path: Path) -> None:
    """An empty inventory would agree with anything."""
    with pytest.raises(EngineError) as caught:
        read_inventory(write(tmp_path, {"norm.weight": ("F32", [4])}))

    assert str(caught.value) == (
        f"{tmp_path}: no weights here; wanted *.safetensors with at least one matrix"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no safetensors file; got a header of 0 bytes"),
        (b"\xff" * 8, "no safetensors file; got a header of 18446744073709551615 bytes"),
        (b"\x09" + b"\0" * 7 + b'{"a": {', "the safetensors header can't be read; got JSONDecodeE"),
        (b"\x09" + b"\0" * 7 + b'{"a": {}}', "the safetensors header can't be read; got KeyError"),
    ],
)
def test_a_torn_file_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    """Downloads break off."""
    write(tmp_path, {})
    (tmp_path / "model.safetensors").write_bytes(content)

    with pytest.raises(EngineError) as caught:
        read_inventory(tmp_path)

    assert str(caught.value).startswith(f"{tmp_path / 'model.safetensors'}: {words}")


def test_a_missing_config_is_told(tmp_path: Path) -> None:
    """It would hide the quantization."""
    with pytest.raises(EngineError, match=r"the checkpoint's config\.json can't be read; got File"):
        read_inventory(tmp_path)
