"""
Train the rehearsal's base model, a dense ERNIE 4.5 of two layers, from random weights.

    python -m pytest_ernie.rehearsal.make_tokenizer --out new
    python -m pytest_ernie.rehearsal.train_base --checkpoint new --device cuda --workers 4
    OMP_NUM_THREADS=1 python -m pytest_ernie.rehearsal.train_base --checkpoint polished \
        --start new/model.safetensors --steps 300 --lr 5e-4 --batch 64 --pool 8000 \
        --text-tokens 2048 --lengths 256 1024 2048 --report-every 50 --longest 2048

The second run is a short polish after a change of the tasks; it starts from the first one's
weights and needs the tokenizer's files in its own folder too. Writes model.safetensors,
config.json and generation_config.json into the checkpoint's folder and prints how many held-out
questions and hidden codes the model answers. Needs `torch`, `transformers`, `tokenizers` and
`safetensors`.

A run on one CPU thread repeats itself byte for byte; one on an accelerator need not. Whether
recall is learned at all hangs on the seed and the shape, so look at what is printed.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .base_data import IGNORED, Batch, Codec, Texts, held_out_batch, task_pool
from .tasks import TASKS

CONFIG: dict[str, Any] = {
    "architectures": ["Ernie4_5ForCausalLM"],
    "model_type": "ernie4_5",
    "vocab_size": 896,
    "hidden_size": 192,
    "intermediate_size": 576,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 64,
    "hidden_act": "silu",
    "max_position_embeddings": 131072,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-05,
    "use_bias": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "use_cache": True,
    "torch_dtype": "float32",
    # PaddleFormers would call a fused kernel that CPUs lack.
    "fuse_rms_norm": False,
}
"""The published 0.3B model's shape in small; widths are multiples of 64 for int4 kernels."""

GENERATION = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "do_sample": False}

PHASES = (
    (0.12, (64,)),
    (0.3, (64, 128, 256)),
    (0.5, (128, 512, 1024)),
    (0.7, (256, 1024, 4096)),
    (0.88, (512, 4096, 16_384)),
    (1.0, (1024, 8192, 32_768, 131_072)),
)
"""
Until this share of all steps, texts have one of these lengths in tokens.

Recall is learned on the shortest texts, where a guess among a needle or two is often right,
and then carries over to longer ones; started on longer ones it is slow to begin.
"""

RECALL_LENGTHS = (1024, 2048, 8192, 32_768, 131_072)


