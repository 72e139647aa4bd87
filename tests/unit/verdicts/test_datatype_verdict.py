"""
The data type clause (R13): shown by what runs; what isn't shown is INCONCLUSIVE.
"""

from __future__ import annotations

from typing import Literal

import pytest

from pytest_ernie.standard import load
from pytest_ernie.verdicts import Verdict, Word, datatype_supported

EDITION = load("ernie-4.5")

MOE = {
    "model.embed_tokens": "bfloat16",
    "layers.1.self_attn.qkv_proj": "int8",
    "layers.1.mlp.gate.weight": "float32",
    "layers.1.mlp.experts.0.up_proj": "int4",
    "layers.1.mlp.experts.0.down_proj": "int4",
    "layers.1.mlp.shared_experts.up_proj": "int8",
    "lm_head": "bfloat16",
}
"""A WINT4 MoE model as FastDeploy serves it: experts int4, dense layers int8."""

DENSE = {"model.embed_tokens": "bfloat16", "layers.0.qkv_proj": "int8", "layers.0.up_proj": "int8"}


def judged(
    layers: dict[str, str],
    activation: str | None = "bfloat16",
    *,
    datatype: str = "wint4",
    architecture: Literal["dense", "moe"] = "moe",
) -> Verdict:
    """Judge an inventory by the official rule of a data type."""
    return datatype_supported(
        layers, activation, architecture=architecture, rule=EDITION.datatype(datatype)
    )


def test_the_inventory_is_counted_and_said() -> None:
    """
    Embedding, output and router may stay as they are and aren't counted.
    """
    expected = Verdict(
        word=Word.PASS,
        message="4 weight matrices: 2 x int4, 2 x int8; activations bfloat16",
        measured="2 x int4, 2 x int8; activations bfloat16",
        required="wint4: weights int4 in experts and int4 or int8 elsewhere, activations "
        "bfloat16 or float16 or float32",
        numbers={"matrices": 4, "activation": "bfloat16"},
    )

    assert expected == judged(MOE)


def test_a_dense_model_has_one_rule_for_all_matrices() -> None:
    """
    No experts are asked of a dense model.
    """
    verdict = judged(DENSE, datatype="wint8", architecture="dense")

    assert (verdict.word, verdict.required) == (
        Word.PASS,
        "wint8: weights int8, activations bfloat16 or float16 or float32",
    )


@pytest.mark.parametrize(
    ("datatype", "expert", "beside", "activation", "word"),
    [
        ("wint8", "int8", "int8", "bfloat16", Word.PASS),
        ("wint8", "int4", "int8", "bfloat16", Word.FAIL),
        ("wint8", "int8", "int4", "bfloat16", Word.FAIL),
        ("wint8", "int8", "bfloat16", "bfloat16", Word.FAIL),
        ("wint8", "int8", "int8", "int8", Word.FAIL),
        ("wint4", "int4", "int4", "float16", Word.PASS),
        ("wint4", "int4", "int8", "float16", Word.PASS),
        ("wint4", "int8", "int8", "float16", Word.FAIL),
        ("wint4", "int4", "float16", "float16", Word.FAIL),
        ("wint4", "int4", "int8", "int8", Word.FAIL),
        ("w4a8", "int4", "int8", "int8", Word.PASS),
        ("w4a8", "int4", "int8", "bfloat16", Word.FAIL),
        ("w4a8", "int8", "int8", "int8", Word.FAIL),
    ],
)
def test_each_data_type_has_its_own_inventory(
    datatype: str, expert: str, beside: str, activation: str, word: Word
) -> None:
    """
    WINT8, WINT4 and W4A8 differ in experts, in what is beside them, and in activations.
    """
    layers = {"mlp.experts.0.up_proj": expert, "self_attn.qkv_proj": beside}

    assert word is judged(layers, activation, datatype=datatype).word


def test_shared_experts_count_as_dense_layers() -> None:
    """
    FastDeploy keeps them WINT8 under wint4.
    """
    layers = {"mlp.experts.0.up_proj": "int4", "mlp.shared_experts.up_proj": "int8"}

    assert Word.PASS is judged(layers).word


@pytest.mark.parametrize(
    "name",
    [
        "mlp.vision_experts.w13_weight",
        "mlp.vision_moe.experts.3.up_proj",
        "vision.shared_experts.up",
    ],
)
def test_experts_for_images_are_judged(name: str) -> None:
    """vLLM's and transformers' names of them hold ``vision``, which the tower is kept by."""
    layers = {"model.layers.3.mlp.experts.0.up.weight": "int4", name: "bfloat16"}

    assert judged(layers, architecture="moe").word is Word.FAIL


