"""
The launch configurations that an engine's authors publish, and what is derived where they publish none.

    what was asked      model, kind of device, data type, window
    published           just that: taken as it is
    derived             the nearest one, changed as little as can be; every step says so in words, and the
                        site file may replace any value

The steps, each only if the one before finds nothing: the window's own configuration; a larger window's;
a smaller window's with as many fewer requests at once; a coarser data type's; the GPU's.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pytest_ernie.errors import EngineError

from .flags import FLAGS

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover (3.10 only)
    import tomli as tomllib

COARSER: dict[str, tuple[str, ...]] = {
    "w4a8": ("wint4", "wint8"),
    "wint4": ("wint8",),
    "wint8": (),
    "bf16": (),
    "wint2": (),
}
"""Data types whose configuration holds for a finer one as well: its weights need no more memory."""
ONLINE = ("wint8", "wint4")
"""Data types into which FastDeploy quantizes the published bfloat16 weights while loading them."""
FALLBACK = "gpu"
DEFAULT_MAX_NUM_SEQS = 8
"""FastDeploy's own."""


class _Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Device(_Data, frozen=True, kw_only=True):
    """A kind of device that FastDeploy documents, and the flags that it needs whatever it serves."""

    kind: str
    flags: dict[str, Any] = {}
    note: str = ""


class Recipe(_Data, frozen=True, kw_only=True):
    """One published configuration."""

    model: str
    device: str
    datatype: str
    windows: Annotated[tuple[int, ...], Meta(min_length=1)]
    """Windows, tokens, for which just this is published."""
    tensor_parallel: Annotated[int, Meta(ge=1)]
    max_num_seqs: Annotated[int, Meta(ge=1)] | None = None
    """None: FastDeploy's own default, and nobody's tuning."""
    memory_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    """None: FastDeploy's own default, 0.9."""
    flags: dict[str, Any] = {}
    checkpoint: str | None = None
    """A published checkpoint that stands in the model's place."""
    source: Annotated[str, Meta(min_length=1)]


class Table(_Data, frozen=True, kw_only=True):
    """The whole file."""

    schema: int
    devices: tuple[Device, ...]
    recipes: tuple[Recipe, ...]

    def __post_init__(self) -> None:
        kinds = [device.kind for device in self.devices]
        seen: set[tuple[str, str, str, int]] = set()
        entries: list[Device | Recipe] = [*self.devices, *self.recipes]
        for entry in entries:
            for name in entry.flags:
                if name not in FLAGS:
                    raise ValueError(f"{_name(entry)}: there is no flag {name}")
        for recipe in self.recipes:
            if recipe.device not in kinds:
                raise ValueError(f"{_name(recipe)}: device {recipe.device} isn't listed")
            for window in recipe.windows:
                key = (recipe.model, recipe.device, recipe.datatype, window)
                if key in seen:
                    raise ValueError(f"{_name(recipe)}: window {window} is there twice")
                seen.add(key)


class Configuration(Struct, frozen=True, kw_only=True):
    """What is to be launched, and where it comes from."""

    tensor_parallel: int
    max_num_seqs: int
    memory_share: float | None
    flags: dict[str, Any]
    """By newest names; those of the device included."""
    checkpoint: str | None
    """Name of the published checkpoint that the data type needs; None: the model's own."""
    needs_own_checkpoint: bool
    """The data type isn't made from the model's own weights while they are loaded."""
    source: str
    derived: tuple[str, ...]
    """What isn't published, a clause each; empty where everything is."""


def _name(entry: Device | Recipe) -> str:
    if isinstance(entry, Device):
        return f"device {entry.kind}"
    return f"recipe {entry.model} {entry.device} {entry.datatype}"


@lru_cache(maxsize=1)
def table() -> Table:
    """Return the shipped table."""
    text = (resources.files(__package__) / "recipes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Table, strict=True)


def find(model: str, device: str, datatype: str, window: int) -> Configuration:
    """
    Return the configuration for a model on a kind of device, published or derived.

    EngineError for a device that FastDeploy documents nothing for, or a model that it doesn't.
    """
    known = {each.kind: each for each in table().devices}
    if device not in known:
        raise EngineError(
            "FastDeploy documents nothing for this kind of device",
            got=device,
            wanted=f"one of {', '.join(known)}",
            fix='Name the engine that serves there ([engine] kind = "vllm"), or an --endpoint',
        )
    for kind in dict.fromkeys((device, FALLBACK)):
        for type in (datatype, *COARSER.get(datatype, ())):
            found = _by_window(model, kind, type, window)
            if found is None:
                continue
            recipe, derived = found
            if type != datatype:
                derived += (f"{datatype} from the configuration for {type}",)
            if kind != device:
                derived += (f"{device} from the configuration for {kind}",)
            return _configuration(recipe, known[device], datatype, derived)
    raise EngineError(
        "FastDeploy's authors publish no configuration that this could be derived from",
        got=f"{model}, {datatype} on {device}",
        fix="Give tensor_parallel and max_num_seqs in the site file",
    )


def _by_window(
    model: str, device: str, datatype: str, window: int
) -> tuple[Recipe, tuple[str, ...]] | None:
    """Return the recipe of the window, else of the next larger, else of the largest one, cut down."""
    recipes = {
        length: recipe
        for recipe in table().recipes
        if (recipe.model, recipe.device, recipe.datatype) == (model, device, datatype)
        for length in recipe.windows
    }
    if window in recipes:
        return recipes[window], ()
    if larger := [length for length in recipes if length > window]:
        nearest = min(larger)
        return recipes[nearest], (f"window {window} from the configuration for {nearest}",)
    if not recipes:
        return None
    nearest = max(recipes)
    recipe = recipes[nearest]
    step = f"window {window} from the configuration for {nearest}"
    if recipe.max_num_seqs is None:
        return recipe, (step,)
    seqs = max(1, recipe.max_num_seqs * nearest // window)
    step += f", with max-num-seqs {recipe.max_num_seqs} * {nearest} / {window} = {seqs}"
    return msgspec.structs.replace(recipe, max_num_seqs=seqs), (step,)


def _configuration(
    recipe: Recipe, device: Device, datatype: str, derived: tuple[str, ...]
) -> Configuration:
    own = datatype not in (*ONLINE, "bf16")
    if own and recipe.checkpoint is None:
        derived += (f"nobody publishes a {datatype} checkpoint of {recipe.model}",)
    # The newer loader doesn't take pre-quantized W4A8 weights.
    loader = {"load-choices": "default"} if datatype == "w4a8" else {}
    return Configuration(
        tensor_parallel=recipe.tensor_parallel,
        max_num_seqs=recipe.max_num_seqs or DEFAULT_MAX_NUM_SEQS,
        memory_share=recipe.memory_share,
        flags={**device.flags, **loader, **recipe.flags},
        checkpoint=recipe.checkpoint,
        needs_own_checkpoint=own,
        source=f"PaddlePaddle/FastDeploy, {recipe.source}",
        derived=derived,
    )
