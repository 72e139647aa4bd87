"""
The site file's words about training: how models are split over cards, and what they are trained on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.site import MixturePart, ModelSite, Site, TrainerSite, missing_from, read_site
from pytest_ernie.standard import criteria, load

OFFICIAL = load("ernie-4.5")
SMALL = "ERNIE-4.5-0.3B"


def written(folder: Path, text: str) -> Path:
    """Write a site file."""
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


TRAINED = """
[trainer]
kind = "paddleformers"
python = "/opt/train/bin/python"
hosts = "scheduler"

[models."ERNIE-4.5-21B-A3B"]
checkpoint = "/weights/21B"
training_mixture = "mine"

[models."ERNIE-4.5-21B-A3B".training.sft]
tensor_parallel = 4
settings = { sharding = "stage1" }

[models."ERNIE-4.5-21B-A3B".training.sft-128K]
tensor_parallel = 8

[[mixtures.mine]]
data = "arc.jsonl"
share = 0.2
"""


def test_how_a_model_is_trained_is_read(tmp_path: Path) -> None:
    """
    By method, by method and length, and on what; a mixture's files are relative to the site file.
    """
    site = read_site(written(tmp_path, TRAINED))
    model = site.models["ERNIE-4.5-21B-A3B"]

    assert site.trainer is not None
    assert "scheduler" == site.trainer.hosts
    assert (4, 8, 8) == (
        model.trained_as("sft", 8192).tensor_parallel,
        model.trained_as("sft", 131072).tensor_parallel,
        model.trained_as("sft", 131072).tensor_parallel,
    )
    assert {"sharding": "stage1"} == model.trained_as("sft", 131072).settings
    assert None is model.trained_as("sft_lora", 8192).tensor_parallel
    assert str(tmp_path / "arc.jsonl") == site.mixtures["mine"][0].data


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("training.sft-128K", "training.sft-64K", "sft"),
        ("training.sft-128K", "training.dpo", "sft"),
        ('"scheduler"', '"slurm"', "hosts|enum|scheduler"),
        ('"scheduler"', "0", "hosts"),
        ("tensor_parallel = 8", "tensor_paralel = 8", "tensor_paralel"),
        ('training_mixture = "mine"', 'training_mixture = "yours"', "there is no mixture yours"),
        (
            'training_mixture = "mine"',
            'training_mixture = "mine"\ntraining_data = "x"',
            "training_data and training_mixture are both given",
        ),
        ("share = 0.2", "share = 0.0", "share"),
    ],
)
def test_a_training_that_is_written_wrong_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    """
    A key that is silently dropped costs a night.
    """
    with pytest.raises(SiteError, match=words):
        read_site(written(tmp_path, TRAINED.replace(old, new)))


def test_a_mixture_is_training_data_as_well() -> None:
    """
    What has one isn't asked for the other.
    """
    model = ModelSite(checkpoint="w", training_mixture="mine")
    site = Site(
        trainer=TrainerSite(kind="paddleformers", python="python"),
        mixtures={"mine": (MixturePart(data="a", share=1.0),)},
        models={SMALL: model},
    )

    loss = tuple(c for c in criteria(OFFICIAL) if c.clause == "training.loss" and c.model == SMALL)

    asked = missing_from(site, OFFICIAL, loss, endpoint=False)

    assert () == asked
