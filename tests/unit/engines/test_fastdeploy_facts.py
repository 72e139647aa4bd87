"""
What FastDeploy's log and a checkpoint's headers prove of the data type, and what they don't (R13).
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.engines.fastdeploy.facts import (
    REVEAL_KERNEL,
    REVEAL_TYPES,
    Said,
    activation_of,
    agreed,
    layer_types,
    log_lines,
    reported,
    sayings,
    to_reveal,
    w4a8_kernels,
)
from pytest_ernie.standard import load
from pytest_ernie.verdicts import Word, datatype_supported

STAMP = "INFO     2025-12-04 17:36:52,980 293713 worker_process.py[line:774] "
BEGIN = f"{STAMP}===========quantization_config=============="
ONLINE = f"{STAMP}Model Status: Original (will apply online quantization)"
OFFLINE = f"{STAMP}Model Status: Offline Quantized (pre-quantized weights loaded)"
NOTHING = f"{STAMP}No quantization config found and use original weight and act dtype."

EXPERT = "ernie.layers.3.mlp.experts.7.up_gate_proj.weight"
SHARED = "ernie.layers.3.mlp.shared_experts.up_gate_proj.weight"
DENSE = "ernie.layers.0.self_attn.qkv_proj.weight"
ROUTER = "ernie.layers.3.mlp.gate.weight"
VISION = "vision_model.blocks.0.attn.qkv.weight"
WINT4 = {"quantization": "mix_quant", "dense_quant_type": "wint8", "moe_quant_type": "wint4"}
W4A8 = {**WINT4, "moe_quant_type": "w4a8", "kv_cache_quant_type": "int8", "is_quantized": True}
MIXED = Said(stored=False, dense="wint8", experts="wint4")
STORED_W4A8 = Said(stored=True, dense="wint8", experts="w4a8")


@pytest.mark.parametrize(
    ("lines", "config", "expected"),
    [
        ([BEGIN, ONLINE, f"{STAMP}{WINT4}"], {}, MIXED),
        ([BEGIN, f"{STAMP}{WINT4}"], {}, MIXED),
        ([BEGIN, ONLINE, f"{STAMP}None"], {}, Said(stored=False, dense=None, experts=None)),
        ([BEGIN, OFFLINE, f"{STAMP}{W4A8}"], {}, STORED_W4A8),
        ([BEGIN, OFFLINE, f"{STAMP}None"], {"quantization_config": W4A8}, STORED_W4A8),
        ([BEGIN, NOTHING], {}, Said(stored=False, dense="none", experts="none")),
        (
            [BEGIN, ONLINE, f"{STAMP}Quantization Method: wint8"],
            {},
            Said(stored=False, dense="wint8", experts="wint8"),
        ),
        (
            [BEGIN, ONLINE, f"{STAMP}Quantization Method: wint4"],
            {},
            Said(stored=False, dense=None, experts="wint4"),
        ),
        (
            [BEGIN, ONLINE, f"{STAMP}{{'quantization': 'wint8'}}"],
            {},
            Said(stored=False, dense="wint8", experts="wint8"),
        ),
        ([BEGIN, ONLINE, f"{STAMP}{{broken"], {}, Said(stored=False, dense=None, experts=None)),
    ],
)
def test_a_worker_s_words_are_understood(
    lines: list[str], config: dict[str, Any], expected: Said
) -> None:
    """
    As releases from 2.0 on write them: the config, its name alone, or nothing but that there is one.
    """
    assert [expected] == sayings(
        "\n".join(["Loading", *lines, f"{STAMP}- Load strategy: x"]), config
    )


def test_workers_that_contradict_each_other_say_nothing() -> None:
    """
    Equal words of many workers are one; two different ones prove neither.
    """
    assert MIXED == agreed([MIXED, MIXED])
    assert agreed([MIXED, STORED_W4A8]) is None
    assert agreed([]) is None


def test_a_log_without_the_section_says_nothing() -> None:
    """
    What was asked for on the command line is no proof.
    """
    assert [] == sayings("args: quantization='wint4', --quantization wint4", {})


def test_each_matrix_gets_the_type_that_its_kind_is_said_to_have() -> None:
    """
    Experts by one method, the rest by the other; what no method touches keeps its own type.
    """
    stored = {EXPERT: "BF16", SHARED: "BF16", DENSE: "BF16", ROUTER: "F32", VISION: "BF16"}

    assert {
        EXPERT: "int4",
        SHARED: "int8",
        DENSE: "int8",
        ROUTER: "float32",
        VISION: "bfloat16",
    } == layer_types(stored, MIXED)


@pytest.mark.parametrize(
    ("dtype", "said", "expected"),
    [
        ("I8", STORED_W4A8, "int4"),
        ("BF16", STORED_W4A8, "int4"),
        ("I8", MIXED, "unknown"),
        ("mixed", MIXED, "unknown"),
        ("BF16", None, "unknown"),
        ("BF16", Said(stored=False, dense=None, experts=None), "unknown"),
        ("BF16", Said(stored=False, dense="none", experts="none"), "bfloat16"),
        ("BF16", Said(stored=False, dense="new_method", experts="new_method"), "unknown"),
        ("F8_E4M3", STORED_W4A8, "float8_e4m3fn"),
        ("I8", Said(stored=True, dense="wint8", experts="block_wise_fp8"), "unknown"),
    ],
)
def test_a_type_is_known_only_where_header_and_log_agree(
    dtype: str, said: Said | None, expected: str
) -> None:
    """
    Integers in a checkpoint that isn't said to be quantized can't be named.
    """
    assert {EXPERT: expected} == layer_types({EXPERT: dtype}, said)


@pytest.mark.parametrize(
    ("said", "kernels", "expected"),
    [
        (MIXED, (), "bfloat16"),
        (STORED_W4A8, (), None),
        (STORED_W4A8, ("W4A8MoeGemm",), "int8"),
        (Said(stored=False, dense=None, experts="wint4"), (), None),
        (Said(stored=True, dense="w8a8", experts="w8a8"), (), None),
        (None, ("W4A8MoeGemm",), None),
    ],
)
def test_activations_need_more_than_a_name(
    said: Said | None, kernels: tuple[str, ...], expected: str | None
) -> None:
    """
    Weight-only computes in the model's type; W4A8 needs a kernel that was seen.
    """
    assert expected == activation_of(said, {"dtype": "bfloat16"}, kernels)


def test_weight_only_without_a_stated_type_has_no_activation() -> None:
    """
    An old config.json may not say in what the model computes.
    """
    assert activation_of(MIXED, {}, ()) is None
    assert "float16" == activation_of(MIXED, {"torch_dtype": "float16"}, ())


@pytest.mark.parametrize(
    ("line", "kernels"),
    [
        ("void cutlass::w4a8_moe_gemm_kernel<int8_t>(x)", ("w4a8_moe_gemm_kernel",)),
        ("12 us  MoeGemmW4A8Runner", ("MoeGemmW4A8Runner",)),
        ("{'moe_quant_type': 'w4a8'}", ()),
        ("fastdeploy ... CutlassW4A8MoEMethod", ()),
        ("WARNING w4a8_moe_gemm is not available, falling back to weight only", ()),
        ("ImportError: undefined symbol: w4a8_moe_gemm_kernel", ()),
        ("no W4A8 here\n7 us w4a8_moe_gemm_kernel\nfailed", ("w4a8_moe_gemm_kernel",)),
        ("w4afp8_gemm_kernel", ()),
        ("weight_only_int4_gemm", ()),
    ],
)
def test_a_kernel_is_told_from_a_setting(line: str, kernels: tuple[str, ...]) -> None:
    """
    Names of settings and classes show what was meant, not what ran.
    """
    assert kernels == w4a8_kernels([line, line])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (MIXED, "wint4"),
        (STORED_W4A8, "w4a8"),
        (Said(stored=False, dense="none", experts="none"), "bf16"),
        (Said(stored=False, dense=None, experts="wint4"), None),
        (None, None),
    ],
)
def test_the_reported_type_is_the_experts(said: Said | None, expected: str | None) -> None:
    """
    In the standard's word; None unless both halves are said.
    """
    assert expected == reported(said)


def test_what_would_reveal_it_is_said() -> None:
    """
    Unknown types, then a hidden kernel; nothing where all is shown.
    """
    assert REVEAL_TYPES == to_reveal({EXPERT: "unknown"}, None, None)
    assert REVEAL_KERNEL == to_reveal({EXPERT: "int4"}, None, STORED_W4A8)
    assert to_reveal({EXPERT: "int4"}, "int8", STORED_W4A8) is None


def test_lines_of_all_workers_are_kept_once() -> None:
    """
    Without time and process id eight workers say the same.
    """
    other = BEGIN.replace("293713", "293714")

    assert ("===========quantization_config==============",) == log_lines([BEGIN, other, "noise"])


@pytest.mark.parametrize(
    ("said", "kernels", "word", "part"),
    [
        (MIXED, (), Word.FAIL, "is int8, it must be int4"),
        (STORED_W4A8, ("W4A8MoeGemm",), Word.PASS, "activations int8"),
        (STORED_W4A8, (), Word.INCONCLUSIVE, REVEAL_KERNEL),
        (Said(stored=False, dense=None, experts=None), (), Word.INCONCLUSIVE, REVEAL_TYPES),
    ],
)
def test_the_verdict_of_tier_three(
    said: Said, kernels: tuple[str, ...], word: Word, part: str
) -> None:
    """
    W4A8 where it is shown, INCONCLUSIVE with the switch where it is hidden, FAIL where something else
    is shown.
    """
    edition = load("ernie-4.5")
    shared = "ernie.layers.3.mlp.experts.8.down_proj.weight"
    stored = {EXPERT: "I8", shared: "I8", DENSE: "BF16", VISION: "BF16"}
    if said is MIXED:
        stored = dict.fromkeys(stored, "BF16")
        said = Said(stored=False, dense="wint8", experts="wint8")
    types = layer_types(stored, said)
    activation = activation_of(said, {"dtype": "bfloat16"}, kernels)

    verdict = datatype_supported(
        types,
        activation,
        architecture="moe",
        rule=edition.datatype("w4a8"),
        to_reveal=to_reveal(types, activation, said),
    )

    assert word == verdict.word
    assert part in verdict.message
