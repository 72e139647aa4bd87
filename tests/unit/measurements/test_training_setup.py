"""
How a run is set up: the published layout, and what the site file says instead.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.errors import SiteError, TrainerError
from pytest_ernie.measurements.training_setup import Setup, setup_of
from pytest_ernie.site import ModelSite, Site, TrainerSite, TrainingSite
from pytest_ernie.standard import Recipe, load

EIGHT = tuple(map(str, range(8)))


def recipe(model: str = "ERNIE-4.5-21B-A3B", edition: str = "ernie-4.5") -> Recipe:
    """The SFT of a model."""
    found = load(edition).recipe(model, "sft")
    assert found is not None
    return found


def setup(
    training: dict[str, TrainingSite] | None = None,
    *,
    length: int = 8192,
    device: str = "gpu",
    kind: str = "paddleformers",
    **trainer: Any,
) -> Setup:
    """The set-up of the 21B on eight cards."""
    own = recipe()
    site = Site(
        cards=EIGHT,
        trainer=TrainerSite(kind=kind, python="python", **trainer),
        models={own.model: ModelSite(checkpoint="weights", training=training or {})},
    )
    return setup_of(own, length=length, device=device, site=site, cards=EIGHT, environment={})


def test_without_a_word_it_is_the_published_layout() -> None:
    """
    2 x 1 on eight cards: four replicas, two micro batches each.
    """
    told = setup().recorded(recipe())

    assert (4, 2, ()) == (told["replicas"], told["accumulation"], told["site"])
    assert "run_sft_8k.yaml" in told["source"]


def test_the_site_file_replaces_values_by_name() -> None:
    """
    Cards, sizes, micro batch and settings; the evidence says which are the site's.
    """
    own = setup(
        {
            "sft": TrainingSite(
                tensor_parallel=4, micro_batch=4, cards=4, settings={"sharding": "stage2"}
            )
        }
    )

    assert (EIGHT[:4], 4, 4, 1) == (
        own.cards,
        own.layout.tensor_parallel,
        own.layout.micro_batch,
        own.layout.pipeline_parallel,
    )
    assert ("tensor_parallel 4", "micro_batch 4", "sharding stage2") == own.layout.site
    assert own.layout.settings["moe_group"] == "mp"
    assert own.layout.least == 4


def test_a_lengths_own_table_stands_before_the_methods() -> None:
    """
    What it doesn't say is the method's.
    """
    tables = {
        "sft": TrainingSite(tensor_parallel=4, micro_batch=2),
        "sft-128K": TrainingSite(tensor_parallel=8),
    }

    assert (4, 2) == _sizes(setup(tables))
    assert (8, 2) == _sizes(setup(tables, length=131072))


def _sizes(own: Setup) -> tuple[int, int | None]:
    return own.layout.tensor_parallel, own.layout.micro_batch


def test_more_cards_than_there_are_is_refused() -> None:
    """
    By name of the table that asks for them.
    """
    with pytest.raises(SiteError, match=r"more cards are asked for .* got 9; wanted at most 8"):
        setup({"sft": TrainingSite(cards=9)})


def test_cards_that_do_not_fit_the_batch_are_refused() -> None:
    """
    Six cards are three replicas of two, and three don't divide eight samples.
    """
    with pytest.raises(TrainerError, match=r"no multiple of micro_batch 1 x 3 replicas.*Use 4 of"):
        setup({"sft": TrainingSite(cards=6)}).recorded(recipe())


def test_several_hosts_multiply_the_cards() -> None:
    """
    And a model may need other hosts than the rest.
    """
    several = setup(hosts=2, master="10.0.0.1:8090", kind="erniekit")
    one = setup({"sft": TrainingSite(hosts=1)}, hosts=2, master="10.0.0.1:8090")

    assert (16, 8) == (several.all_cards, one.all_cards)
    assert {"hosts": 2} == {k: v for k, v in several.key.items() if k == "hosts"}


def test_another_trainer_gets_no_layout_of_paddles() -> None:
    """
    Its settings would mean nothing there.
    """
    own = setup(kind="transformers")

    assert (1, {}, None, {}) == (
        own.layout.replica,
        own.layout.settings,
        own.layout.source,
        own.environment,
    )


def test_the_rehearsals_key_is_what_it_was() -> None:
    """
    One card's plain layout adds nothing, so that what is recorded is found again.
    """
    tiny = recipe("ERNIE-4.5-tiny", "rehearsal")
    own = setup_of(tiny, length=256, device="cpu", site=Site(), cards=(), environment={})

    assert ({}, 1, {}) == (own.key, own.all_cards, own.environment)


def test_another_layout_is_another_measurement() -> None:
    """
    Where it is from isn't part of the key; its sizes are.
    """
    assert setup().key["layout"]["tensor_parallel"] == 2
    assert setup().key != setup({"sft": TrainingSite(tensor_parallel=4)}).key
    assert setup({"sft": TrainingSite(tensor_parallel=2)}).key == setup().key
