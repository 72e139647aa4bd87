"""
The recipes of the official edition: complete, published or marked as derived, and known by their digest.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import StandardError
from pytest_ernie.standard import Edition, Recipe, load, parse
from pytest_ernie.standard.loader import _EDITIONS
from pytest_ernie.standard.recipe import differences

EDITION = load("ernie-4.5")
LENGTHS = (8192, 32768, 131072)
ALL = [(m.name, k, n) for m in EDITION.models for k in EDITION.methods for n in LENGTHS]


def recipe(
    model: str, method: str, length: int | None = None, edition: Edition = EDITION
) -> Recipe:
    """The recipe, which must be there."""
    found = edition.recipe(model, method, length)
    assert found is not None
    return found


@pytest.mark.parametrize(("model", "method", "length"), ALL)
def test_every_model_method_and_length_has_a_recipe(model: str, method: str, length: int) -> None:
    """
    30 of them, each of just that length, each with where it is from.
    """
    own = recipe(model, method, length)

    assert (length, 500, ()) == (own.sequence_length, own.steps, own.also_at)
    assert own.source.startswith("PaddlePaddle/ERNIE, examples/configs/")


def test_what_nobody_publishes_is_marked() -> None:
    """
    No full SFT of the 424B, no LoRA at 128K of the two A47B models in bfloat16, no float32 moments at 128K.
    """
    derived = {key for key in ALL if recipe(*key).derived}

    assert derived == {
        *(("ERNIE-4.5-424B-A47B", "sft", length) for length in LENGTHS),
        ("ERNIE-4.5-424B-A47B", "sft_lora", 131072),
        ("ERNIE-4.5-300B-A47B", "sft_lora", 131072),
        ("ERNIE-4.5-300B-A47B", "sft", 131072),
    }


@pytest.mark.parametrize(
    ("key", "figures"),
    [
        (("ERNIE-4.5-0.3B", "sft", 8192), (23, 8, 1e-5, 20, 0.1, 0.95, None)),
        (("ERNIE-4.5-0.3B", "sft", 131072), (23, 16, 1e-5, 20, 0.1, 0.95, None)),
        (("ERNIE-4.5-0.3B", "sft_lora", 8192), (23, 8, 1e-4, 20, 0.01, 0.95, 32)),
        (("ERNIE-4.5-21B-A3B", "sft_lora", 32768), (23, 8, 1e-4, 20, 0.1, 0.95, 32)),
        (("ERNIE-4.5-300B-A47B", "sft_lora", 8192), (23, 8, 1e-4, 20, 0.1, 0.999, 32)),
        (("ERNIE-4.5-28B-A3B", "sft", 8192), (42, 4, 1e-5, 100, 0.1, 0.95, None)),
        (("ERNIE-4.5-424B-A47B", "sft_lora", 8192), (42, 4, 3e-4, 0, 0.1, 0.95, 32)),
    ],
)
def test_figures_are_the_published_ones(
    key: tuple[str, str, int], figures: tuple[Any, ...]
) -> None:
    """
    Seed, global batch, learning rate, warm-up, weight decay, beta 2, rank.
    """
    r = recipe(*key)

    assert figures == (
        r.seed,
        r.global_batch,
        r.learning_rate,
        r.warmup_steps,
        r.weight_decay,
        r.adam_beta2,
        r.lora_rank,
    )


def test_the_run_of_500_steps_is_that_of_8k() -> None:
    """
    Asked for no length, the edition gives the shortest.
    """
    assert {8192} == {recipe(model, method).sequence_length for model, method, _ in ALL}


def test_a_length_without_a_recipe_of_its_own_takes_the_shortest() -> None:
    """
    The rehearsal has one recipe a method, and divides the lengths.
    """
    rehearsal = load("rehearsal")

    assert 256 == recipe("ERNIE-4.5-tiny", "sft", 32768, rehearsal).sequence_length


def test_the_digest_is_of_the_run_and_nothing_beside_it() -> None:
    """
    Where a recipe is from doesn't change it; each hyper-parameter does.
    """
    own = recipe("ERNIE-4.5-28B-A3B", "sft_lora")
    told = msgspec.structs.replace(own, source="elsewhere", derived=("a step",), also_at=(1,))
    others = [
        msgspec.structs.replace(own, **change)
        for change in (
            {"seed": 43}, {"learning_rate": 1e-4}, {"warmup_steps": 99}, {"schedule": "linear"},
            {"global_batch": 8}, {"micro_batch": 2}, {"precision": "float32"}, {"lora_rank": 16},
            {"frozen": None}, {"loss_scale": None}, {"gate_learning_rate_ratio": None},
            {"sequence_length": 32768}, {"steps": 501}, {"min_learning_rate": 0.0},
        )
    ]  # fmt: skip

    assert own.digest == told.digest
    assert len({own.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_recipes_without_the_newer_fields_keep_their_digest() -> None:
    """
    The shipped reference and everything recorded before stay readable.
    """
    digest = recipe("ERNIE-4.5-tiny", "sft", edition=load("rehearsal")).digest

    assert "27d491923fcdb902b7eb0c845343d727a25d7af847336494f986ff2b565c1d3f" == digest
    assert "frozen" not in recipe("ERNIE-4.5-0.3B", "sft").identity


def test_differences_are_named_with_both_values() -> None:
    """
    What only one side has is "none" on the other.
    """
    own = recipe("ERNIE-4.5-28B-A3B", "sft").identity
    other = {**own, "seed": 7}
    del other["frozen"]

    assert ("frozen vision against none", "seed 42 against 7") == differences(own, other)
    assert () == differences(own, dict(own))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("also_at = [32768]\n", "also_at = [8192]\n", "the recipe is there twice; got 8192 tokens"),
        ("steps = 500\n", "steps = 499\n", "ends before the last step that is judged; got 499"),
        ("lora_rank = 32\n", "", "lora_rank belongs to sft_lora"),
        (re.compile(r"source = .*\n(?=derived)"), "", "a derived recipe has no source"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(old: Any, new: str, words: str) -> None:
    """
    While the file is read, and never in the twelfth hour.
    """
    text = (_EDITIONS / "ernie-4.5.toml").read_text(encoding="utf-8")
    changed = old.sub(new, text) if isinstance(old, re.Pattern) else text.replace(old, new, 1)

    with pytest.raises(StandardError, match=words):
        parse(changed, "edition.toml")
