"""
The transformers trainer's adapter: what it asks for, what it refuses, what its process finds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.cli import main
from pytest_ernie.errors import TrainerError
from pytest_ernie.registry import Registry
from pytest_ernie.standard import load
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.hosts import Hosts
from pytest_ernie.trainers.protocol import TrainingJob
from pytest_ernie.trainers.transformers import INSIDE, TransformersTrainer, as_job, environment


def job(workdir: Path = Path("/work"), recipe: dict[str, Any] | None = None, **more: Any) -> Any:
    """The rehearsal's SFT on a CPU, with changes."""
    known = load("rehearsal").recipe("ERNIE-4.5-tiny", "sft")
    assert known is not None
    values: dict[str, Any] = {
        "recipe": msgspec.structs.replace(known, **(recipe or {})),
        "checkpoint": "/model",
        "data": "/data.jsonl",
        "workdir": str(workdir),
        "paddle_device": "cpu",
    }
    return TrainingJob(**{**values, **more})


def on_cards(count: int, **more: Any) -> Any:
    cards = tuple(str(n) for n in range(count))
    gpu = {"paddle_device": "gpu", "visible_variable": "CUDA_VISIBLE_DEVICES", "cards": cards}
    return job(recipe={"micro_batch": 1}, **{**gpu, **more})


def test_the_registry_knows_it() -> None:
    """By the word of the site file."""
    assert isinstance(Registry().find_trainer("transformers"), TransformersTrainer)


def test_each_card_is_a_process_and_the_batch_stays() -> None:
    """Eight samples a step, whatever the cards."""
    assert as_job(job())["processes"] == 1
    assert as_job(on_cards(4))["processes"] == 4
    assert as_job(on_cards(4))["global_batch"] == 8
    with pytest.raises(TrainerError, match="global_batch 8 is no multiple of micro_batch 1 x 3"):
        as_job(on_cards(3))


@pytest.mark.parametrize(
    ("device", "settings", "name", "plugin"),
    [
        ("cpu", {}, "cpu", ""),
        ("gpu", {}, "cuda", ""),
        ("npu", {}, "npu", "torch_npu"),
        ("npu", {"torch_plugin": "own"}, "npu", "own"),
        ("gpu", {"torch_device": "xpu"}, "xpu", ""),
        ("unheard_of", {"torch_device": "foo", "torch_plugin": "torch_foo"}, "foo", "torch_foo"),
    ],
)
def test_pytorchs_name_of_the_device(
    device: str, settings: dict[str, Any], name: str, plugin: str
) -> None:
    """As its maker's PyTorch has it, unless the site says otherwise."""
    described = as_job(on_cards(1, paddle_device=device, settings=settings))

    assert (described["device"], described["plugin"]) == (name, plugin)


def test_activations_of_long_samples_are_computed_twice() -> None:
    """Above 8K tokens, unless the site says otherwise."""

    def checkpointing(tokens: int, **settings: Any) -> Any:
        long = job(recipe={"sequence_length": tokens}, settings=settings)
        return as_job(long)["gradient_checkpointing"]

    assert [checkpointing(tokens) for tokens in (8192, 8193)] == [False, True]
    assert checkpointing(131072, gradient_checkpointing=False) is False


def test_checkpoints_are_asked_for_only_where_somebody_wants_them() -> None:
    """In the folder where the next attempt looks for them."""

    def told(**more: Any) -> list[Any]:
        described = as_job(job(**more))
        return [described[name] for name in ("output", "checkpoint_steps", "resume_from")]

    assert told() == ["/work/output", 0, ""]
    assert told(checkpoint_steps=50) == ["/work/output", 50, ""]
    assert told(resume_from="/old/checkpoint-50") == ["/work/output", 0, "/old/checkpoint-50"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"recipe": {"model": "ERNIE-4.5-VL-28B-A3B"}},
            "the transformers trainer trains text models",
        ),
        ({"recipe": {"loss_scale": 4096.0}}, "says more than the transformers trainer knows"),
        ({"multimodal": True}, "the transformers trainer trains text models"),
        ({"hosts": Hosts(count=2, master="10.0.0.1:9000", rank=0)}, "trains on one host"),
        ({"micro_batch": 4}, "another micro batch trains another objective"),
        ({"tensor_parallel": 2}, "keeps the whole model on each card"),
        ({"settings": {"learning_rate": 1.0}}, "has no such settings"),
        ({"settings": {"tf32": "yes"}}, "tf32 is of a wrong type"),
        ({"paddle_device": "unheard_of"}, "it isn't known what PyTorch calls this device"),
    ],
)
def test_what_it_can_t_do_is_refused(change: dict[str, Any], message: str) -> None:
    """Before anything is started, in words."""
    with pytest.raises(TrainerError, match=message):
        as_job(job(**change))


def test_tf32_isn_t_forbidden_where_it_is_asked_for() -> None:
    """Everywhere else the driver's own switch forbids it, too."""
    own = {"PYTHONPATH": "/own"}

    found = environment(on_cards(2), own, tf32=False)
    assert found["NVIDIA_TF32_OVERRIDE"] == "0"
    assert found["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert found["PYTHONPATH"] == f"{INSIDE}:/own"
    assert "NVIDIA_TF32_OVERRIDE" not in environment(on_cards(2), own, tf32=True)


def test_an_accelerator_needs_cards() -> None:
    """Which ones isn't guessed."""
    with pytest.raises(TrainerError, match="no cards are given to train on"):
        environment(job(paddle_device="gpu"), {}, tf32=False)


def test_what_the_program_says_is_the_cause(tmp_path: Path) -> None:
    """The job is kept as evidence; an environment without torch is told by its last exception."""
    toolchain = Toolchain(name="t", python=sys.executable, digest="0")
    asked = job(tmp_path)

    outcome = TransformersTrainer().run(asked, toolchain)

    assert outcome.exit_code == 1
    assert outcome.cause == "ModuleNotFoundError: No module named 'torch'"
    assert json.loads(outcome.config)["learning_rate"] == asked.recipe.learning_rate
    assert outcome.command[1:3] == ("-m", "ernie_torch")


def test_it_shows_what_it_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    """`pytest-ernie show launch` prints the job under its own name, and one card where none is asked for."""
    words = ["show", "launch", "--model=ERNIE-4.5-0.3B", "--device=gpu", "--method=sft"]

    assert main([*words, "--context=8K", "--trainer=transformers"]) == 0

    printed = capsys.readouterr().out
    assert "cat > RUN-FOLDER/job.json <<'END'" in printed
    assert '"processes": 1' in printed
    assert "-m ernie_torch" in printed
