"""
The data sets of the accuracy clause: which are on this machine, and how to get the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pytest_ernie.accuracy.data import find, how_to_get, wanted
from pytest_ernie.preflight.finding import Check, Finding
from pytest_ernie.preflight.lab import Lab
from pytest_ernie.standard.dataset import Dataset


def checks_of(lab: Lab) -> Iterator[Check]:
    """Yield a check for each data set of the models that the lab serves; the rehearsal brings its own."""
    if lab.rehearses and not lab.named_data:
        return
    edition = lab.edition
    served = {model.modality for model in edition.models if model.name in lab.site.models}
    for dataset in edition.datasets:
        if dataset.evaluation and (not served or dataset.modality in served):
            yield Check(name=f"data set {dataset.name}", run=partial(data_set, dataset, lab))


def data_set(dataset: Dataset, lab: Lab) -> Finding:
    """Its files lie in the site's data folder or in a cache; a run downloads nothing."""
    own = lab.site.datasets.get(dataset.name)
    there = find(dataset, Path(own) if own else None, lab.data)
    return Finding(
        name=f"data set {dataset.name}",
        holds=there is not None,
        got=f"{there.folder} ({there.place})" if there else f"nothing in {own or 'any place'}",
        wanted=wanted(dataset),
        mend=how_to_get(dataset),
    )
