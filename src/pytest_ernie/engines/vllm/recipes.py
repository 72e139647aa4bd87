"""
How vLLM is told each of the standard's data types, and how it tells back what it took.

Every recipe quantizes the one published checkpoint while loading it, through torchao, so that no
converted copy can be mistaken for it. A chip maker whose vLLM quantizes otherwise gives its own
arguments in the launch's ``extra``: they come last and win.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pytest_ernie.errors import EngineError

QUANTIZATION_FLAGS = ("--quantization", "-q")
GROUP = 64
"""Weights that share one scale in the 4-bit types."""

_INT4 = {"_type": "torch.dtype", "_data": "int4"}
_GROUPS = {"_type": "PerGroup", "_version": 1, "_data": {"group_size": GROUP}}
_SYMMETRIC = {"_type": "MappingType", "_data": "SYMMETRIC"}
_ASYMMETRIC = {"_type": "MappingType", "_data": "ASYMMETRIC"}
_ROWS = {"_type": "PerRow", "_version": 1, "_data": {"dim": -1}}

TORCHAO: dict[str, dict[str, Any]] = {
    "wint8": {
        "_type": "Int8WeightOnlyConfig",
        "_version": 2,
        "_data": {"group_size": None, "granularity": _ROWS, "set_inductor_config": False},
    },
    "wint4": {
        "_type": "IntxWeightOnlyConfig",
        "_version": 2,
        "_data": {"weight_dtype": _INT4, "granularity": _GROUPS, "mapping_type": _SYMMETRIC},
    },
    "w4a8": {
        "_type": "Int8DynamicActivationIntxWeightConfig",
        "_version": 2,
        "_data": {
            "weight_dtype": _INT4,
            "weight_granularity": _GROUPS,
            "weight_mapping_type": _SYMMETRIC,
            "act_mapping_type": _ASYMMETRIC,
        },
    },
}
"""torchao's own serialized configurations; ``bf16`` needs none."""


def overrides(datatype: str, config: dict[str, Any]) -> dict[str, Any]:
    """
    Return what must differ from the checkpoint's ``config.json`` for vLLM to serve it so.

    PaddleFormers writes the length it trained with as ``seq_length``, which vLLM would take for
    the window: the checkpoint's true limit replaces it.
    """
    changed: dict[str, Any] = {}
    if datatype in TORCHAO:
        changed["quantization_config_dict_json"] = json.dumps(TORCHAO[datatype])
    limit = config.get("max_position_embeddings")
    if "seq_length" in config and limit is not None:
        changed["seq_length"] = limit
    return changed


def arguments(datatype: str, config: dict[str, Any], extra: Sequence[str] = ()) -> tuple[str, ...]:
    """
    Return the launch arguments of a data type for a checkpoint with that ``config.json``.

    If the site's ``extra`` names a quantization, ours stays away: two don't mix, and a plugin of
    vLLM for another chip knows its own only. EngineError for a data type without a recipe.
    """
    own = any(word.partition("=")[0] in QUANTIZATION_FLAGS for word in extra)
    if datatype not in ("bf16", *TORCHAO) and not own:
        raise EngineError(
            "vLLM has no recipe for this data type",
            got=datatype,
            wanted=", ".join(("bf16", *TORCHAO)),
            fix="Give the vendor's own quantization arguments in the site file",
        )
    if own:
        datatype = "bf16"
    chosen: tuple[str, ...] = ("--dtype", "bfloat16")
    if datatype in TORCHAO:
        chosen += ("--quantization", "torchao")
    changed = overrides(datatype, config)
    return (*chosen, "--hf-overrides", json.dumps(changed)) if changed else chosen
