"""
What doctor says of a site's training, before a launcher waits or a memory overflows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.devices import shipped
from pytest_ernie.preflight.lab import Lab
from pytest_ernie.preflight.training import checks_of, paddle, trainable, whole
from pytest_ernie.site import ModelSite, Site, TrainerSite, TrainingSite


def lab(model: str, cards: int, device: str = "gpu", **trainer: Any) -> Lab:
    """A site with one model and some cards."""
    training = trainer.pop("training", {})
    return Lab(
        shipped(device),
        Site(
            cards=tuple(map(str, range(cards))),
            trainer=TrainerSite(**{"kind": "paddleformers", "python": sys.executable, **trainer}),
            models={model: ModelSite(checkpoint="weights", training=training)},
        ),
    )


def test_a_model_that_fits_is_said_to() -> None:
    """
    The 0.3B on eight cards: one sample a card.
    """
    found = trainable(lab("ERNIE-4.5-0.3B", 8), "ERNIE-4.5-0.3B")

    assert (True, "8 cards a host hold every run") == (found.holds, found.got)


def test_too_few_cards_for_a_replica_is_a_finding() -> None:
    """
    By run, with the size that doesn't fit and what to write.
    """
    found = trainable(lab("ERNIE-4.5-300B-A47B", 8), "ERNIE-4.5-300B-A47B")

    assert (False, False) == (found.holds, found.advice)
    assert (
        "sft at 8K: 8 cards can't be split into replicas of 8 x 12 (tensor x pipeline)" in found.got
    )
    assert '[models."ERNIE-4.5-300B-A47B".training.sft]' in found.mend


def test_fewer_cards_than_the_documents_ask_for_is_a_note() -> None:
    """
    A replica fits on two; the resource table says eight.
    """
    found = trainable(lab("ERNIE-4.5-21B-A3B", 4), "ERNIE-4.5-21B-A3B")

    assert (False, True) == (found.holds, found.advice)
    assert "sft at 8K wants 8 cards, there are 4" in found.got


def test_several_hosts_and_a_layout_of_ones_own_count() -> None:
    """
    96 cards on twelve hosts hold the 300B at 8K; at 32K it wants 112.
    """
    own = {
        "sft-32K": TrainingSite(pipeline_parallel=12),
        "sft-128K": TrainingSite(pipeline_parallel=12),
    }
    twelve = lab("ERNIE-4.5-300B-A47B", 8, hosts=12, master="10.0.0.1:8090", training=own)

    found = trainable(twelve, "ERNIE-4.5-300B-A47B")

    assert "sft at" not in found.got
    assert (
        "sft_lora at 8K: global_batch 8 is no multiple of micro_batch 1 x 6 replicas" in found.got
    )


def test_an_erniekit_without_its_package_is_a_finding(
    tmp_path: Path,
) -> None:
    """
    With what to install instead.
    """
    info = tmp_path / "erniekit-1.3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: erniekit\nVersion: 1.3.0\n")

    found = whole(Path(sys.executable), {"PYTHONPATH": str(tmp_path)})

    assert (False, "erniekit 1.3.0 is installed without its package 'ernie'") == (
        found.holds,
        found.got,
    )
    assert "from its source" in found.mend


@pytest.mark.parametrize(
    ("package", "holds"), [("paddlepaddle-xpu", True), ("paddlepaddle", False), (None, False)]
)
def test_the_trainers_paddle_is_the_chips_own(
    tmp_path: Path, package: str | None, holds: bool
) -> None:
    """
    The CPU's Paddle would stop with a usage message of its launcher. A note: it may be built from source.
    """
    if package is not None:
        info = tmp_path / f"{package.replace('-', '_')}-3.3.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 3.3.0\n")

    found = paddle("xpu", Path(sys.executable), {"PYTHONPATH": str(tmp_path)})

    assert (holds, True, "paddlepaddle-xpu") == (found.holds, found.passes, found.wanted)


def test_an_interpreter_that_does_not_run_is_said() -> None:
    """
    And not taken for a whole ERNIEKit.
    """
    assert not whole(Path("/nowhere/python")).holds


@pytest.mark.parametrize(
    ("kind", "device", "names"),
    [
        ("erniekit", "gpu", ["ERNIEKit", "the trainer's Paddle", "training ERNIE-4.5-0.3B"]),
        ("paddleformers", "xpu", ["the trainer's Paddle", "training ERNIE-4.5-0.3B"]),
        ("transformers", "gpu", ["the transformers trainer", "training ERNIE-4.5-0.3B"]),
        ("erniekit", "cpu", ["ERNIEKit"]),
    ],
)
def test_checks_are_those_that_apply(kind: str, device: str, names: list[str]) -> None:
    """
    Listing them asks nothing.
    """
    assert names == [check.name for check in checks_of(lab("ERNIE-4.5-0.3B", 1, device, kind=kind))]
