"""
The weights that a site names: there, and not larger than the host can load.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pytest_ernie.devices.host import memory_gib
from pytest_ernie.preflight.finding import Check, Finding
from pytest_ernie.preflight.lab import Lab

WEIGHTS = ("*.safetensors", "*.pdparams", "*.bin")


def checks_of(lab: Lab) -> Iterator[Check]:
    """Yield a check for each folder of weights that the site file names."""
    for model, table in lab.site.models.items():
        folders = {table.checkpoint: model}
        for datatype, own in table.serving.items():
            if own.checkpoint:
                folders.setdefault(own.checkpoint, f"{model} in {datatype}")
        for folder, title in folders.items():
            yield Check(name=f"weights of {title}", run=partial(weights, title, Path(folder)))


def weights(title: str, folder: Path) -> Finding:
    """
    The folder holds weights, and the host has memory for a copy of them.

    Less is a note: a loader that maps the files needs less, one that reads them whole is killed.
    """
    size = sum(path.stat().st_size for kind in WEIGHTS for path in folder.glob(kind)) / 2**30
    gib = memory_gib()
    if not size:
        return Finding(
            name=f"weights of {title}",
            holds=False,
            got=f"no {', '.join(WEIGHTS)} in {folder}" if folder.is_dir() else f"no {folder}",
            wanted="a folder with the published weights",
            mend="Download them there, or name their folder as checkpoint in the site file",
        )
    return Finding(
        name=f"weights of {title}",
        holds=gib >= size,
        got=f"{size:.1f} GiB, and the host has {gib} GiB of memory",
        wanted="memory for a copy of them",
        mend="Where loading is killed, use a host with more memory",
        advice=True,
    )
