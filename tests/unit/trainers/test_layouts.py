"""
How runs are split over cards: published where it is, derived and said so where it isn't.
"""

from __future__ import annotations

import msgspec
import pytest

from pytest_ernie.errors import TrainerError
from pytest_ernie.standard import Recipe, load
from pytest_ernie.trainers.layouts import (
    Layout,
    Table,
    accumulation_of,
    as_recorded,
    environment_of,
    find,
    table,
)

EDITION = load("ernie-4.5")


def recipe(model: str = "ERNIE-4.5-21B-A3B", method: str = "sft") -> Recipe:
    """A recipe of the official edition."""
    found = EDITION.recipe(model, method)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("asked", "sizes", "least"),
    [
        (("ERNIE-4.5-0.3B", "gpu", "sft", 8192), (1, 1), 1),
        (("ERNIE-4.5-21B-A3B", "gpu", "sft", 8192), (2, 1), 8),
        (("ERNIE-4.5-21B-A3B", "xpu", "sft", 8192), (4, 1), 4),
        (("ERNIE-4.5-21B-A3B", "npu", "sft_lora", 8192), (4, 2), 8),
        (("ERNIE-4.5-21B-A3B", "iluvatar", "sft", 8192), (4, 4), 16),
        (("ERNIE-4.5-300B-A47B", "gpu", "sft", 32768), (8, 14), 112),
        (("ERNIE-4.5-28B-A3B", "gpu", "sft_lora", 131072), (2, 2), 4),
        (("ERNIE-4.5-424B-A47B", "gpu", "sft_lora", 8192), (8, 2), 16),
    ],
)
def test_a_published_layout_is_taken_as_it_is(
    asked: tuple[str, str, str, int], sizes: tuple[int, int], least: int
) -> None:
    """
    Sizes and least cards, with the file that says so and nothing derived.
    """
    layout = find(*asked)

    assert (sizes, least, ()) == (
        (layout.tensor_parallel, layout.pipeline_parallel),
        layout.least,
        layout.derived,
    )
    assert (layout.source or "").startswith("PaddlePaddle/ERNIE, ")


@pytest.mark.parametrize(
    ("asked", "sizes", "steps"),
    [
        # a larger length's layout holds for a smaller one
        (
            ("ERNIE-4.5-28B-A3B", "xpu", "sft", 8192),
            (4, 2),
            ["length 8192 from the layout for 32768"],
        ),
        (
            ("ERNIE-4.5-0.3B", "iluvatar", "sft", 32768),
            (1, 1),
            ["length 32768 from the layout for 8192, with recomputation"],
        ),
        # the chip's own layout of another length stands before the GPU's of this length
        (
            ("ERNIE-4.5-21B-A3B", "npu", "sft", 131072),
            (4, 2),
            ["length 131072 from the layout for 8192"],
        ),
        (("ERNIE-4.5-0.3B", "metax", "sft", 8192), (1, 1), ["metax from the layout for gpu"]),
        (
            ("ERNIE-4.5-424B-A47B", "xpu", "sft_lora", 131072),
            (8, 2),
            ["length 131072 from the layout for 32768", "xpu from the layout for gpu"],
        ),
    ],
)
def test_what_is_derived_says_from_what(
    asked: tuple[str, str, str, int], sizes: tuple[int, int], steps: list[str]
) -> None:
    """
    The nearest one, changed as little as can be.
    """
    layout = find(*asked)

    assert (sizes, steps) == (
        (layout.tensor_parallel, layout.pipeline_parallel),
        list(layout.derived),
    )


def test_recomputation_is_added_for_a_longer_sequence_only() -> None:
    """
    Not where the layout of a larger length is taken for a smaller one, and only where it isn't on.
    """
    longer = find("ERNIE-4.5-0.3B", "iluvatar", "sft", 32768)
    published = find("ERNIE-4.5-0.3B", "iluvatar", "sft", 8192)

    assert "full" == longer.settings["recompute_granularity"]
    assert "recompute_granularity" not in published.settings


def test_full_sft_of_the_largest_model_says_that_nobody_tried_it() -> None:
    """
    There is no published configuration at all.
    """
    layout = find("ERNIE-4.5-424B-A47B", "gpu", "sft", 8192)

    assert 144 == layout.least
    assert "nobody has tried it" in layout.derived[0]


def test_a_model_that_nobody_publishes_takes_one_card() -> None:
    """
    The rehearsal's.
    """
    assert Layout() == find("ERNIE-4.5-tiny", "cpu", "sft", 256)


def test_a_chips_variables_come_from_its_documents() -> None:
    """
    And a chip without documents has none.
    """
    assert "0" == environment_of("npu")["FLAGS_npu_jit_compile"]
    assert {} == environment_of("metax")


@pytest.mark.parametrize(
    ("layout", "cards", "expected"),
    [
        (Layout(), 1, 8),
        (Layout(), 8, 1),
        (Layout(tensor_parallel=2), 8, 2),
        (Layout(tensor_parallel=4, pipeline_parallel=4), 16, 8),
        (Layout(micro_batch=2), 4, 1),
    ],
)
def test_accumulation_keeps_the_global_batch(layout: Layout, cards: int, expected: int) -> None:
    """
    micro batch x replicas x accumulation is 8, however many cards there are.
    """
    assert expected == accumulation_of(recipe(), layout, cards)


@pytest.mark.parametrize(
    ("layout", "cards", "words"),
    [
        (
            Layout(),
            3,
            "global_batch 8 is no multiple of micro_batch 1 x 3 replicas.*Use 2 of the cards",
        ),
        (Layout(), 16, "1 x 16 replicas.*Use 8 of the cards"),
        (Layout(micro_batch=3), 1, "micro_batch 3 x 1 replicas.*Use a micro batch that divides 8"),
        (Layout(tensor_parallel=4), 6, "6 cards can't be split .* 4 x 1 .*multiple of 4 cards"),
        (Layout(tensor_parallel=4), 0, "0 cards can't be split"),
    ],
)
def test_what_does_not_divide_is_refused(layout: Layout, cards: int, words: str) -> None:
    """
    Another batch than the reference's is another measurement.
    """
    with pytest.raises(TrainerError, match=words):
        accumulation_of(recipe(), layout, cards)


def test_the_evidence_holds_the_whole_layout() -> None:
    """
    Sizes, replicas, micro batch and accumulation, and where they are from.
    """
    layout = find("ERNIE-4.5-21B-A3B", "gpu", "sft", 8192)

    told = as_recorded(recipe(), layout, cards=16, hosts=2)

    assert {
        "cards": 16,
        "hosts": 2,
        "tensor_parallel": 2,
        "pipeline_parallel": 1,
        "replicas": 8,
        "micro_batch": 1,
        "accumulation": 1,
        "source": layout.source,
        "derived": (),
        "site": (),
    } == told


def test_a_table_with_a_layout_twice_is_refused() -> None:
    """
    Which of the two would hold?
    """
    raw = msgspec.to_builtins(table())
    raw["layouts"] = (*raw["layouts"], raw["layouts"][0])

    with pytest.raises(msgspec.ValidationError, match="length 8192 is there twice"):
        msgspec.convert(raw, Table)
