"""
How a training run is split over cards: what is published, what is derived, and what a site says instead.

    what was asked      model, kind of device, method, sequence length
    published           just that: taken as it is
    derived             the nearest one; every step says so in words, and the site file may replace any value

The steps, each only if the one before finds nothing: the length's own layout; a larger length's; a smaller
length's, with recomputation; the GPU's. A layout changes memory and speed; both sides' may differ (R14), and
the evidence holds it.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pytest_ernie.errors import TrainerError
from pytest_ernie.standard.recipe import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (3.10 only)
    import tomli as tomllib

FALLBACK = "gpu"
Setting = str | int | float | bool


class _Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Device(_Data, frozen=True, kw_only=True):
    """A kind of device that ERNIEKit documents, and what its trainers need whatever they train."""

    kind: str
    environment: dict[str, str] = {}
    note: str = ""


class Published(_Data, frozen=True, kw_only=True):
    """One published layout, or a derived one that says so."""

    model: str
    device: str
    method: str
    lengths: Annotated[tuple[int, ...], Meta(min_length=1)]
    """Sequence lengths, tokens, for which just this is published."""
    tensor_parallel: Annotated[int, Meta(ge=1)]
    pipeline_parallel: Annotated[int, Meta(ge=1)]
    min_cards: Annotated[int, Meta(ge=1)] | None = None
    """What the documents ask for at least; None where they say nothing."""
    settings: dict[str, Setting] = {}
    source: Annotated[str, Meta(min_length=1)]
    derived: tuple[str, ...] = ()


class Table(_Data, frozen=True, kw_only=True):
    """The whole file."""

    schema: int
    devices: tuple[Device, ...]
    layouts: tuple[Published, ...]

    def __post_init__(self) -> None:
        kinds = [device.kind for device in self.devices]
        seen: set[tuple[str, str, str, int]] = set()
        for layout in self.layouts:
            name = f"{layout.model} {layout.device} {layout.method}"
            if layout.device not in kinds:
                raise ValueError(f"{name}: device {layout.device} isn't listed")
            for length in layout.lengths:
                key = (layout.model, layout.device, layout.method, length)
                if key in seen:
                    raise ValueError(f"{name}: length {length} is there twice")
                seen.add(key)


class Layout(Struct, frozen=True, kw_only=True):
    """How a run is split over cards, and where that is from."""

    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    micro_batch: int | None = None
    """Samples at once on a replica; None: the recipe's."""
    settings: dict[str, Setting] = {}
    """What the chip needs besides, in PaddleFormers' names."""
    min_cards: int | None = None
    """What the documents ask for at least."""
    source: str | None = None
    """The published configuration; None where there is none."""
    derived: tuple[str, ...] = ()
    """What of it isn't published, a clause each."""
    site: tuple[str, ...] = ()
    """What the site file says instead."""

    @property
    def replica(self) -> int:
        """Cards that hold one copy of the model."""
        return self.tensor_parallel * self.pipeline_parallel

    @property
    def least(self) -> int:
        """Cards without which nobody expects it to fit."""
        return max(self.replica, self.min_cards or 1)


@lru_cache(maxsize=1)
def table() -> Table:
    """Return the shipped table."""
    text = (resources.files(__package__) / "layouts.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Table, strict=True)


def environment_of(device: str) -> dict[str, str]:
    """Return the variables that a kind of device needs for training, as its documents have them."""
    return next((dict(d.environment) for d in table().devices if d.kind == device), {})


def find(model: str, device: str, method: str, length: int) -> Layout:
    """
    Return the layout of a model on a kind of device, published or derived.

    One card a replica, with nothing published, for a model that the table doesn't know (a rehearsal's).
    """
    for kind in dict.fromkeys((device, FALLBACK)):
        found = _by_length(model, kind, method, length)
        if found is None:
            continue
        published, derived, settings = found
        if kind != device:
            derived += (f"{device} from the layout for {kind}",)
        return Layout(
            tensor_parallel=published.tensor_parallel,
            pipeline_parallel=published.pipeline_parallel,
            settings=settings,
            min_cards=published.min_cards if kind == device else None,
            source=f"PaddlePaddle/ERNIE, {published.source}",
            derived=(*published.derived, *derived),
        )
    return Layout()


def _by_length(
    model: str, device: str, method: str, length: int
) -> tuple[Published, tuple[str, ...], dict[str, Setting]] | None:
    """Return the layout of the length, else of the next larger, else of the largest, recomputing."""
    layouts = {
        own: layout
        for layout in table().layouts
        if (layout.model, layout.device, layout.method) == (model, device, method)
        for own in layout.lengths
    }
    if not layouts:
        return None
    if length in layouts:
        return layouts[length], (), dict(layouts[length].settings)
    larger = [own for own in layouts if own > length]
    nearest = min(larger) if larger else max(layouts)
    step = f"length {length} from the layout for {nearest}"
    settings = dict(layouts[nearest].settings)
    if not larger and settings.get("recompute_granularity") != "full":
        settings["recompute_granularity"] = "full"
        step += ", with recomputation"
    return layouts[nearest], (step,), settings


def replicas_of(layout: Layout, cards: int, where: str) -> int:
    """
    Return how many copies of the model the cards hold; TrainerError if they don't split evenly.
    """
    if cards % layout.replica or cards < layout.replica:
        raise TrainerError(
            f"{cards} cards can't be split into replicas of {layout.tensor_parallel} x "
            f"{layout.pipeline_parallel} (tensor x pipeline)",
            where=where,
            fix=f"Give a multiple of {layout.replica} cards, or another layout in the site file",
        )
    return cards // layout.replica


def accumulation_of(recipe: Recipe, layout: Layout, cards: int) -> int:
    """
    Return how many micro batches a replica adds up per step: global / (micro * replicas).

    TrainerError if it doesn't divide: the reference trained with this global batch, and so must this side.
    """
    where = f"{recipe.model} {recipe.method}"
    replicas = replicas_of(layout, cards, where)
    micro = layout.micro_batch or recipe.micro_batch
    if recipe.global_batch % (micro * replicas):
        usable = [
            n * layout.replica
            for n in range(replicas, 0, -1)
            if recipe.global_batch % (micro * n) == 0
        ]
        advice = (
            f"{usable[0]} of the cards"
            if usable
            else f"a micro batch that divides {recipe.global_batch}"
        )
        raise TrainerError(
            f"global_batch {recipe.global_batch} is no multiple of micro_batch {micro} x "
            f"{replicas} replicas",
            where=where,
            fix=f"Use {advice}: the reference trained with this batch",
        )
    return recipe.global_batch // (micro * replicas)


def as_recorded(recipe: Recipe, layout: Layout, cards: int, hosts: int) -> dict[str, Any]:
    """Return what the evidence says of a run's layout."""
    replicas = replicas_of(layout, cards, recipe.model)
    return {
        "cards": cards,
        "hosts": hosts,
        "tensor_parallel": layout.tensor_parallel,
        "pipeline_parallel": layout.pipeline_parallel,
        "replicas": replicas,
        "micro_batch": layout.micro_batch or recipe.micro_batch,
        "accumulation": accumulation_of(recipe, layout, cards),
        "source": layout.source,
        "derived": layout.derived,
        "site": layout.site,
    }
