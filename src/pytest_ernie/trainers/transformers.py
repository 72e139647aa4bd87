"""
The transformers trainer: plain PyTorch over a checkpoint of the -PT kind, for chips whose stack is torch.

Template, labels, data order, loss, schedule, optimizer and LoRA are PaddleFormers', rewritten in
``inside/ernie_torch``, which runs inside the toolchain; docs/training-numerics.md says how far the two agree.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from pytest_ernie.errors import TrainerError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.lora_start import FOLDER, WEIGHTS, write_start
from pytest_ernie.trainers.protocol import (
    OUTPUT,
    TokenCount,
    TrainingJob,
    TrainingOutcome,
    TrainingPreview,
)
from pytest_ernie.trainers.running import (
    QUIET,
    home_in,
    run_to_the_end,
    shown_cards,
    with_its_programs,
)
from pytest_ernie.trainers.tokens import count_tokens

INSIDE = Path(__file__).with_name("inside")
MODULE = "ernie_torch"
JOB = "job.json"
Value = str | int | float | bool

DETERMINISM = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "NCCL_ALGO": "Tree",
    "PYTHONHASHSEED": "0",
}
LONG = 8192
"""Tokens; longer samples need their activations computed twice to fit a card."""


class TorchDevice(NamedTuple):
    """What PyTorch calls a device, and the module that teaches it the name."""

    name: str
    plugin: str = ""


DEVICES = {
    "cpu": TorchDevice("cpu"),
    "gpu": TorchDevice("cuda"),
    "iluvatar_gpu": TorchDevice("cuda"),
    "metax_gpu": TorchDevice("cuda"),
    "xpu": TorchDevice("cuda", "torch_xmlir"),
    "npu": TorchDevice("npu", "torch_npu"),
    "gcu": TorchDevice("gcu", "torch_gcu"),
    "intel_hpu": TorchDevice("hpu", "habana_frameworks.torch"),
}
"""By PaddlePaddle's name, as the makers' builds of PyTorch have it; settings name any other."""

SETTINGS: dict[str, Value] = {
    "torch_device": "",
    "torch_plugin": "",
    "attention": "sdpa",
    "tf32": False,
    "deterministic": True,
    "gradient_checkpointing": False,
    "loss_chunk_tokens": 2048,
}
"""What a site may choose, and what is chosen for it. Checkpointing follows the length if nobody says."""
UNKNOWN_TO_IT = ("frozen", "loss_scale", "gate_learning_rate_ratio")
"""Fields of recipes for multimodal and sparse models."""


class TransformersTrainer:
    """Trains with the toolchain's PyTorch, transformers and (for LoRA) peft."""

    name = "transformers"

    def run(
        self, job: TrainingJob, toolchain: Toolchain, progress: Progress = silent
    ) -> TrainingOutcome:
        """
        Run the job to its end, well or badly; Ctrl-C ends all its processes first.

        TrainerError if the recipe doesn't fit the device, the cards or this trainer.
        """
        preview = self.preview(
            job, python=toolchain.python, version=None, site_environment=toolchain.env
        )
        workdir = Path(job.workdir)
        (workdir / JOB).write_text(preview.config, encoding="utf-8")
        given = None
        if job.recipe.lora_start is not None:
            given = write_start(workdir / FOLDER, Path(job.checkpoint), job.recipe)
        found = with_its_programs(inherited() | preview.environment, toolchain)
        outcome = run_to_the_end(job, preview.command, found, preview.config, progress)
        return msgspec.structs.replace(outcome, lora_start=given)

    def preview(
        self,
        job: TrainingJob,
        *,
        python: str,
        version: str | None,
        site_environment: Mapping[str, str] | None = None,
    ) -> TrainingPreview:
        """Return the job, command and variables of a run, whatever the version; TrainerError as for one."""
        described = as_job(job)
        job_file = str(Path(job.workdir).absolute() / JOB)
        return TrainingPreview(
            config=json.dumps(described, indent=1, ensure_ascii=False) + "\n",
            command=(python, "-m", MODULE, job_file),
            environment=environment(job, site_environment or {}, tf32=bool(described["tf32"])),
            starts=f"{described['processes']} processes, which meet at a file",
            file=JOB,
            links="",
        )

    def count_tokens(
        self, toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
    ) -> TokenCount:
        """Count what this trainer feeds of each sample, its template's tokens included."""
        return count_tokens(toolchain, checkpoint, data, sequence_length=sequence_length)