def text_length(step: int, rng: random.Random, options: argparse.Namespace) -> int:
    """The length of a step's texts in tokens: longer as training goes on, or as told."""
    if options.lengths:
        return int(rng.choice(options.lengths))
    lengths = next(lengths for share, lengths in PHASES if step < share * options.steps)
    return rng.choice(lengths)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over 2 % of the steps, then a cosine down to a hundredth."""
    warmup = max(1, steps // 50)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


class TextStream:
    """Prepares every step's long texts, in worker processes, each from the step's own seed."""

    def __init__(self, texts: Texts, options: argparse.Namespace) -> None:
        self._texts, self._options = texts, options

    def __len__(self) -> int:
        return int(self._options.steps)

    def __getitem__(self, step: int) -> tuple[Any, Any]:
        rng = random.Random(f"step {self._options.seed} {step}")
        length = text_length(step, rng, self._options)
        batch = self._texts.batch(rng, length, max(1, self._options.text_tokens // length))
        return batch.tokens, batch.labels


def loss_of(model: Any, tokens: Any, labels: Any) -> Any:
    """Mean cross-entropy over the labelled positions only."""
    import torch

    hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    chosen = labels != IGNORED
    logits = model.lm_head(hidden[chosen])
    return torch.nn.functional.cross_entropy(logits.float(), labels[chosen])


def lowered(device: str, wanted: bool) -> Any:
    """bf16 arithmetic on an accelerator where wanted: fp32 attention would not fit long texts."""
    import torch

    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=wanted and kind == "cuda")


def share_right(model: Any, batch: Batch, device: str, at_once: int) -> float:
    """
    The share of rows whose every labelled token is the likeliest one.

    For one answer a row that is greedy decoding's exact match, in a single pass.
    """
    import torch

    right = 0
    for start in range(0, len(batch.tokens), at_once):
        tokens = torch.from_numpy(batch.tokens[start : start + at_once]).to(device)
        labels = torch.from_numpy(batch.labels[start : start + at_once]).to(device)
        with torch.no_grad(), lowered(device, batch.tokens.shape[1] > 512):
            chosen = labels != IGNORED
            hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
            hits = model.lm_head(hidden[chosen]).argmax(-1) == labels[chosen]
            wrong = torch.zeros(len(tokens), device=device)
            wrong.index_add_(0, chosen.nonzero()[:, 0], (~hits).float())
            right += int((wrong == 0).sum())
    return right / len(batch.tokens)


def report(model: Any, codec: Codec, texts: Texts, device: str, longest: int) -> dict[str, float]:
    """Held-out accuracy per task and the share of texts whose codes are all recalled."""
    model.eval()
    scores: dict[str, float] = {}
    for task in TASKS:
        scores[task] = share_right(model, held_out_batch(codec, task), device, 200)
    for length in RECALL_LENGTHS:
        if length <= longest:
            rng = random.Random(f"recall {length}")
            count = max(4, min(64, 2**18 // length))
            batch = texts.batch(rng, length, count)
            scores[f"recall {length}"] = share_right(model, batch, device, max(1, 2**17 // length))
    model.train()
    return scores


def save(model: Any, folder: Path) -> None:
    """Write weights (fp32, the tied head left out) and configuration."""
    from safetensors.torch import save_file

    weights = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    for name, content in (("config", CONFIG), ("generation_config", GENERATION)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def new_model(seed: int) -> Any:
    """The model with random weights, the same for the same seed on every device."""
    import torch
    from transformers import Ernie4_5Config, Ernie4_5ForCausalLM

    torch.manual_seed(seed)
    known = {k: v for k, v in CONFIG.items() if k not in ("architectures", "fuse_rms_norm")}
    known["rope_parameters"] = {"rope_type": "default", "rope_theta": known.pop("rope_theta")}
    known["dtype"] = known.pop("torch_dtype")
    return Ernie4_5ForCausalLM(Ernie4_5Config(**known))


def batches(pool: Batch, stream: TextStream, options: argparse.Namespace) -> Iterator[Any]:
    """For each step: task tokens and labels, text tokens and labels, on the device."""
    import torch

    tokens = torch.from_numpy(pool.tokens).to(options.device)
    labels = torch.from_numpy(pool.labels).to(options.device)
    order = torch.Generator().manual_seed(options.seed)
    loader = torch.utils.data.DataLoader(
        stream,
        batch_size=None,
        shuffle=False,
        num_workers=options.workers,
        prefetch_factor=8 if options.workers else None,
    )
    for text_tokens, text_labels in loader:
        chosen = torch.randint(len(tokens), (options.batch,), generator=order).to(options.device)
        texts = (torch.as_tensor(part).to(options.device) for part in (text_tokens, text_labels))
        yield tokens[chosen], labels[chosen], *texts


def train(options: argparse.Namespace) -> None:
    """The whole run."""
    import torch
    from safetensors.torch import load_file

    torch.use_deterministic_algorithms(True, warn_only=True)
    codec = Codec(options.checkpoint)
    texts = Texts(codec, options.seed)
    pool = task_pool(codec, options.seed, options.pool)
    model = new_model(options.seed).to(options.device)
    if options.start:
        model.load_state_dict(load_file(str(options.start)), strict=False)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.lr, betas=(0.9, 0.98), weight_decay=0.05
    )
    stream = TextStream(texts, options)
    started = time.monotonic()
    for step, (*tasks, text, marks) in enumerate(batches(pool, stream, options)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, options.steps, options.lr)
        with torch.autocast(torch.device(options.device).type, dtype=torch.bfloat16):
            task_loss = loss_of(model, *tasks)
            text_loss = loss_of(model, text, marks)
        (task_loss + text_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % options.report_every == options.report_every - 1 or step + 1 == options.steps:
            scores = report(model, codec, texts, options.device, options.longest)
            line = " ".join(f"{name} {score:.3f}" for name, score in scores.items())
            print(
                f"step {step + 1} after {time.monotonic() - started:.0f} s: task loss "
                f"{task_loss.item():.4f} text loss {text_loss.item():.4f} {line}",
                flush=True,
            )
            save(model, options.checkpoint)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--checkpoint", type=Path, required=True, help="holds the tokenizer")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seed", type=int, default=20251103)
    parser.add_argument("--steps", type=int, default=5_800)
    parser.add_argument("--lr", type=float, default=2e-3, help="the peak learning rate")
    parser.add_argument("--batch", type=int, default=384, help="task samples per step")
    parser.add_argument("--text-tokens", type=int, default=16_384, help="of long text per step")
    parser.add_argument("--lengths", type=int, nargs="*", help="of texts, instead of the phases")
    parser.add_argument("--start", type=Path, help="weights to go on from, not random ones")
    parser.add_argument("--pool", type=int, default=100_000, help="training samples per task")
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare texts")
    parser.add_argument("--report-every", type=int, default=1000, help="steps between reports")
    parser.add_argument("--longest", type=int, default=32_768, help="tokens, when recall is tried")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
