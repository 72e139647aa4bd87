"""
Draws training-numerics.svg beside this file from the recorded curves.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.report import svg
from pytest_ernie.trainers.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
CURVES = HERE.parents[1] / "fixtures" / "loss_curves"
SMALLEST = 1e-8
"""The last digit that a log shows: where nothing differs a line lies here."""
OVER = 10
"""Steps of which a point shows the largest difference."""
SHOWN = (
    ("sft-micro-batch-4", "sft-torch", svg.OUTLIER, "micro batch 4 x 2 against 8 x 1"),
    ("sft_lora-another-draw", "sft_lora-torch", svg.REFERENCE, "LoRA from another draw"),
    ("sft-torch-bf16", "sft-torch", svg.QUIET, "bf16 against fp32"),
    ("sft-torch", "sft-reference", svg.CANDIDATE, "SFT: PyTorch against Paddle"),
    ("sft_lora-torch", "sft_lora-reference", svg.INK, "SFT-LoRA: PyTorch against Paddle"),
)


def losses(name: str) -> dict[int, float]:
    return read_curve(gzip.decompress((CURVES / f"{name}.log.gz").read_bytes())).by_step()


def largest(candidate: str, reference: str) -> tuple[list[int], list[float]]:
    """Return the largest difference of every OVER steps."""
    one, other = losses(candidate), losses(reference)
    starts = range(1, 501, OVER)
    found = [max(abs(one[s] - other[s]) for s in range(first, first + OVER)) for first in starts]
    return [first + OVER // 2 for first in starts], [max(value, SMALLEST) for value in found]


def paint(figure: Figure) -> None:
    axes = figure.subplots()
    axes.axvspan(401, 500, color=svg.WINDOW, lw=0)
    axes.axhline(1e-2, color=svg.LIMIT, lw=0.9, ls="--")
    axes.text(404, 1.5e-3, "the clause's limit", color=svg.LIMIT, fontsize=7)
    for candidate, reference, colour, label in SHOWN:
        axes.plot(*largest(candidate, reference), color=colour, label=label)
    axes.set_yscale("log")
    axes.set_ylim(SMALLEST, 10)
    places = [10.0**power for power in range(-8, 1, 2)]
    axes.set_yticks(places, [f"{place:.0e}" for place in places])
    axes.minorticks_off()
    axes.set_xlim(1, 500)
    axes.set_xlabel("step (the window of the clause is shaded)")
    axes.set_ylabel(f"|difference of the loss|, largest of {OVER} steps")
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.46), fontsize=7)


def main() -> None:
    drawn = svg.draw(
        paint,
        size_in=(7.2, 3.8),
        title="How far loss curves differ",
        description="On a logarithmic scale: PyTorch and Paddle differ by less than 1e-5, bf16 and "
        "fp32 by about 1e-2, another LoRA start and another micro batch by 0.1 to 3.",
    )
    (HERE / "training-numerics.svg").write_text(drawn + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
