"""
Draws training-numerics.svg beside this file from the recorded curves.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from drawing import (
    BLUE,
    FIXTURES,
    INK,
    ORANGE,
    OVER,
    PURPLE,
    QUIET,
    Losses,
    differences,
    draw,
    largest,
)

from pytest_ernie.trainers.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (
    ("sft-micro-batch-4", "sft-torch", PURPLE, "micro batch 4 x 2 against 8 x 1"),
    ("sft_lora-another-draw", "sft_lora-torch", ORANGE, "LoRA from another draw"),
    ("sft-torch-bf16", "sft-torch", QUIET, "bf16 against fp32"),
    ("sft-torch", "sft-reference", BLUE, "SFT: PyTorch against Paddle"),
    ("sft_lora-torch", "sft_lora-reference", INK, "SFT-LoRA: PyTorch against Paddle"),
)


def losses(name: str) -> Losses:
    log = FIXTURES / "loss_curves" / f"{name}.log.gz"
    return read_curve(gzip.decompress(log.read_bytes())).by_step()


def paint(figure: Figure) -> None:
    axes = figure.subplots()
    for candidate, reference, colour, label in SHOWN:
        axes.plot(*largest(losses(candidate), losses(reference)), color=colour, label=label)
    differences(axes, label=f"|difference of the loss|, largest of {OVER} steps")
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.46))


if __name__ == "__main__":
    draw(paint, "training-numerics", size_in=(7.2, 3.8))
