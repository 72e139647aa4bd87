"""
A recipe as the YAML file that ERNIEKit and PaddleFormers read.
"""

from __future__ import annotations

import json
from pathlib import Path

from pytest_ernie.errors import TrainerError
from pytest_ernie.trainers import lora_start
from pytest_ernie.trainers.key_names import Value
from pytest_ernie.trainers.layouts import accumulation_of
from pytest_ernie.trainers.protocol import OUTPUT, TrainingJob

TEMPLATES = {"text": "ernie_nothink", "multimodal": "ernie_vl_nothink"}


def settings(job: TrainingJob, model: Path) -> dict[str, Value]:
    """
    Return every setting of the run, which starts from the weights in the folder ``model``.

    No evaluation and no checkpoint in between, each step logged, samples cut (not dropped, which
    is the trainer's default) at the recipe's length. TrainerError if the recipe doesn't fit the
    cards, or a setting of the site's would change what the standard compares.
    """
    chosen = {
        **_data(job),
        **_model(job, model),
        **_schedule(job),
        **_precision(job),
        **_output(job),
    }
    if touched := sorted(set(chosen) & set(job.settings)):
        raise TrainerError(
            "settings of the site would change the recipe",
            where=_where(job),
            got=", ".join(touched),
            fix="Leave them out of the site file: both sides must train by the same recipe",
        )
    return {**chosen, **_of_the_chip(job)}


def as_yaml(values: dict[str, Value]) -> str:
    """Return flat settings as YAML that every YAML 1.1 reader takes for the same values."""
    return "".join(f"{name}: {_scalar(value)}\n" for name, value in values.items())


def accumulation_steps(job: TrainingJob) -> int:
    """
    Return how many micro batches one replica adds up per step; TrainerError if it doesn't divide.
    """
    steps = accumulation_of(job.recipe, job.layout, job.all_cards)
    if job.paddle_device == "cpu" and steps > 1:
        raise TrainerError(
            "PaddlePaddle can't accumulate gradients on a CPU",
            where=_where(job),
            got=f"gradient_accumulation_steps {steps}",
            wanted=1,
            fix="On a CPU micro_batch must equal global_batch",
        )
    return steps


def _of_the_chip(job: TrainingJob) -> dict[str, Value]:
    """
    Return the layout's settings: what they take for granted is spelled out.

    Sharding of the optimizer's state needs more than one replica, and says over how many.
    """
    values: dict[str, Value] = dict(job.settings)
    replicas = job.all_cards // job.layout.replica
    if "sharding" in values and replicas == 1:
        del values["sharding"]
    if "sharding" in values:
        values.setdefault("sharding_parallel_size", replicas)
    if replicas > 1 and job.recipe.precision == "float32":
        # Splitting parameters over replicas wants master gradients, which float32 has none of.
        values["split_param"] = False
    if values.get("recompute_granularity") == "full":
        values |= {"recompute_method": "uniform", "recompute_num_layers": 1}
    return values


def _where(job: TrainingJob) -> str:
    return f"{job.recipe.model} {job.recipe.method}"


def _scalar(value: Value) -> str:
    if isinstance(value, float):
        # Without a point YAML 1.1 reads 5e-05 as text.
        mantissa, e, exponent = repr(value).partition("e")
        return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else repr(value)
    return json.dumps(value, ensure_ascii=False)


def _data(job: TrainingJob) -> dict[str, Value]:
    multimodal = job.multimodal
    data = str(Path(job.data).absolute())
    return {
        "stage": "VL-SFT" if multimodal else "SFT",
        "train_dataset_type": "erniekit",
        "train_dataset_path": data,
        "train_dataset_prob": "1.0",
        # Never read, since there is no evaluation, but the front end insists on them.
        "eval_dataset_type": "erniekit",
        "eval_dataset_path": data,
        "eval_dataset_prob": "1.0",
        "max_seq_len": job.recipe.sequence_length,
        "truncation_strategy": "right",
        "packing": False,
        "mix_strategy": "concat",
        "random_shuffle": True,
        "template_backend": "custom",
        "template": TEMPLATES["multimodal" if multimodal else "text"],
        "dataloader_num_workers": 0,
    }


