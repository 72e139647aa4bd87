"""
What the demonstration tells: which chip, how fast, and what goes wrong with it.

Each model shows something else, so that a reader of the report meets every kind of verdict.
"""

from __future__ import annotations

import random

from doubles.demonstration_load import Server
from pytest_ernie.evidence import What

CHIP = {
    "kind": "xpu",
    "name": "Demo S1 (synthetic)",
    "count": 8,
    "memory_gib": 64,
    "driver": "5.0.21 (synthetic)",
    "machine": "demo-host",
    "synthetic": True,
}
REFERENCE = {
    "kind": "gpu",
    "name": "NVIDIA A800-SXM4-80GB (synthetic)",
    "count": 8,
    "memory_gib": 80,
    "driver": "535.183.01 (synthetic)",
    "machine": "demo-reference",
    "synthetic": True,
}
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "\x1b[31mred\x1b[0m \u202eright to left\u202c \ufffd \x00 " + "long " * 400
)
"""What a model may answer: markup, terminal sequences, direction marks, a broken byte, a long line."""

REFERENCE_SCORE = {
    "GSM8K": 0.90,
    "BBH": 0.85,
    "CMMLU": 0.82,
    "IFEval": 0.80,
    "MMLU": 0.80,
    "MMMU": 0.66,
    "OCRBench": 0.88,
    "MathVista": 0.72,
}

_SHARE = {"424B": 0.62, "28B": 0.91, "300B": 0.44, "21B": 0.86, "0.3B": 0.97}
"""Of the reference's speed in training."""
_SERVING = {"424B": 0.55, "28B": 0.88, "300B": 0.47, "21B": 0.76, "0.3B": 0.95}


def _of(table: dict[str, float], what: What) -> float:
    return next(value for size, value in table.items() if f"-{size}" in what.model)


def isnt_recorded(what: What) -> bool:
    """The largest model was never trained at 128K, nor asked its mathematics in W4A8."""
    if "424B" not in what.model:
        return False
    return (what.kind, what.length) == ("training.context", 131072) or (
        (what.kind, what.datatype, what.dataset) == ("serving.accuracy", "w4a8", "MathVista")
    )


def training_share(what: What) -> float:
    """Of the reference's speed."""
    return _of(_SHARE, what) * (1.0 if what.method == "sft" else 0.98)


def loss_difference(what: What, step: int, draw: random.Random) -> float:
    """The 300B drifts away, the 28B has outliers with LoRA, the others follow closely."""
    noise = draw.gauss(0, 0.0016)
    if "300B" in what.model and what.method == "sft" and what.length is None:
        return noise + 1.3e-4 * max(0, step - 380)
    if "28B" in what.model and what.method == "sft_lora" and step in (408, 431, 447, 466, 489):
        return 0.016
    return noise


def hides_activation(what: What) -> bool:
    """The engine doesn't tell what it computes in, for one model."""
    return ("424B" in what.model, what.datatype) == (True, "w4a8")


def needles_lost(what: What) -> tuple[int, ...]:
    """Places of the needles that weren't found."""
    if what.length == 131072 and "28B" in what.model:
        return (1, 2, 3) if what.datatype == "w4a8" else (2,)
    return ()


def refusal(what: What) -> str | None:
    """What the server says where it can't take the prompt."""
    if "300B" in what.model and what.length == 131072 and what.datatype == "w4a8":
        return "status 400: the prompt is longer than max_model_len " + HOSTILE[:120]
    return None


def answered(score: float, what: What, draw: random.Random) -> float:
    """One answer in a hundred flips; of one set many more get lost."""
    lost = 0.06 if ("28B" in what.model, what.dataset) == (True, "OCRBench") else 0.004
    if score and draw.random() < lost:
        return 0.0
    return 1.0 if not score and draw.random() < 0.02 else score


def server(what: What, modality: str, *, reference: bool) -> Server:
    """How fast it serves; the chip is slower than the reference, and sheds requests once."""
    large = any(size in what.model for size in ("424B", "300B"))
    share = 1.0 if reference else _of(_SERVING, what)
    small = "0.3B" in what.model
    decode = 60.0 if large else 320.0 if small else 120.0
    first_s = 0.2 if large else 0.03 if small else 0.06
    slow = 2.0 if modality == "multimodal" else 1.0
    shed = not reference and "424B" in what.model and modality == "multimodal"
    return Server(
        ttft_s=first_s * slow / share,
        ttft_s_each=first_s * slow / 25 / share,
        decode_tokens_per_s=decode,
        half_at=(24.0 if large else 30.0) * share,
        failed_share=0.05 if shed and what.datatype == "w4a8" else 0.0,
    )
