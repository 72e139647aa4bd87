"""
What a server is launched with: the site file's word, else what the engine's authors publish.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from pytest_ernie.devices.topology import disjoint_sets
from pytest_ernie.engines.protocol import Configuration, Configures, Launch
from pytest_ernie.errors import EngineError, SiteError
from pytest_ernie.site import EngineSite, ServingSite, Site

if TYPE_CHECKING:
    from pytest_ernie.devices import Device
    from pytest_ernie.engines.protocol import Engine

MAX_NUM_SEQS = 64
"""Of an engine that nobody publishes configurations for."""


class Origin(Struct, frozen=True, kw_only=True):
    """Where a launch's values come from; recorded, and part of no key."""

    source: str | None
    """The published configuration; None where there is none to begin with."""
    derived: tuple[str, ...]
    """How it departs from what is published, a clause each."""
    site: tuple[str, ...]
    """Values that the site file gives."""
    checkpoint: str | None = None
    """Name of a published checkpoint that the data type needs in the model's place."""
    needs_own_checkpoint: bool = False
    """The data type can't be made from the model's own weights."""


class Planned(Struct, frozen=True, kw_only=True):
    """A launch and where it comes from."""

    launch: Launch
    origin: Origin


def server_variables(device: Device, site: Site, cards: tuple[str, ...]) -> dict[str, str]:
    """
    Return the variables with which the device's servers start on these cards.

    The site's ``[engine] env`` wins over what the chip's documents set, never over the cards.
    """
    stated = site.engine.env if site.engine else {}
    chosen = {device.visible_variable: ",".join(cards)} if device.visible_variable else {}
    return {**device.engine_environment, **stated, **chosen}


def plan_launch(
    engine: Engine,
    *,
    model: str,
    datatype: str,
    window: int,
    checkpoint: str,
    device: Device,
    cards: tuple[str, ...],
    site: Site,
) -> Planned:
    """
    Return what the engine is asked to start on these cards (empty: the device has none to choose).

    The model's own table of the site file wins over ``[engine]``, that over the engine's published
    configuration. SiteError if there are fewer cards than one server needs, DeviceError if their
    links don't allow the servers that are asked for.
    """
    given = _given(model, datatype, site)
    published = _published(engine, model, device.kind, datatype, window, given)
    tensor_parallel = given.get("tensor_parallel", published.tensor_parallel if published else 1)
    if cards and tensor_parallel > len(cards):
        raise SiteError(
            f"{model} in {datatype} needs {tensor_parallel} cards",
            where="cards",
            got=f"{len(cards)}: {', '.join(cards)}",
            fix=f'Name more, or set tensor_parallel under [models."{model}".serving.{datatype}]',
        )
    replicas = given.get("replicas")
    if cards:
        replicas = len(disjoint_sets(device, cards, tensor_parallel, replicas))
    launch = Launch(
        engine=engine.name,
        model=model,
        checkpoint=checkpoint,
        datatype=datatype,
        window=window,
        max_num_seqs=given.get(
            "max_num_seqs", published.max_num_seqs if published else MAX_NUM_SEQS
        ),
        tensor_parallel=tensor_parallel,
        replicas=replicas or 1,
        memory_share=given.get("memory_share", published.memory_share if published else None),
        flags=_flags(published.flags) if published else (),
        extra=given.get("arguments", ()),
        version=site.engine.version if site.engine else None,
        reveal=site.engine.reveal if site.engine else False,
    )
    return Planned(
        launch=launch,
        origin=Origin(
            source=published.source if published else None,
            derived=published.derived if published else (),
            site=tuple(sorted(given)),
            checkpoint=published.checkpoint if published else None,
            needs_own_checkpoint=published.needs_own_checkpoint if published else False,
        ),
    )


def _given(model: str, datatype: str, site: Site) -> dict[str, Any]:
    """Return what the site file says, the more particular table first."""
    own = site.models[model].served_as(datatype) if model in site.models else None
    tables: tuple[ServingSite | EngineSite | None, ...] = (own, site.engine)
    said = [table for table in tables if table is not None]
    given: dict[str, Any] = {}
    for name in ("max_num_seqs", "tensor_parallel", "memory_share", "replicas"):
        values = [getattr(table, name) for table in said if getattr(table, name) is not None]
        if values:
            given[name] = values[0]
    # The last of two equal flags wins on a command line.
    if arguments := tuple(word for table in reversed(said) for word in table.arguments):
        given["arguments"] = arguments
    return given


def _published(
    engine: Engine, model: str, device: str, datatype: str, window: int, given: dict[str, Any]
) -> Configuration | None:
    if not isinstance(engine, Configures):
        return None
    try:
        return engine.configuration(model, device, datatype, window)
    except EngineError:
        if {"tensor_parallel", "max_num_seqs"} <= given.keys():
            return None  # the site says all that is needed
        raise


def _flags(flags: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, json.dumps(value)) for name, value in flags.items())