@pytest.mark.parametrize(
    "name",
    [
        "vision_model.blocks.0.mlp.fc1.weight",
        "model.resampler_model.spatial_linear.0.weight",
        "mlp.vision_experts_gate.weight",
        "mlp.vision_moe.gate.weight",
        "mlp.experts.gate.weight",
    ],
)
def test_the_vision_tower_its_resampler_and_routers_may_stay_as_they_are(name: str) -> None:
    """They are quantized by no published method."""
    layers = {"model.layers.3.mlp.experts.0.up.weight": "int4", name: "bfloat16"}

    assert judged(layers, architecture="moe").word is Word.PASS


def test_a_wrong_matrix_is_named_with_what_it_must_be() -> None:
    """
    How many are wrong, and the first by its name.
    """
    verdict = judged(MOE | {"layers.1.mlp.experts.0.up_proj": "bfloat16"})

    expected = (
        "1 of 4 weight matrices don't have the types of wint4: layers.1.mlp.experts.0.up_proj is "
        "bfloat16, it must be int4"
    )
    assert (Word.FAIL, expected, "1 x bfloat16, 1 x int4, 2 x int8") == (
        verdict.word,
        verdict.message,
        verdict.measured,
    )


@pytest.mark.parametrize("layers", [{}, {"model.embed_tokens": "int8", "lm_head": "int8"}])
def test_an_inventory_of_nothing_proves_nothing(layers: dict[str, str]) -> None:
    """
    No matrix that counts: "all of them are right" would hold for none.
    """
    verdict = judged(layers)

    expected = "the engine shows no types of its weights, so the data type isn't proven"
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


def test_a_mixture_of_experts_must_show_its_experts() -> None:
    """
    Experts are most of the weights: an inventory without them shows little.
    """
    verdict = judged({"layers.1.self_attn.qkv_proj": "int8"})

    expected = "the engine shows no types of the experts' weights, which are most of the model"
    assert (Word.INCONCLUSIVE, expected, "1 x int8") == (
        verdict.word,
        verdict.message,
        verdict.measured,
    )


def test_an_unknown_type_is_inconclusive() -> None:
    """
    What the engine hides isn't guessed at.
    """
    verdict = judged(MOE | {"layers.1.mlp.experts.0.up_proj": "unknown"})

    expected = (
        "the engine doesn't show the type of 1 of 4 weight matrices, the first is "
        "layers.1.mlp.experts.0.up_proj"
    )
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


def test_a_wrong_matrix_outweighs_an_unknown_one() -> None:
    """
    One shown fault is enough.
    """
    layers = {"mlp.experts.0.up_proj": "unknown", "mlp.experts.1.up_proj": "bfloat16"}

    assert Word.FAIL is judged(layers).word


@pytest.mark.parametrize("datatype", ["wint8", "wint4", "w4a8"])
def test_hidden_activations_are_inconclusive(datatype: str) -> None:
    """
    R13: W4A8 needs evidence of the activation kernel, and WINT4 that it isn't W4A8.
    """
    expert = "int8" if datatype == "wint8" else "int4"
    verdict = judged({"mlp.experts.0.up_proj": expert}, None, datatype=datatype)

    expected = (
        f"the weights are 1 x {expert}, but the engine doesn't show the type of the activations"
    )
    assert (Word.INCONCLUSIVE, expected) == (verdict.word, verdict.message)


def test_wrong_activations_are_said_with_what_they_must_be() -> None:
    """
    W4A8 with bfloat16 activations is WINT4.
    """
    verdict = judged(MOE, "bfloat16", datatype="w4a8")

    expected = (
        "4 weight matrices: 2 x int4, 2 x int8; activations bfloat16, they must be int8 for w4a8"
    )
    assert (Word.FAIL, expected) == (verdict.word, verdict.message)


def test_what_would_show_it_is_told() -> None:
    """
    The engine's adapter knows the switch; where something is shown to be wrong it isn't needed.
    """

    def with_hint(layers: dict[str, str], activation: str | None) -> str:
        rule = EDITION.datatype("w4a8")
        return datatype_supported(
            layers, activation, architecture="dense", rule=rule, to_reveal="Switch it on"
        ).message

    assert with_hint({}, None).endswith("so the data type isn't proven. Switch it on")
    assert with_hint({"q.weight": "unknown"}, None).endswith("q.weight. Switch it on")
    assert with_hint({"q.weight": "int4"}, None).endswith("of the activations. Switch it on")
    assert "Switch" not in with_hint({"q.weight": "int8"}, None)
