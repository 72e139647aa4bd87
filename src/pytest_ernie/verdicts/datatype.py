"""
The data type clause: 数据类型支持 WINT8, WINT4, W4A8, shown by what runs and not by what was asked (R13).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pytest_ernie.standard.model import DataTypeRule
from pytest_ernie.verdicts.verdict import Verdict, inconclusive, passed


def datatype_supported(
    layer_types: Mapping[str, str],
    activation: str | None,
    *,
    architecture: Literal["dense", "moe"],
    rule: DataTypeRule,
    to_reveal: str | None = None,
) -> Verdict:
    """
    Judge the inventory of a running server: type of every weight matrix by its name, and the type
    of the quantized layers' activations (None: the engine doesn't show it).

    What isn't shown is INCONCLUSIVE: an empty inventory, an unknown type, a hidden activation where the
    data type depends on it. ``to_reveal`` is then told: what would show it.
    """
    hint = f". {to_reveal}" if to_reveal else ""
    required = (
        f"{rule.name}: weights {_types(rule, architecture)}, activations {_or(rule.activations)}"
    )
    judged = {name: type for name, type in layer_types.items() if not _is_kept(name, rule)}
    if not judged:
        return inconclusive(
            f"the engine shows no types of its weights, so the data type isn't proven{hint}",
            required=required,
        )
    counts = {type: list(judged.values()).count(type) for type in sorted(set(judged.values()))}
    measured = ", ".join(f"{count} x {type}" for type, count in counts.items())
    wrong = [
        (name, type)
        for name, type in judged.items()
        if type != "unknown" and type not in _allowed(rule, architecture, name)
    ]
    if wrong:
        name, type = wrong[0]
        return Verdict(
            word=passed(False),
            message=f"{len(wrong)} of {len(judged)} weight matrices don't have the types of "
            f"{rule.name}: {name} is {type}, it must be {_or(_allowed(rule, architecture, name))}",
            measured=measured,
            required=required,
        )
    if architecture == "moe" and not any(_is_expert(name) for name in judged):
        return inconclusive(
            f"the engine shows no types of the experts' weights, which are most of the model{hint}",
            measured=measured,
            required=required,
        )
    return _judge_hidden(judged, activation, rule, measured, required, hint)


def _judge_hidden(
    judged: Mapping[str, str],
    activation: str | None,
    rule: DataTypeRule,
    measured: str,
    required: str,
    hint: str,
) -> Verdict:
    unknown = [name for name, type in judged.items() if type == "unknown"]
    if unknown:
        return inconclusive(
            f"the engine doesn't show the type of {len(unknown)} of {len(judged)} weight matrices, "
            f"the first is {unknown[0]}{hint}",
            measured=measured,
            required=required,
        )
    if activation is None:
        return inconclusive(
            f"the weights are {measured}, but the engine doesn't show the type of the activations{hint}",
            measured=measured,
            required=required,
        )
    holds = activation in rule.activations
    return Verdict(
        word=passed(holds),
        message=f"{len(judged)} weight matrices: {measured}; activations {activation}"
        + ("" if holds else f", they must be {_or(rule.activations)} for {rule.name}"),
        measured=f"{measured}; activations {activation}",
        required=required,
        numbers={"matrices": len(judged), "activation": activation},
    )


def _allowed(
    rule: DataTypeRule, architecture: Literal["dense", "moe"], name: str
) -> tuple[str, ...]:
    if architecture == "dense":
        return rule.dense
    return rule.experts if _is_expert(name) else rule.beside_experts


def _is_kept(name: str, rule: DataTypeRule) -> bool:
    """
    Whether a matrix isn't quantized by design: the router, say, or the vision tower.

    Experts for images are none of it, though vLLM's are named ``vision_experts`` and transformers'
    ``vision_moe.experts``: of an expert only what follows that word counts.
    """
    own = name.rpartition("experts")[2]
    return any(part in own for part in rule.kept)


def _is_expert(name: str) -> bool:
    return "experts" in name and "shared" not in name


def _types(rule: DataTypeRule, architecture: Literal["dense", "moe"]) -> str:
    if architecture == "dense":
        return _or(rule.dense)
    return f"{_or(rule.experts)} in experts and {_or(rule.beside_experts)} elsewhere"


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names)
