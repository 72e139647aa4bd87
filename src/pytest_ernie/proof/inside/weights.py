"""
Makes the stand-ins' weights, inside an environment with torch, transformers and torchao.

    python weights.py TINY OUT

    OUT/geometry        the shape of ERNIE-4.5-0.3B, random weights in bf16
    OUT/geometry-int8   the same with torchao's int8 weights
    OUT/tiny-int8       the trained tiny model with int8 weights

Random numbers are numpy's, whose stream is the same on every machine: two machines make the same bytes, so
that one's figures can be held against the other's. This file stands alone; pytest's process never imports it.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy

SEED = 20251103
SPREAD = 0.02
SHAPE = {
    "vocab_size": 103424,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 18,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "torch_dtype": "bfloat16",
}
"""Of baidu/ERNIE-4.5-0.3B-PT, by its config.json; the window and what isn't named are the tiny model's."""
WORD = re.compile("▁?[a-z]+")
"""Pieces that an answer may consist of: half a character, or an end mark, would be no text."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")


def main(tiny: Path, out: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    geometry = out / "geometry"
    geometry.mkdir(parents=True)
    for name in TOKENIZER:
        shutil.copy(tiny / name, geometry)
    config = json.loads((tiny / "config.json").read_text())
    (geometry / "config.json").write_text(json.dumps({**config, **SHAPE}))
    model = AutoModelForCausalLM.from_config(
        AutoConfig.from_pretrained(geometry), dtype=torch.bfloat16
    )
    fill(model, answerable(geometry / "tokenizer.json"))
    model.save_pretrained(geometry)
    for source in (geometry, tiny):
        quantize(source, out / f"{'tiny' if source == tiny else source.name}-int8")


def answerable(tokenizer: Path) -> list[int]:
    """Return the ids of the words of a tokenizer."""
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = (
        vocabulary.items()
        if isinstance(vocabulary, dict)
        else ((piece, id) for id, (piece, *_) in enumerate(vocabulary))
    )
    return sorted(id for piece, id in pieces if WORD.fullmatch(piece))


def fill(model: Any, words: list[int]) -> None:
    """
    Draw every matrix; vectors keep what the model's own initialisation gave them (ones).

    Only words have an embedding: with tied weights nothing else can win, so every answer is text.
    """
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() < 2:
                continue
            draws = numpy.random.Generator(numpy.random.PCG64([SEED, zlib.crc32(name.encode())]))
            values = draws.standard_normal(tuple(weight.shape), dtype=numpy.float32) * SPREAD
            if "embed" in name:
                kept = numpy.zeros(len(values), dtype=bool)
                kept[words] = True
                values[~kept] = 0
            weight.copy_(torch.from_numpy(values))


def quantize(source: Path, out: Path) -> None:
    """Write a checkpoint's twin with int8 weights, one scale a row."""
    import torch
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import AutoModelForCausalLM, TorchAoConfig

    model = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=torch.bfloat16,
        quantization_config=TorchAoConfig(Int8WeightOnlyConfig()),
        device_map="cpu",
    )
    model.save_pretrained(out)
    for weights in out.glob("*.safetensors"):
        settle(weights)
    for name in TOKENIZER:
        if not (out / name).exists():
            shutil.copy(source / name, out)


def settle(weights: Path) -> None:
    """
    Put the names in a file's header in order: the library writes those of its metadata in any.

    The same weights then are the same bytes, so that two machines' files have one digest.
    """
    with weights.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size)
        header = json.loads(text)
        metadata = header.get("__metadata__", {})
        header["__metadata__"] = {name: metadata[name] for name in sorted(metadata)}
        ordered = {name: header[name] for name in sorted(header)}
        settled = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False).encode()
        if len(settled) > size:
            raise ValueError(f"{weights.name}: its header would grow from {size} to {len(settled)}")
        file.seek(8)
        file.write(settled.ljust(size))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
