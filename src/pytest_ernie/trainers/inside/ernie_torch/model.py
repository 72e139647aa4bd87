"""
The model: an ERNIE 4.5 checkpoint of the -PT kind, and LoRA as PaddleFormers lays it out.

PaddleFormers keeps query, key and value as one matrix, gate and up as another, and gives each such
matrix one adapter. peft gives each of the five its own, so those of one matrix share their A here:
with B at zero that is the same function of the same numbers, and it learns the same way.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from .draws import Draws
from .job import Job, JobError

DENSE = "ernie4_5"
KNOWN = (DENSE, "ernie4_5_moe")
FUSED = (
    ("self_attn", ("q_proj", "k_proj", "v_proj")),
    ("self_attn", ("o_proj",)),
    ("mlp", ("gate_proj", "up_proj")),
    ("mlp", ("down_proj",)),
)
"""PaddleFormers' matrices of a layer in the order in which they are made, and their parts."""
FUSED_NAMES = ("self_attn.qkv_proj", "self_attn.o_proj", "mlp.up_gate_proj", "mlp.down_proj")
ADAPTER = "default"


def load(job: Job, device: torch.device) -> Any:
    """
    Return the model, on its device and ready to train; JobError for what this can't train.

    Weights are kept in the recipe's precision; who needs finer ones keeps copies (optimiser.py).
    """
    config = json.loads((Path(job.checkpoint) / "config.json").read_text(encoding="utf-8"))
    kind = config.get("model_type")
    if kind not in KNOWN:
        raise JobError(f"the checkpoint is a {kind}, this trains {' and '.join(KNOWN)}")
    if job.method == "sft_lora" and kind != DENSE:
        raise JobError("LoRA is laid out for dense models only: the experts' share no module")
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        job.checkpoint,
        dtype=getattr(torch, job.precision),
        attn_implementation=job.attention,
        local_files_only=True,
    )
    model.config.use_cache = False
    if job.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if job.method == "sft_lora":
        model = _with_adapters(model, job)
    return model.to(device).train()


def _with_adapters(model: Any, job: Job) -> Any:
    from peft import LoraConfig, get_peft_model

    names = [name for _, parts in FUSED for name in parts]
    settings = LoraConfig(
        r=job.lora_rank,
        lora_alpha=2 * job.lora_rank,
        lora_dropout=0.0,
        target_modules=names,
        bias="none",
        task_type="CAUSAL_LM",
    )
    if job.gradient_checkpointing:
        model.enable_input_require_grads()
    adapted = get_peft_model(model, settings, autocast_adapter_dtype=False)
    if job.lora_start:
        share_and_load(model, job.lora_start)
    else:
        share_and_draw(model, job.seed, job.lora_rank)
    return adapted


def share_and_load(model: Any, file: str) -> None:
    """Let the parts of a fused matrix share their A, and take it from a file of PaddleFormers' names."""
    from safetensors.torch import load_file

    given = load_file(file)
    for number, layer in enumerate(_adapted(model)):
        for name, parts in zip(FUSED_NAMES, layer, strict=True):
            _share(parts, given[f"model.layers.{number}.{name}.lora_A"])


def share_and_draw(model: Any, seed: int, rank: int) -> None:
    """Let the parts of a fused matrix share their A, and fill it with PaddlePaddle's numbers."""
    draws = Draws(seed)
    layers = _adapted(model)
    words = model.get_input_embeddings().weight.numel()
    draws.skip(words + sum(_size(parts) for layer in layers for parts in layer))
    draws.skip_normal(words)  # the head is drawn last, even where it is the embedding
    for layer in layers:
        for parts in layer:
            draws.skip(_size(parts))  # the adapted matrix is drawn again, too
            width = parts[0].in_features
            limit = math.sqrt(1 / 3) * math.sqrt(3 / width)
            drawn = draws.uniform(width * rank, -limit, limit).reshape(width, rank)
            _share(parts, torch.from_numpy(drawn))


def _adapted(model: Any) -> list[list[list[Any]]]:
    """Return each layer's adapted matrices in the order of FUSED, and each one's parts."""
    return [
        [[getattr(getattr(layer, block), part) for part in parts] for block, parts in FUSED]
        for layer in model.model.layers
    ]


def _share(parts: list[Any], a: torch.Tensor) -> None:
    """Give the parts one A, of shape (inputs, rank), and a B of zeros."""
    shared = parts[0].lora_A[ADAPTER]
    with torch.no_grad():
        shared.weight.copy_(a.T)
    for part in parts:
        part.lora_A[ADAPTER] = shared
        part.lora_B[ADAPTER].weight.data.zero_()


def _size(parts: list[Any]) -> int:
    return sum(int(part.in_features * part.out_features) for part in parts)