def _model(job: TrainingJob, model: Path) -> dict[str, Value]:
    recipe = job.recipe
    on_cpu = job.paddle_device == "cpu"
    values: dict[str, Value] = {
        "model_name_or_path": str(model),
        "_attn_implementation": "sdpa" if on_cpu else "flashmask",
        "fine_tuning": "lora" if recipe.method == "sft_lora" else "full",
    }
    if recipe.lora_rank is not None:
        values["lora_rank"] = recipe.lora_rank
    if recipe.lora_start is not None:
        values["lora_path"] = str(Path(job.workdir).absolute() / lora_start.FOLDER)
    if recipe.frozen is not None:
        values["freeze_config"] = f"freeze_{recipe.frozen}"
    return values | {
        "device": job.paddle_device,
        "tensor_model_parallel_size": job.tensor_parallel,
        "pipeline_model_parallel_size": job.pipeline_parallel,
    }


def _schedule(job: TrainingJob) -> dict[str, Value]:
    recipe = job.recipe
    further: dict[str, Value] = {}
    if recipe.loss_scale is not None:
        further["scale_loss"] = recipe.loss_scale
    if recipe.gate_learning_rate_ratio is not None:
        further["moe_gate_lr_ratio"] = recipe.gate_learning_rate_ratio
    # Without this name a constant schedule starts without its warm-up.
    constant = "constant_with_warmup" if recipe.warmup_steps else "constant"
    return further | {
        "seed": recipe.seed,
        "do_train": True,
        "do_eval": False,
        "max_steps": recipe.steps,
        "per_device_train_batch_size": job.micro_batch or recipe.micro_batch,
        "gradient_accumulation_steps": accumulation_steps(job),
        "learning_rate": recipe.learning_rate,
        "min_lr": recipe.min_learning_rate,
        "lr_scheduler_type": constant if recipe.schedule == "constant" else recipe.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": recipe.max_grad_norm,
    }


def _precision(job: TrainingJob) -> dict[str, Value]:
    if job.recipe.precision == "float32":
        return {"compute_type": "float32", "amp_master_grad": False, "fp16_opt_level": "O0"}
    if job.paddle_device == "cpu":
        raise TrainerError(
            "PaddlePaddle trains on a CPU in float32 only",
            where=_where(job),
            got="precision bfloat16",
            fix="Use the rehearsal edition, whose recipes are float32",
        )
    return {"compute_type": "bf16", "amp_master_grad": True, "fp16_opt_level": "O2"}


def _output(job: TrainingJob) -> dict[str, Value]:
    output = Path(job.workdir).absolute() / OUTPUT
    values: dict[str, Value] = {
        "output_dir": str(output),
        "logging_dir": str(output / "visualdl"),
        "overwrite_output_dir": True,
        "logging_steps": 1,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",
        "evaluation_strategy": "no",
        "unified_checkpoint": False,
    }
    return values | _checkpoints(job)


ONE_PROCESS: dict[str, Value] = {"save_checkpoint_format": "sharding_io", "save_to_hf": False}
"""
PaddleFormers 1.2 reads its default form back only where a process group is (of several processes).

In this one a run that goes on doesn't load the base: of LoRA the frozen weights would stay random.
"""


def _checkpoints(job: TrainingJob) -> dict[str, Value]:
    """Return what writes checkpoints, and what goes on from one; nothing where they can't be read back."""
    alone = job.all_cards == 1
    if alone and job.recipe.method == "sft_lora":
        return {}
    values: dict[str, Value] = {}
    if job.checkpoint_steps is not None:
        # Two, since the machine may die while the later one is written.
        kept: dict[str, Value] = {"save_steps": job.checkpoint_steps, "save_total_limit": 2}
        values |= {"save_strategy": "steps", **kept, **(ONE_PROCESS if alone else {})}
    if job.resume_from is not None:
        values["resume_from_checkpoint"] = str(Path(job.resume_from).absolute())
        if alone:
            values["load_checkpoint_format"] = ONE_PROCESS["save_checkpoint_format"]
    return values
