"""
What the workers' inventories amount to.
"""

from __future__ import annotations

from typing import Any

import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.layers import activation, layer_lines, layer_types, merge
from pytest_ernie.engines.vllm.facts import ask_workers, log_lines
from pytest_ernie.errors import EngineError


def layer(name: str, weight: str, act: str | None = "bfloat16", **more: Any) -> dict[str, Any]:
    """One layer as a worker tells it."""
    told: dict[str, Any] = {
        "name": name,
        "kind": "QKVParallelLinear",
        "method": "TorchAOLinearMethod",
        "weight": weight,
        "stored": {"weight.qdata": ["int8", [4, 4]]},
        **more,
    }
    if act is not None:
        told["activation"] = act
        told["operations"] = [["aten.mm", [["bfloat16", 28], ["int8", 16]], [["bfloat16", 28]]]]
    return told


def worker(*layers: dict[str, Any]) -> dict[str, Any]:
    """One worker's inventory."""
    return {"dtype": "bfloat16", "quantization": "torchao", "config": "", "layers": list(layers)}


def test_every_matrix_has_its_type() -> None:
    """By the name of the weight."""
    merged = merge([worker(layer("embed", "bfloat16"), layer("a.qkv_proj", "int8"))])

    assert layer_types(merged) == {"embed.weight": "bfloat16", "a.qkv_proj.weight": "int8"}


def test_workers_that_disagree_are_both_quoted() -> None:
    """A type that only half of the cards have is no type."""
    merged = merge([worker(layer("q", "int8")), worker(layer("q", "bfloat16"))])

    assert layer_types(merged) == {"q.weight": "int8 and bfloat16"}


@pytest.mark.parametrize(
    ("layers", "kind"),
    [
        ([layer("embed", "bfloat16"), layer("q", "int4", "int8")], "int8"),
        ([layer("embed", "bfloat16"), layer("q", "int4")], "bfloat16"),
        ([layer("q", "int4", "int8"), layer("o", "int4")], "bfloat16 and int8"),
        ([layer("q", "bfloat16"), layer("o", "bfloat16")], "bfloat16"),
        ([layer("q", "int4", "int8"), layer("o", "int4", None, probe_error="no")], None),
        ([layer("q", "int4", None)], None),
        ([], None),
    ],
)
def test_the_activation_is_that_of_the_quantized_layers(
    layers: list[dict[str, Any]], kind: str | None
) -> None:
    """One layer that couldn't be watched leaves it unknown."""
    assert activation(merge([worker(*layers)])) == kind


def test_layers_of_one_kind_share_a_line_of_evidence() -> None:
    """With what is stored, and the operations of the probe."""
    lines = layer_lines(
        merge([worker(layer("0.q", "int8"), layer("1.q", "int8"), layer("0.o", "int4", None))])
    )

    assert lines == (
        "0.q (x2): QKVParallelLinear by TorchAOLinearMethod: weight int8 stored as weight.qdata "
        "int8 [4, 4]; activation bfloat16 by aten.mm(bfloat16, int8) -> bfloat16",
        "0.o (x1): QKVParallelLinear by TorchAOLinearMethod: weight int4 stored as weight.qdata "
        "int8 [4, 4]",
    )


def test_a_layer_that_could_not_be_probed_says_why() -> None:
    """It is no evidence, and no error."""
    (line,) = layer_lines(merge([worker(layer("q", "int4", None, probe_error="RuntimeError: x"))]))

    assert line.endswith("; not probed: RuntimeError: x")


def test_telling_lines_of_the_log_are_kept_once_and_without_the_key() -> None:
    """Progress bars and routes prove nothing."""
    log = (
        "(APIServer pid=1) INFO non-default args: {'api_key': ['secret'], 'quantization': 'x'}\n"
        "INFO: Route: /metrics\n"
        "INFO Using CPUWNA16LinearKernel for X\n"
        "INFO Using CPUWNA16LinearKernel for X\n"
    )

    assert log_lines(log) == (
        "(APIServer pid=1) INFO non-default args: {'api_key': '(set)', 'quantization': 'x'}",
        "INFO Using CPUWNA16LinearKernel for X",
    )


def test_workers_are_asked_over_http() -> None:
    """Each answers with its own inventory."""
    told = [worker(layer("q", "int8"))]
    with FakeServer(Behaviour(inventory=told)) as server:
        assert ask_workers(server.base_url) == told


def test_a_server_that_has_no_such_door_is_told() -> None:
    """Facts are not made up."""
    with FakeServer() as server, pytest.raises(EngineError) as caught:
        ask_workers(server.base_url)

    text = str(caught.value)
    assert text.startswith(
        f"{server.base_url}: vLLM's workers don't tell what their weights are; got HTTPStatusError"
    )
    assert text.endswith(
        "This vLLM may lack worker extensions or /collective_rpc; use an --endpoint"
    )
