"""
What training needs of a site: a whole trainer, and cards enough for each model's layouts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.errors import ErnieError, ToolchainError
from pytest_ernie.preflight.finding import Check, Finding
from pytest_ernie.preflight.lab import Lab
from pytest_ernie.preflight.torch_trainer import torch_sees

if TYPE_CHECKING:
    from pytest_ernie.measurements.training_setup import Setup
    from pytest_ernie.standard import Edition, Recipe

LENGTHS = (8192, 32768, 131072)
PADDLES = {
    "gpu": "paddlepaddle-gpu",
    "xpu": "paddlepaddle-xpu",
    "npu": "paddle-custom-npu",
    "iluvatar": "paddle-iluvatar-gpu",
}
"""The package by which each chip's guide brings its Paddle."""


def checks_of(lab: Lab) -> Iterator[Check]:
    """Yield the trainer's check, and one for each model that the site file names; none for a CPU."""
    if lab.site.trainer is None:
        return
    if lab.site.trainer.kind == "erniekit":
        yield Check(name="ERNIEKit", run=partial(whole, *lab.environments["trainer"]))
    if lab.site.trainer.kind == "transformers" and lab.device is not None:
        cards = len(lab.site.cards)
        name = lab.device.paddle_name
        yield Check(
            name="the transformers trainer",
            run=partial(torch_sees, *lab.environments["trainer"], name, cards),
        )
    if lab.device is None or lab.device.visible_variable is None:
        return
    if lab.device.kind in PADDLES and lab.site.trainer.kind in ("erniekit", "paddleformers"):
        python, env = lab.environments["trainer"]
        yield Check(name="the trainer's Paddle", run=partial(paddle, lab.device.kind, python, env))
    for model in lab.site.models:
        yield Check(name=f"training {model}", run=partial(trainable, lab, model))


def whole(python: Path, env: Mapping[str, str] | None = None) -> Finding:
    """The wheels 1.1.0 to 1.3.0 of ERNIEKit lack a package of their own."""
    from pytest_ernie.toolchains.toolchain import package_folders
    from pytest_ernie.trainers.broken_wheels import MEND, broken_wheel

    try:
        lack = broken_wheel(package_folders("preflight", python, env))
    except ToolchainError as problem:
        lack = problem.what
    return Finding(
        name="ERNIEKit",
        holds=lack is None,
        got=lack or "whole",
        wanted="an ERNIEKit with all its packages",
        mend=MEND,
    )


def paddle(device: str, python: Path, env: Mapping[str, str] | None = None) -> Finding:
    """
    The Paddle that trains is the chip's own; one that was built from source may have another name.
    """
    from pytest_ernie.preflight.packages import installed

    found = sorted(name for name in installed(python, env) if name.startswith("paddle"))
    names = [name for name in found if name.startswith(("paddlepaddle", "paddle-"))]
    return Finding(
        name="the trainer's Paddle",
        holds=PADDLES[device] in names,
        got=", ".join(names) or "no Paddle",
        wanted=PADDLES[device],
        mend="Install it from Paddle's own index, as the chip's guide says",
        advice=True,
    )


def trainable(lab: Lab, model: str) -> Finding:
    """
    The site's cards hold each of the model's runs, and split the global batch evenly.

    Fewer than the documents ask for is a note: a chip with more memory may need fewer.
    """
    edition = lab.edition
    impossible: list[str] = []
    tight: list[str] = []
    for name, length, recipe in _runs(edition, model):
        try:
            setup = _setup(lab, recipe, length)
            setup.recorded(recipe)
        except ErnieError as problem:
            impossible.append(f"{name}: {problem.what}")
            continue
        if setup.all_cards < setup.layout.least:
            tight.append(f"{name} wants {setup.layout.least} cards, there are {setup.all_cards}")
    told = impossible or tight
    return Finding(
        name=f"training {model}",
        holds=not told,
        got="; ".join(told) or f"{len(lab.site.cards)} cards a host hold every run",
        wanted="cards and hosts that hold every run and divide its global batch",
        mend=f'Name more cards, [trainer] hosts, or a layout under [models."{model}".training.sft]',
        advice=not impossible,
    )


def _runs(edition: Edition, model: str) -> Iterator[tuple[str, int, Recipe]]:
    """Yield the run of 500 steps and those at each length (R12), of both methods."""
    for method in edition.methods:
        steps = edition.recipe(model, method)
        if steps is None:
            continue
        yield method, steps.sequence_length, steps
        for length in LENGTHS:
            filled = edition.filled_recipe(model, method, length)
            assert filled is not None
            yield f"{method} at {length // 1024}K", length, filled


def _setup(lab: Lab, recipe: Recipe, length: int) -> Setup:
    from pytest_ernie.measurements.training_setup import setup_of

    assert lab.device is not None
    return setup_of(
        recipe,
        length=length,
        device=lab.device.kind,
        site=lab.site,
        cards=lab.site.cards,
        environment=os.environ,
    )
