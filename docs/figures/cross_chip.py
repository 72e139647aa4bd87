"""
Draws cross-chip.svg beside this file: one recipe on a CPU and on one NVIDIA H200, as recorded in fixtures/.
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
    WINDOW,
    Losses,
    differences,
    draw,
    largest,
)

from pytest_ernie.evidence import Store
from pytest_ernie.trainers.curve import read_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def on_gpu(bundle: str, repeat: int | None = None) -> Losses:
    """Return step -> loss of the tiny model's SFT in a bundle of the H200."""
    store = Store.existing(FIXTURES / "gpu-proof" / f"{bundle}.ernie")
    wanted = ("training.run", "ERNIE-4.5-tiny", "sft", repeat)
    (found,) = (
        what
        for what in store.measured()
        if (what.kind, what.model, what.method, what.repeat) == wanted
    )
    record = store.find(found)
    assert record is not None
    return read_curve(store.blobs.get(record.blobs["log"])).by_step()


def on_cpu(name: str) -> Losses:
    """Return step -> loss of a run on a CPU."""
    log = FIXTURES / "loss_curves" / f"{name}.log.gz"
    return read_curve(gzip.decompress(log.read_bytes())).by_step()


def paint(figure: Figure) -> None:
    reference, bf16, cpu = on_gpu("reference"), on_gpu("faults/bfloat16"), on_cpu("sft-torch")
    curves, apart = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    curves.axvspan(401, 500, color=WINDOW, lw=0)
    for losses, colour, label in (
        (bf16, QUIET, "H200, bf16"),
        (cpu, BLUE, "CPU, fp32"),
        (reference, INK, "H200, fp32"),
    ):
        curves.plot(list(losses), list(losses.values()), color=colour, lw=0.7, label=label)
    curves.set_ylabel("loss (PyTorch)")
    curves.legend(loc="upper right")
    for losses, colour, label in (
        (bf16, QUIET, "H200, bf16"),
        (on_gpu("faults/tf32"), PURPLE, "H200, TF32"),
        (on_cpu("sft-reference"), INK, "CPU, fp32, PaddlePaddle"),
        (cpu, BLUE, "CPU, fp32, PyTorch"),
        (on_gpu("reference", repeat=2), ORANGE, "H200, fp32, once more: the noise band"),
    ):
        apart.plot(*largest(losses, reference), color=colour, label=label)
    differences(apart, label=f"|difference from H200, fp32|\nlargest of {OVER} steps")
    apart.legend(loc="center left", bbox_to_anchor=(0.0, 0.41), ncol=2)


if __name__ == "__main__":
    draw(paint, "cross-chip", size_in=(7.2, 5.2))
