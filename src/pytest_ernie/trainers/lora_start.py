"""
The adapter that SFT-LoRA starts from, as data: drawn here from the recipe's seed, the same on every machine.

Trainers draw LoRA's A on the device, and each kind of chip has a generator of its own: equal seeds don't
give equal starts, and another start moves the loss by more than the clause allows
(docs/training-numerics.md). So the suite draws A itself and both sides load it:

    number        16 bits of SHAKE-256 over "SEED NAME", uniform in ±1/sqrt(inputs) as PaddleFormers' are
    precision     rounded to bfloat16, so that it is the same number in float32 and bfloat16
    form          peft_model.safetensors in PaddleFormers' names and shapes; B is zero

Dense models only: of the experts' adapters nothing could be tried, since a CPU has no kernels for them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_ernie.errors import TrainerError
from pytest_ernie.standard.recipe import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "lora-start"
WEIGHTS, INDEX, CONFIG = (
    "peft_model.safetensors",
    "peft_model.safetensors.index.json",
    "lora_config.json",
)
DENSE = "ernie4_5"
ADAPTED = ("qkv_proj", "o_proj", "up_gate_proj", "down_proj")
"""PaddleFormers' matrices: query, key and value are one, gate and up another."""


class Adapted(Struct, frozen=True, kw_only=True):
    """A matrix with an adapter, under PaddleFormers' name."""

    name: str
    inputs: int
    outputs: int


def matrices(checkpoint: Path, where: str) -> Iterator[Adapted]:
    """Yield the matrices of a dense checkpoint that LoRA adapts; TrainerError for any other."""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != DENSE:
        raise TrainerError(
            "LoRA's start can be given to dense models only",
            where=where,
            got=f"model_type {config.get('model_type')}",
            wanted=DENSE,
        )
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim") or hidden // heads
    for layer in range(config["num_hidden_layers"]):
        for name, inputs, outputs in (
            ("self_attn.qkv_proj", hidden, (heads + 2 * kv_heads) * head),
            ("self_attn.o_proj", heads * head, hidden),
            ("mlp.up_gate_proj", hidden, 2 * inner),
            ("mlp.down_proj", inner, hidden),
        ):
            yield Adapted(name=f"model.layers.{layer}.{name}", inputs=inputs, outputs=outputs)


def drawn(name: str, inputs: int, rank: int, seed: int) -> NDArray[Any]:
    """Return A of a matrix, shape (inputs, rank), float32 with bfloat16's digits."""
    import numpy as np

    bits = hashlib.shake_256(f"{seed} {name}".encode()).digest(2 * inputs * rank)
    unit = (np.frombuffer(bits, dtype="<u2") + 0.5) / 32768.0 - 1.0
    exact = (unit / math.sqrt(inputs)).astype(np.float32).view(np.uint32)
    # To the nearest bfloat16, to the even one of two that are as near.
    rounded = (exact + 0x7FFF + (exact >> 16 & 1)) & np.uint32(0xFFFF0000)
    a: NDArray[Any] = rounded.view(np.float32).reshape(inputs, rank)
    return a


def write_start(folder: Path, checkpoint: Path, recipe: Recipe) -> str:
    """
    Write the adapter that a recipe's run starts from; return the digest of its random half.

    TrainerError for a model whose adapters aren't known.
    """
    rank = recipe.lora_rank or 0
    adapted = list(matrices(checkpoint, f"{recipe.model} {recipe.method}"))
    shapes = {f"{own.name}.lora_A": (own.inputs, rank) for own in adapted}
    shapes |= {f"{own.name}.lora_B": (rank, own.outputs) for own in adapted}
    folder.mkdir()
    total = hashlib.sha256()
    with (folder / WEIGHTS).open("wb") as file:
        file.write(_header(shapes))
        for own in adapted:
            numbers = drawn(own.name, own.inputs, rank, recipe.seed).astype("<f4").tobytes()
            total.update(f"{own.name} {own.inputs} x {rank}\n".encode())
            total.update(numbers)
            file.write(numbers)
        for own in adapted:
            file.write(bytes(4 * rank * own.outputs))
    size = sum(4 * rows * columns for rows, columns in shapes.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict.fromkeys(shapes, WEIGHTS)}
    config = {
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": [f".*{name}.*" for name in ADAPTED],
        "merge_weights": False,
        "tensor_model_parallel_size": 1,
        "dtype": recipe.precision,
    }
    for name, content in ((INDEX, index), (CONFIG, config)):
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return total.hexdigest()


def _header(shapes: dict[str, tuple[int, int]]) -> bytes:
    """Return the head of a safetensors file: a length, and JSON that says where each tensor lies."""
    told: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * shape[0] * shape[1]
        told[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
