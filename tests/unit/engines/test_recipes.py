"""
Published configurations, and what is derived where nothing is published.
"""

from __future__ import annotations

import msgspec
import pytest

from pytest_ernie.engines.fastdeploy import recipes
from pytest_ernie.engines.fastdeploy.recipes import Table, find
from pytest_ernie.errors import EngineError
from pytest_ernie.standard import load

BIG = "ERNIE-4.5-300B-A47B"


@pytest.mark.parametrize(
    ("device", "datatype", "window", "tensor_parallel", "max_num_seqs"),
    [
        ("gpu", "wint4", 131072, 8, 16),
        ("gpu", "wint8", 131072, 8, 16),
        ("gpu", "wint4", 32768, 4, 96),
        ("gpu", "wint8", 32768, 8, 96),
        ("gpu", "w4a8", 32768, 4, 96),
        ("xpu", "wint4", 131072, 8, 40),
        ("xpu", "wint4", 32768, 4, 40),
        ("xpu", "wint8", 32768, 8, 80),
    ],
)
def test_the_figures_of_the_300b_are_the_published_ones(
    device: str, datatype: str, window: int, tensor_parallel: int, max_num_seqs: int
) -> None:
    """
    As FastDeploy's authors give them, nothing derived.
    """
    found = find(BIG, device, datatype, window)

    assert (tensor_parallel, max_num_seqs, ()) == (
        found.tensor_parallel,
        found.max_num_seqs,
        found.derived,
    )


@pytest.mark.parametrize("device", [d.kind for d in recipes.table().devices])
def test_every_model_has_a_configuration_on_every_documented_device(device: str) -> None:
    """
    In each tier's data type and for each of its windows.
    """
    edition = load("ernie-4.5")
    for model in edition.models:
        for tier in edition.tiers:
            for window in tier.contexts:
                found = find(model.name, device, tier.datatype, window)
                assert found.tensor_parallel >= 1
                assert found.max_num_seqs >= 1


def test_a_smaller_window_takes_the_larger_one_s_configuration() -> None:
    """
    Its memory suffices, so nothing else changes.
    """
    found = find(BIG, "gpu", "wint8", 8192)

    assert 96 == found.max_num_seqs
    assert ("window 8192 from the configuration for 32768",) == found.derived


def test_a_larger_window_takes_as_many_fewer_requests() -> None:
    """
    The KV cache is as large as before.
    """
    found = find(BIG, "gpu", "w4a8", 131072)

    assert 24 == found.max_num_seqs
    assert (
        "window 131072 from the configuration for 32768, with max-num-seqs 96 * 32768 / 131072 = 24",
    ) == found.derived


def test_a_default_of_fastdeploy_is_not_scaled() -> None:
    """
    Eight requests were nobody's choice for that window.
    """
    found = find(BIG, "dcu", "wint8", 32768)

    assert (8, 8) == (found.tensor_parallel, found.max_num_seqs)


def test_another_device_takes_the_gpu_s_configuration_and_its_own_flags() -> None:
    """
    What the chip needs whatever it serves comes with it.
    """
    found = find("ERNIE-4.5-0.3B", "iluvatar", "wint8", 32768)

    assert 16 == found.flags["block-size"]
    assert ("iluvatar from the configuration for gpu",) == found.derived


def test_w4a8_of_a_model_without_such_weights_says_so() -> None:
    """
    Only of the 300B they are published.
    """
    found = find("ERNIE-4.5-21B-A3B", "xpu", "w4a8", 32768)

    assert found.needs_own_checkpoint
    assert found.checkpoint is None
    assert (
        "w4a8 from the configuration for wint4",
        "nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B",
    ) == found.derived


def test_the_special_checkpoints_are_named() -> None:
    """
    W4A8C8 on four cards, 2 bits on one of 141 GB.
    """
    assert (
        "baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle" == find(BIG, "gpu", "w4a8", 8192).checkpoint
    )
    assert "baidu/ERNIE-4.5-300B-A47B-2Bits-Paddle" == find(BIG, "gpu", "wint2", 8192).checkpoint


def test_w4a8_is_not_loaded_by_the_newer_loader() -> None:
    """
    It doesn't take such weights.
    """
    assert "default" == find("ERNIE-4.5-28B-A3B", "gpu", "w4a8", 8192).flags["load-choices"]


def test_a_device_without_documents_is_refused() -> None:
    """
    Ascend has no package yet; the message names what serves there.
    """
    with pytest.raises(EngineError) as caught:
        find(BIG, "npu", "wint8", 8192)

    assert str(caught.value) == (
        "FastDeploy documents nothing for this kind of device; got npu; wanted one of gpu, xpu, gcu, "
        'iluvatar, dcu, metax, hpu. Name the engine that serves there ([engine] kind = "vllm"), or an '
        "--endpoint"
    )


def test_a_model_that_nobody_describes_is_refused() -> None:
    """
    Cards and requests are then the site's to say.
    """
    with pytest.raises(EngineError) as caught:
        find("ERNIE-6", "gpu", "wint8", 8192)

    assert str(caught.value) == (
        "FastDeploy's authors publish no configuration that this could be derived from; got ERNIE-6, "
        "wint8 on gpu. Give tensor_parallel and max_num_seqs in the site file"
    )


def entry(**changes: object) -> dict[str, object]:
    """A recipe that is right."""
    right = {
        "model": "M",
        "device": "gpu",
        "datatype": "wint8",
        "windows": [8192],
        "tensor_parallel": 1,
        "source": "s",
    }
    return {**right, **changes}


@pytest.mark.parametrize(
    ("recipes", "words"),
    [
        ([entry(), entry()], "recipe M gpu wint8: window 8192 is there twice"),
        ([entry(device="xpu")], "recipe M xpu wint8: device xpu isn't listed"),
        ([entry(flags={"max-mod": 8})], "recipe M gpu wint8: there is no flag max-mod"),
        ([entry(windows=[])], "Expected `array` of length >= 1"),
        ([entry(max_seqs=8)], "Object contains unknown field `max_seqs`"),
        ([entry(memory_share=85)], "Expected `float` <= 1.0"),
    ],
)
def test_a_mistake_in_the_table_is_named(recipes: list[dict[str, object]], words: str) -> None:
    """
    Strict: a flag that FastDeploy would take for a prefix of another never gets there.
    """
    raw = {"schema": 1, "devices": [{"kind": "gpu"}], "recipes": recipes}

    with pytest.raises(msgspec.ValidationError, match=words.replace("[", r"\[")):
        msgspec.convert(raw, Table, strict=True)


def test_every_published_figure_names_its_source() -> None:
    """
    A document or file of PaddlePaddle/FastDeploy, or the model's own card.
    """
    for recipe in recipes.table().recipes:
        assert recipe.source.startswith(("benchmarks/yaml/", "docs/", "the model's card"))
