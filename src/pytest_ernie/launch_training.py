"""
``pytest-ernie show launch --method``: the YAML, environment and command that would start a training.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.errors import ErnieError, UsageProblem
from pytest_ernie.launch_command import CARDS, cards_shown

if TYPE_CHECKING:
    from pytest_ernie.measurements.training_setup import Setup
    from pytest_ernie.site import Site
    from pytest_ernie.standard import Edition, Recipe
    from pytest_ernie.trainers.protocol import TrainingPreview

WORKDIR = Path("RUN-FOLDER")
"""Stands for the folder of its own that a run gets in the evidence's scratch."""
DATA = "SUPERVISED-DATA.jsonl"
PYTHON = "TRAINER/bin/python"
"""Of an environment that no site file names."""
SHOWN = {"MASTER_PORT": "FREE-PORT"}
"""A port that is free is taken when a run starts."""


def lines(
    *,
    model: str,
    device: str,
    method: str,
    length: int,
    filled: bool = False,
    trainer: str | None = None,
    version: str | None = None,
    cards: int | None = None,
    site_file: Path | None = None,
) -> Iterator[str]:
    """Yield a shell script that would start a training, with its YAML and remarks."""
    from pytest_ernie.measurements.training_setup import setup_of
    from pytest_ernie.registry import Registry
    from pytest_ernie.site import Site, read_site
    from pytest_ernie.standard import load
    from pytest_ernie.trainers.protocol import Previews

    site = read_site(site_file) if site_file else Site()
    registry = Registry()
    chip = registry.find_device(device)
    edition = load("rehearsal" if device == "cpu" else "ernie-4.5")
    recipe = _recipe(edition, model, method, length, filled)
    kind = trainer or (site.trainer.kind if site.trainer else None) or "paddleformers"
    starter = registry.find_trainer(kind)
    if not isinstance(starter, Previews):
        raise UsageProblem("this trainer can't show what it would run", where="--trainer", got=kind)
    ids = cards_shown(chip.visible_variable, cards, site, site_file)
    setup = setup_of(
        recipe,
        length=length,
        device=chip.kind,
        site=site,
        cards=ids,
        environment=os.environ if site_file else {},
        kind=kind,
    )
    if not site_file and cards is None and chip.visible_variable:
        setup = _enough(setup)
    table, trained = site.models.get(model), edition.model(model)
    job = setup.job(
        recipe,
        checkpoint=table.checkpoint if table else trained.checkpoint,
        data=(table.training_data if table else None) or DATA,
        workdir=WORKDIR,
        device=chip,
        threads=site.threads,
        multimodal=trained.modality == "multimodal",
    )
    known = version or _installed_version(site, kind)
    preview = starter.preview(
        job,
        python=site.trainer.python if site.trainer else PYTHON,
        version=known,
        site_environment=site.trainer.env if site.trainer else {},
    )
    yield f"# {model} {method} at {length} tokens, on {device}"
    yield f"# {kind} {known or 'of no known version: taken for the newest'}"
    steps = edition.recipe(model, method)
    if not filled and (steps is None or recipe.digest != steps.digest):
        yield "# the suite trains at this length with samples filled to it (R12): add --filled"
    yield from _origin(recipe, setup)
    if preview.links:
        yield f"# {WORKDIR}/{preview.links}: links to the files of {job.checkpoint}"
    yield from _script(preview, setup)


def _recipe(edition: Edition, model: str, method: str, length: int, filled: bool) -> Recipe:
    find = edition.filled_recipe if filled else edition.recipe
    recipe = find(model, method, length)
    if recipe is None:
        raise UsageProblem(
            f"the edition {edition.name} has no recipe for this",
            got=f"{model} {method}",
            wanted=f"one of {', '.join(own.name for own in edition.models)}; "
            f"{' or '.join(edition.methods)}",
        )
    return recipe


def _enough(setup: Setup) -> Setup:
    """Return as many machines of eight cards as the layout asks for, or as few cards of one."""
    import msgspec

    from pytest_ernie.trainers.hosts import Hosts

    least = setup.layout.least
    if least <= CARDS:
        return msgspec.structs.replace(setup, cards=setup.cards[:least])
    count = -(-least // CARDS)
    return msgspec.structs.replace(
        setup, hosts=Hosts(count=count, master="FIRST-HOST:8090", started_by="each")
    )


def _installed_version(site: Site, kind: str) -> str | None:
    from pytest_ernie.toolchains.installed import versions_in
    from pytest_ernie.toolchains.toolchain import package_folders

    if site.trainer is None:
        return None
    try:
        folders = package_folders(kind, Path(site.trainer.python), site.trainer.env)
    except ErnieError:
        return None
    return versions_in(folders).get(kind)


def _origin(recipe: Recipe, setup: Setup) -> Iterator[str]:
    yield f"# recipe {recipe.digest[:12]}: {recipe.source or 'of the edition itself'}"
    for step in recipe.derived:
        yield f"#   derived: {step}"
    layout = setup.layout
    if layout.source:
        yield f"# layout: {layout.source}"
    for step in layout.derived:
        yield f"#   derived: {step}"
    if layout.site:
        yield f"#   from the site file: {', '.join(layout.site)}"
    told = setup.recorded(recipe)
    yield (
        f"# {_some(told['cards'], 'card')} on {_some(told['hosts'], 'host')}: "
        f"{_some(told['replicas'], 'replica')} of "
        f"{layout.tensor_parallel} x {layout.pipeline_parallel} (tensor x pipeline), "
        f"{told['accumulation']} micro batches of {told['micro_batch']} each, "
        f"{recipe.global_batch} samples a step"
    )
    if setup.all_cards < layout.least:
        yield f"# too few: the documents ask for {layout.least} cards at least"


def _some(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _script(preview: TrainingPreview, setup: Setup) -> Iterator[str]:
    """Yield the YAML as a here-document, the environment, and the command."""
    from pytest_ernie.measurements.local import SECRET

    here = f"{Path.cwd()}{os.sep}"
    if setup.hosts.started_by == "each":
        yield f"# on each of the {setup.hosts.count} hosts, with RANK=0, 1, ...; they share the folder"
    yield f"cat > {WORKDIR}/{preview.file} <<'END'"
    yield preview.config.replace(here, "").rstrip("\n")
    yield "END"
    shown = SHOWN if setup.hosts.count == 1 else {}
    for name, value in sorted(preview.environment.items()):
        text = "(set)" if SECRET.search(name) else shown.get(name, value).replace(here, "")
        yield f"export {name}={shlex.quote(text)}"
    yield f"# which starts {preview.starts.replace(here, '')}"
    yield shlex.join(word.replace(here, "") for word in preview.command)
