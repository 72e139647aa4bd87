"""
How a training run is set up here: the published layout, what the site file says instead, cards and hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pytest_ernie.devices.protocol import Device
from pytest_ernie.errors import SiteError
from pytest_ernie.site import Site, TrainingSite
from pytest_ernie.standard import Recipe
from pytest_ernie.trainers.hosts import ONE, Hosts, hosts_of
from pytest_ernie.trainers.layouts import Layout, as_recorded, environment_of, find
from pytest_ernie.trainers.protocol import TrainingJob

PADDLES_KINDS = ("paddleformers", "erniekit")
"""Trainers that the published layouts are written for."""


class Setup(Struct, frozen=True, kw_only=True):
    """Layout, this host's cards, all hosts, and the chip's variables."""

    layout: Layout
    cards: tuple[str, ...]
    hosts: Hosts
    environment: dict[str, str]
    checkpoint_steps: int | None
    """Steps between checkpoints; it is no part of the key: a run that goes on is still that run."""

    @property
    def all_cards(self) -> int:
        """Cards of all hosts; a CPU counts as one."""
        return max(1, len(self.cards)) * self.hosts.count

    @property
    def key(self) -> dict[str, Any]:
        """Return what of it belongs to a measurement's key: nothing where it is one card's plain layout."""
        layout = msgspec.structs.replace(
            self.layout, min_cards=None, source=None, derived=(), site=()
        )
        told = {} if layout == Layout() else {"layout": msgspec.to_builtins(layout)}
        return told if self.hosts == ONE else {**told, "hosts": self.hosts.count}

    def job(
        self,
        recipe: Recipe,
        *,
        checkpoint: str,
        data: str,
        workdir: Path,
        device: Device,
        threads: int | None,
        multimodal: bool,
    ) -> TrainingJob:
        """Return the run of a recipe that is set up so."""
        return TrainingJob(
            recipe=recipe,
            checkpoint=checkpoint,
            data=data,
            workdir=str(workdir),
            paddle_device=device.paddle_name,
            cards=self.cards,
            visible_variable=device.visible_variable,
            threads=threads,
            multimodal=multimodal,
            tensor_parallel=self.layout.tensor_parallel,
            pipeline_parallel=self.layout.pipeline_parallel,
            micro_batch=self.layout.micro_batch,
            settings=self.layout.settings,
            hosts=self.hosts,
            device_environment=self.environment,
            checkpoint_steps=self.checkpoint_steps,
        )

    def recorded(self, recipe: Recipe) -> dict[str, Any]:
        """Return what the evidence says of it; TrainerError if the batch doesn't divide."""
        return as_recorded(recipe, self.layout, self.all_cards, self.hosts.count)


def setup_of(
    recipe: Recipe,
    *,
    length: int,
    device: str,
    site: Site,
    cards: tuple[str, ...],
    environment: Mapping[str, str],
    kind: str | None = None,
) -> Setup:
    """
    Return how a recipe is trained at a length, tokens, on a kind of device.

    ``cards`` are this host's, ``environment`` is this process's, ``kind`` the trainer's name.
    """
    trainer = kind or (site.trainer.kind if site.trainer else "paddleformers")
    asked = TrainingSite()
    if recipe.model in site.models:
        asked = site.models[recipe.model].trained_as(recipe.method, length)
    layout = Layout()
    if trainer in PADDLES_KINDS and device != "cpu":
        layout = find(recipe.model, device, recipe.method, length)
    return Setup(
        layout=_replaced(layout, asked),
        cards=_some(cards, asked.cards, recipe.model),
        hosts=_hosts(site, asked, environment),
        environment=environment_of(device) if trainer in PADDLES_KINDS else {},
        checkpoint_steps=asked.checkpoint_steps or recipe.checkpoint_steps,
    )


def _replaced(layout: Layout, asked: TrainingSite) -> Layout:
    """Return the layout with what the site file says, each value named."""
    said: dict[str, Any] = {
        name: value
        for name in ("tensor_parallel", "pipeline_parallel", "micro_batch")
        if (value := getattr(asked, name)) is not None
    }
    told = tuple(f"{name} {value}" for name, value in said.items())
    if asked.settings:
        said["settings"] = layout.settings | asked.settings
        told += tuple(f"{name} {value}" for name, value in asked.settings.items())
    if not said:
        return layout
    if "tensor_parallel" in said or "pipeline_parallel" in said:
        said["min_cards"] = None  # it was said of another split
    return msgspec.structs.replace(layout, **said, site=told)


def _some(cards: tuple[str, ...], asked: int | None, model: str) -> tuple[str, ...]:
    if asked is None:
        return cards
    if asked > len(cards):
        raise SiteError(
            "more cards are asked for than the site file has",
            where=f'[models."{model}"] training, cards',
            got=asked,
            wanted=f"at most {len(cards)}",
        )
    return cards[:asked]


def _hosts(site: Site, asked: TrainingSite, environment: Mapping[str, str]) -> Hosts:
    trainer = site.trainer
    if trainer is None:
        return ONE
    return hosts_of(trainer.hosts, trainer.master, trainer.rank, environment, needed=asked.hosts)
