"""
What a checkpoint's headers say about its weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.engines.checkpoint import checkpoint_config, read_header
from pytest_ernie.errors import EngineError


def write(folder: Path, tensors: dict[str, tuple[str, list[int]]], config: Any = None) -> Path:
    """A checkpoint of headers only."""
    header = {name: {"dtype": dtype, "shape": shape} for name, (dtype, shape) in tensors.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    (folder / "config.json").write_text(json.dumps(config or {}))
    return folder


def test_every_tensor_is_listed_with_its_type_and_shape(tmp_path: Path) -> None:
    """What tells of the file itself is no tensor."""
    write(tmp_path, {"embed.weight": ("BF16", [10, 4]), "norm.weight": ("F32", [4])})

    found = list(read_header(tmp_path / "model.safetensors"))

    assert found == [("embed.weight", "BF16", [10, 4]), ("norm.weight", "F32", [4])]


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
        list(read_header(tmp_path / "model.safetensors"))

    assert str(caught.value).startswith(f"{tmp_path / 'model.safetensors'}: {words}")


def test_a_missing_config_is_told(tmp_path: Path) -> None:
    """It would hide the quantization."""
    with pytest.raises(EngineError, match=r"the checkpoint's config\.json can't be read; got File"):
        checkpoint_config(str(tmp_path))
