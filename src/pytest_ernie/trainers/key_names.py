"""
The names that trainers give to the same settings: PaddleFormers' are ours, ERNIEKit's are translated.

ERNIEKit up to 1.x has names of its own; from 2.0 on it is PaddleFormers under another command. Up to 1.3 it
packs text samples whatever it is told, and our recipes train them one by one.
"""

from __future__ import annotations

import re

from pytest_ernie.errors import TrainerError

Value = str | int | float | bool

RENAMED = {
    "per_device_train_batch_size": "batch_size",
    "tensor_model_parallel_size": "tensor_parallel_degree",
    "pipeline_model_parallel_size": "pipeline_parallel_degree",
    "sharding_parallel_size": "sharding_parallel_degree",
}
UNKNOWN_TO_ERNIEKIT = (
    "lora_path",  # it knows one, but nobody has seen the names that it reads there
    "template",
    "template_backend",
    "truncation_strategy",
    "recompute_method",
    "recompute_num_layers",
    "save_checkpoint_format",
    "load_checkpoint_format",
)
FIRST_UNPACKED = (1, 4)
"""The first ERNIEKit that knows ``packing``."""
FIRST_PADDLEFORMERS = (2, 0)
"""The first whose trainer is PaddleFormers'."""
VISION: dict[str, Value] = {
    "multimodal": True,
    "use_moe": True,
    "moe_use_aux_free": True,
    "moe_use_hard_gate": True,
    "moe_aux_loss_lambda": 0.0,
    "moe_use_aux_free_update_coef": 0.0,
    "moe_multimodal_dispatch_use_allgather": "v2-alltoall-unpad-text",
    "text_dataset_path": "",
    "text_dataset_prob": "",
    "modality_ratio": "[1,1]",
    "variable_resolution": 1,
    "render_timestamp": True,
    "serialize_output": False,
    "one_sample_in_one_seq": True,
    "add_sys_token": True,
    "same_data": True,
    "trigger_data_prob": 1.0,
    "from_scratch": 0,
    "drop_history_with_k": True,
}
"""What ERNIEKit's published configurations of the VL models say besides."""


def version_of(text: str | None) -> tuple[int, int] | None:
    """Return the first two numbers of a version, None where there are none."""
    found = re.match(r"(\d+)\.(\d+)", text or "")
    return (int(found[1]), int(found[2])) if found else None


def speaks_erniekit(command: str, version: str | None) -> bool:
    """Tell whether a trainer wants ERNIEKit's own names; an unknown version is taken for the newest."""
    known = version_of(version)
    return command == "erniekit" and known is not None and known < FIRST_PADDLEFORMERS


def in_erniekits_words(values: dict[str, Value], version: str) -> dict[str, Value]:
    """
    Return the same settings under ERNIEKit's names.

    TrainerError where that version can't train as the recipe says.
    """
    known = version_of(version) or FIRST_UNPACKED
    multimodal = values["stage"] == "VL-SFT"
    if not multimodal and known < FIRST_UNPACKED:
        raise TrainerError(
            "this ERNIEKit packs several samples into one sequence, and the recipe trains them one by one",
            where="[trainer] kind",
            got=f"erniekit {version}",
            wanted="erniekit 1.4 or newer, or paddleformers",
        )
    renamed = {
        RENAMED.get(name, name): value
        for name, value in values.items()
        if name not in UNKNOWN_TO_ERNIEKIT
    }
    attention = renamed.pop("_attn_implementation")
    renamed["use_flash_attention"] = attention == "flashmask"
    renamed["fine_tuning"] = {"full": "Full", "lora": "LoRA"}[str(values["fine_tuning"])]
    if "recompute_granularity" in values:
        renamed |= {"recompute": True, "recompute_use_reentrant": True}
    if not multimodal:
        return renamed
    for name in ("packing", "mix_strategy"):
        renamed.pop(name)
    return renamed | VISION
