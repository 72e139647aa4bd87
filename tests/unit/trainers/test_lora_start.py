"""
The adapter that LoRA starts from: the same numbers on every machine, in a form that trainers read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from pytest_ernie import rehearsal
from pytest_ernie.errors import TrainerError
from pytest_ernie.standard import load
from pytest_ernie.standard.recipe import Recipe
from pytest_ernie.trainers.key_names import in_erniekits_words
from pytest_ernie.trainers.lora_start import CONFIG, INDEX, WEIGHTS, drawn, matrices, write_start
from pytest_ernie.trainers.protocol import TrainingJob
from pytest_ernie.trainers.recipe_yaml import settings


def recipe(**changes: Any) -> Recipe:
    known = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft_lora")
    assert known is not None
    return msgspec.structs.replace(known, lora_start="given", **changes)


def test_the_numbers_are_the_same_everywhere() -> None:
    """By seed and name, whatever machine: the first of a matrix, and others for other seeds and names."""
    name = "model.layers.0.mlp.down_proj"
    first = drawn(name, 768, 8, 23)

    assert first.ravel()[:3].tolist() == [-0.019287109375, 0.0198974609375, 0.0135498046875]
    assert not np.array_equal(first, drawn(name, 768, 8, 24))
    assert not np.array_equal(first, drawn("model.layers.1.mlp.down_proj", 768, 8, 23))


def test_they_are_uniform_and_bfloat16() -> None:
    """Within ±1/sqrt(inputs), as many above as below, and with eight significant bits."""
    a = drawn("a", 1024, 32, 23)

    assert a.shape == (1024, 32)
    assert np.abs(a).max() <= 1 / 32
    assert abs(a.mean()) < 3 / 32 / np.sqrt(3 * a.size)
    assert a.std() == pytest.approx(1 / 32 / np.sqrt(3), rel=0.01)
    assert not (a.view(np.uint32) & 0xFFFF).any()


def test_what_is_written_is_what_trainers_read(tmp_path: Path) -> None:
    """A safetensors file in PaddleFormers' names: A as drawn, B zero; index and settings beside it."""
    digest = write_start(tmp_path / "start", rehearsal.checkpoint(), recipe())

    raw = (tmp_path / "start" / WEIGHTS).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    told, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    assert len(told) == 2 * 2 * 4
    assert size % 8 == 0
    name = "model.layers.1.self_attn.o_proj"
    start, end = told[f"{name}.lora_A"]["data_offsets"]
    a = np.frombuffer(data[start:end], dtype="<f4").reshape(told[f"{name}.lora_A"]["shape"])
    assert np.array_equal(a, drawn(name, a.shape[0], 8, 23))
    assert max(entry["data_offsets"][1] for entry in told.values()) == len(data)
    start, end = told[f"{name}.lora_B"]["data_offsets"]
    assert not any(data[start:end])
    index = json.loads((tmp_path / "start" / INDEX).read_text())
    assert set(index["weight_map"]) == set(told)
    assert json.loads((tmp_path / "start" / CONFIG).read_text())["lora_alpha"] == 16
    assert digest == "25d6cdd3c5eef32064d1f954f69ee80e6a87507f6fdcece5c96e5604f99a4d11"


def test_the_seed_decides_and_the_precision_doesn_t(tmp_path: Path) -> None:
    """Sides that compute in float32 and bfloat16 start from the same numbers."""
    folder = rehearsal.checkpoint()
    digests = [
        write_start(tmp_path / name, folder, recipe(**changes))
        for name, changes in (
            ("a", {}),
            ("b", {"precision": "bfloat16"}),
            ("c", {"seed": 24}),
        )
    ]

    assert digests[0] == digests[1] != digests[2]


def test_only_dense_models_are_given_a_start(tmp_path: Path) -> None:
    """Of experts nothing could be tried on a CPU, and guessing names would lose the run."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "ernie4_5_moe"}))

    with pytest.raises(TrainerError, match="LoRA's start can be given to dense models only"):
        list(matrices(tmp_path, "ERNIE-4.5-21B-A3B sft_lora"))


def test_the_edition_gives_it_where_it_can() -> None:
    """To the dense model; the rehearsal's recipe, the key of what is shipped, has none."""
    official, rehearsed = load("ernie-4.5"), load("rehearsal")

    given = {own.model for own in official.recipes if own.lora_start == "given"}
    assert given == {own.name for own in official.models if own.architecture == "dense"}
    assert "lora_start" not in (rehearsed.recipes[1].identity | official.recipes[0].identity)
    with pytest.raises(ValueError, match="lora_start belongs to sft_lora"):
        msgspec.convert(
            {**msgspec.to_builtins(rehearsed.recipes[0]), "lora_start": "given"}, Recipe
        )


def test_paddleformers_is_told_and_erniekit_isn_t(tmp_path: Path) -> None:
    """ERNIEKit's names of adapters are unknown: it draws its own, and the evidence says so."""
    asked = TrainingJob(
        recipe=recipe(), checkpoint="c", data="d", workdir=str(tmp_path), paddle_device="cpu"
    )

    told = settings(asked, tmp_path / "model")
    assert told["lora_path"] == str(tmp_path / "lora-start")
    assert "lora_path" not in in_erniekits_words(told, "1.4")
    drawn_there = msgspec.structs.replace(
        asked, recipe=msgspec.structs.replace(recipe(), lora_start=None)
    )
    assert "lora_path" not in settings(drawn_there, tmp_path / "model")
