"""
A reference that trained by another recipe is no reference, and says what differs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from pytest_ernie.errors import EvidenceError, EvidenceMissing
from pytest_ernie.evidence import Store, Subject
from pytest_ernie.measurements.reference import Reference
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.standard import Recipe, load

EDITION = load("ernie-4.5")


def recipe(**changes: Any) -> Recipe:
    """The official recipe of the 0.3B, changed."""
    found = EDITION.recipe("ERNIE-4.5-0.3B", "sft")
    assert found is not None
    return msgspec.structs.replace(found, **changes)


def plan(own: Recipe) -> TrainingPlan:
    """The run of 500 steps by a recipe."""
    return TrainingPlan(edition=EDITION.name, recipe=own)


def reference(folder: Path, trained_by: Recipe, **data: Any) -> Reference:
    """A reference that holds one run."""
    subject = Subject(device={}, toolchain="t", checkpoint="c", launch={})
    with Store(folder).recording(plan(trained_by).what, subject, "0" * 64) as kept:
        kept.finish({"recipe": trained_by.identity, **data})
    settings = type("Settings", (), {})()
    settings.edition, settings.reference, settings.record_reference = EDITION, folder, False
    return Reference(cast("Any", settings))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 24}, "seed 23 against 24 in the reference"),
        ({"schedule": "linear"}, "schedule cosine against linear"),
        ({"global_batch": 16}, "global_batch 8 against 16"),
        ({"precision": "float32"}, "precision bfloat16 against float32"),
        (
            {"learning_rate": 2e-5, "seed": 1},
            "learning_rate 1e-05 against 2e-05; seed 23 against 1",
        ),
    ],
)
def test_the_difference_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """R14: seed, schedule, global batch and precision are equal, or there is no comparison."""
    other = reference(tmp_path, recipe(**change))

    with pytest.raises(EvidenceError, match=f"don't train by the same recipe.*{words}"):
        other.record(plan(recipe()))


def test_a_record_without_its_recipe_is_refused_as_well(tmp_path: Path) -> None:
    """Evidence of before knows only the digest."""
    other = reference(tmp_path, recipe(seed=24), recipe={})
    record = other.record(plan(recipe(seed=24)))
    del record.data["recipe"]

    with pytest.raises(EvidenceError, match="don't train by the same recipe"):
        other.record(plan(recipe()))


def test_the_same_recipe_is_found(tmp_path: Path) -> None:
    """Where it is published matters to nobody."""
    other = reference(tmp_path, recipe())

    assert other.record(plan(recipe(source="elsewhere"))).data["recipe"]["seed"] == 23


def test_another_model_is_just_missing(tmp_path: Path) -> None:
    """Nothing was trained by another recipe; it wasn't trained at all."""
    other = reference(tmp_path, recipe())

    with pytest.raises(EvidenceMissing, match=r"the reference holds no training\.run"):
        other.record(plan(recipe(model="ERNIE-4.5-21B-A3B")))