def as_job(job: TrainingJob) -> dict[str, Value]:
    """
    Return the job in the words of ``inside/ernie_torch/job.py``.

    TrainerError for a multimodal model, several hosts, a card that holds only a part of the model, another
    micro batch than the recipe's, a global batch that the cards don't divide, and unknown settings.
    """
    recipe = job.recipe
    where = f"{recipe.model} {recipe.method}"
    if job.multimodal or "-VL-" in recipe.model:
        raise TrainerError(
            "the transformers trainer trains text models",
            where=where,
            fix="Use ERNIEKit or PaddleFormers for multimodal ones",
        )
    if job.tensor_parallel * job.pipeline_parallel > 1:
        raise TrainerError(
            "the transformers trainer keeps the whole model on each card",
            where=where,
            got=f"{job.tensor_parallel} x {job.pipeline_parallel} (tensor x pipeline)",
            wanted="1 x 1",
            fix="Use ERNIEKit or PaddleFormers for models that are larger than a card",
        )
    if job.hosts.count > 1:
        raise TrainerError(
            "the transformers trainer trains on one host",
            where=where,
            got=f"{job.hosts.count} hosts",
            fix="Leave hosts out of the site file, or use ERNIEKit or PaddleFormers",
        )
    if job.micro_batch not in (None, recipe.micro_batch):
        raise TrainerError(
            "another micro batch trains another objective: each one's loss is a mean of its own",
            where=where,
            got=f"micro_batch {job.micro_batch}",
            wanted=f"the recipe's, {recipe.micro_batch}",
            fix="Leave it out of the site file; to save memory set gradient_checkpointing",
        )
    if more := [name for name in UNKNOWN_TO_IT if getattr(recipe, name) is not None]:
        raise TrainerError(
            "the recipe says more than the transformers trainer knows",
            where=where,
            got=", ".join(more),
            fix="Use ERNIEKit or PaddleFormers",
        )
    if unknown := sorted(set(job.settings) - set(SETTINGS)):
        raise TrainerError(
            "the transformers trainer has no such settings",
            where=where,
            got=", ".join(unknown),
            wanted=f"any of {', '.join(SETTINGS)}",
        )
    processes, workdir = max(1, len(job.cards)), Path(job.workdir).absolute()
    if recipe.global_batch % (recipe.micro_batch * processes):
        raise TrainerError(
            f"global_batch {recipe.global_batch} is no multiple of micro_batch "
            f"{recipe.micro_batch} x {processes} cards",
            where=where,
            fix="Use a number of cards that divides it: the reference trained with this batch",
        )
    return {
        "checkpoint": str(Path(job.checkpoint).absolute()),
        "data": str(Path(job.data).absolute()),
        "method": recipe.method,
        "steps": recipe.steps,
        "sequence_length": recipe.sequence_length,
        "micro_batch": recipe.micro_batch,
        "global_batch": recipe.global_batch,
        "learning_rate": recipe.learning_rate,
        "min_learning_rate": recipe.min_learning_rate,
        "schedule": recipe.schedule,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "max_grad_norm": recipe.max_grad_norm,
        "seed": recipe.seed,
        "precision": recipe.precision,
        "lora_rank": recipe.lora_rank or 0,
        "lora_start": str(workdir / FOLDER / WEIGHTS) if recipe.lora_start else "",
        "processes": processes,
        "output": str(workdir / OUTPUT),
        "checkpoint_steps": job.checkpoint_steps or 0,
        "resume_from": job.resume_from or "",
        **_computed(job, where),
    }


def _computed(job: TrainingJob, where: str) -> dict[str, Value]:
    """Return how this machine computes it: the site's word, else what fits the device and length."""
    chosen = {**SETTINGS, "gradient_checkpointing": job.recipe.sequence_length > LONG}
    chosen |= job.settings
    for name, value in chosen.items():
        if type(value) is not type(SETTINGS[name]):
            raise TrainerError(
                f"{name} is of a wrong type",
                where=where,
                got=value,
                wanted=type(SETTINGS[name]).__name__,
            )
    device, plugin = chosen.pop("torch_device"), chosen.pop("torch_plugin")
    known = DEVICES.get(job.paddle_device)
    if not device and known is None:
        raise TrainerError(
            "it isn't known what PyTorch calls this device",
            where=where,
            got=job.paddle_device,
            fix="Give torch_device, and torch_plugin if a module brings it, in the trainer's settings",
        )
    if not device and known:
        device, plugin = known.name, plugin or known.plugin
    return {**chosen, "device": device, "plugin": plugin}


def environment(job: TrainingJob, site: Mapping[str, str], *, tf32: bool) -> dict[str, str]:
    """Return the variables that are set besides those that are inherited; TrainerError without cards."""
    found = {**job.device_environment, **site}
    found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(INSIDE), site.get("PYTHONPATH", ""))))
    found |= DETERMINISM | QUIET
    if tf32:
        del found["NVIDIA_TF32_OVERRIDE"]
    found |= home_in(Path(job.workdir).absolute()) | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
    }
    if job.threads is not None:
        found["OMP_NUM_THREADS"] = str(job.threads)
    return found if job.paddle_device == "cpu" else found | shown_cards(job)
