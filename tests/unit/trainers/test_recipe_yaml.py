"""
A recipe's settings: every number of the recipe arrives, and nothing else changes the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.errors import TrainerError
from pytest_ernie.standard.recipe import Recipe
from pytest_ernie.trainers.protocol import TrainingJob
from pytest_ernie.trainers.recipe_yaml import accumulation_steps, as_yaml
from pytest_ernie.trainers.recipe_yaml import settings as of_model

RECIPE: dict[str, Any] = {
    "model": "ERNIE-4.5-tiny",
    "method": "sft",
    "steps": 500,
    "sequence_length": 256,
    "micro_batch": 8,
    "global_batch": 8,
    "learning_rate": 1e-4,
    "min_learning_rate": 0.0,
    "schedule": "cosine",
    "warmup_steps": 20,
    "weight_decay": 0.1,
    "adam_beta1": 0.9,
    "adam_beta2": 0.95,
    "adam_epsilon": 1e-8,
    "max_grad_norm": 1.0,
    "seed": 23,
    "precision": "float32",
}


def job(recipe: dict[str, Any] | None = None, **changes: Any) -> TrainingJob:
    """Return a job on a CPU, with changes to the recipe and to itself."""
    given: dict[str, Any] = {
        "checkpoint": "/models/tiny",
        "data": "/data/sft.jsonl",
        "workdir": "/work",
        "paddle_device": "cpu",
    }
    return TrainingJob(recipe=Recipe(**(RECIPE | (recipe or {}))), **(given | changes))


def settings(one: TrainingJob) -> dict[str, Any]:
    """Return the settings of a job that starts from /models/tiny."""
    return of_model(one, Path("/models/tiny"))


def cards(count: int) -> dict[str, Any]:
    """Return the fields of a job on that many cards."""
    return {
        "paddle_device": "xpu",
        "cards": tuple(map(str, range(count))),
        "visible_variable": "XPU_VISIBLE_DEVICES",
    }


def test_every_number_of_the_recipe_arrives() -> None:
    """Under the name that the trainer has for it."""
    values = settings(job())

    assert {
        "max_steps": 500,
        "max_seq_len": 256,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-4,
        "min_lr": 0.0,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 20,
        "weight_decay": 0.1,
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "adam_epsilon": 1e-8,
        "max_grad_norm": 1.0,
        "seed": 23,
        "compute_type": "float32",
        "fine_tuning": "full",
        "model_name_or_path": "/models/tiny",
        "train_dataset_path": "/data/sft.jsonl",
        "device": "cpu",
    }.items() <= values.items()


def test_the_run_only_trains() -> None:
    """No evaluation, no checkpoint in between, each step logged, long samples cut, not dropped."""
    values = settings(job())

    assert {
        "save_strategy": "no",
        "evaluation_strategy": "no",
        "do_eval": False,
        "logging_steps": 1,
        "truncation_strategy": "right",
        "packing": False,
    }.items() <= values.items()


def test_lora_has_its_rank() -> None:
    """And full fine-tuning has none."""
    lora = settings(job({"method": "sft_lora", "lora_rank": 32}))

    assert (lora["fine_tuning"], lora["lora_rank"]) == ("lora", 32)
    assert "lora_rank" not in settings(job())


def test_bfloat16_means_o2_with_master_gradients() -> None:
    """As the published recipes have it."""
    values = settings(job({"precision": "bfloat16"}, **cards(1)))

    assert (values["compute_type"], values["fp16_opt_level"]) == ("bf16", "O2")
    assert values["amp_master_grad"] is True


@pytest.mark.parametrize(("warmup", "name"), [(0, "constant"), (20, "constant_with_warmup")])
def test_a_constant_schedule_keeps_its_warmup(warmup: int, name: str) -> None:
    """The trainer's plain ``constant`` ignores warmup_steps."""
    values = settings(job({"schedule": "constant", "warmup_steps": warmup}))

    assert values["lr_scheduler_type"] == name


@pytest.mark.parametrize(
    ("batch", "count", "parallel", "expected"),
    [((1, 8), 1, (1, 1), 8), ((1, 8), 8, (1, 1), 1), ((2, 16), 8, (2, 2), 4)],
)
def test_gradients_accumulate_over_the_replicas(
    batch: tuple[int, int], count: int, parallel: tuple[int, int], expected: int
) -> None:
    """global / (micro * cards), where the cards of one copy of the model count as one."""
    one = job(
        {"micro_batch": batch[0], "global_batch": batch[1]},
        **cards(count),
        tensor_parallel=parallel[0],
        pipeline_parallel=parallel[1],
    )

    assert accumulation_steps(one) == expected


def test_a_batch_that_does_not_divide_is_refused() -> None:
    """Rather than trained with another batch than the reference's."""
    with pytest.raises(TrainerError, match=r"global_batch 8 is no multiple of micro_batch 1 x 3"):
        accumulation_steps(job({"micro_batch": 1}, **cards(3)))


def test_cards_that_do_not_split_are_refused() -> None:
    """Six cards hold no whole number of replicas of four."""
    with pytest.raises(
        TrainerError, match=r"6 cards can't be split .* 2 x 2 .*multiple of 4 cards"
    ):
        accumulation_steps(job(**cards(6), tensor_parallel=2, pipeline_parallel=2))


def test_accumulation_on_a_cpu_is_refused() -> None:
    """PaddlePaddle raises in the middle of the first step; this says it before."""
    with pytest.raises(
        TrainerError,
        match=r"ERNIE-4.5-tiny sft: PaddlePaddle can't accumulate gradients on a CPU; "
        r"got gradient_accumulation_steps 8; wanted 1\. On a CPU micro_batch must equal",
    ):
        settings(job({"micro_batch": 1}))


def test_bfloat16_on_a_cpu_is_refused() -> None:
    """PaddlePaddle would train in float32 and not say so."""
    with pytest.raises(TrainerError, match="trains on a CPU in float32 only; got precision bfloat"):
        settings(job({"precision": "bfloat16"}))


def test_a_site_may_add_but_not_change() -> None:
    """What a chip needs besides is passed on; what the recipe says can't be replaced."""
    assert settings(job(settings={"recompute_granularity": "full"}))["recompute_granularity"]

    with pytest.raises(TrainerError, match="would change the recipe; got learning_rate, seed"):
        settings(job(settings={"seed": 1, "learning_rate": 1.0, "recompute_granularity": "full"}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-8, "1.0e-08"),
        (5e-05, "5.0e-05"),
        (1.5e-07, "1.5e-07"),
        (0.1, "0.1"),
        (0.0, "0.0"),
        (True, "true"),
        (500, "500"),
        ("no", '"no"'),
        ("1.0", '"1.0"'),
        ('a "b" \u4f60', '"a \\"b\\" \u4f60"'),
    ],
)
def test_yaml_keeps_types(value: Any, text: str) -> None:
    """YAML 1.1 takes 5e-05 for text, and a bare no for false."""
    assert as_yaml({"key": value}) == f"key: {text}\n"
