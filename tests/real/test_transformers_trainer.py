"""
The transformers trainer for real, on a CPU: against the shipped reference that Paddle recorded, and itself.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie import rehearsal
from pytest_ernie.evidence import Store
from pytest_ernie.standard import load
from pytest_ernie.toolchains import Toolchain, provision
from pytest_ernie.trainers.curve import Curve, read_curve
from pytest_ernie.trainers.protocol import Enough, TrainingJob, TrainingOutcome
from pytest_ernie.trainers.transformers import TransformersTrainer

STEPS = 24
"""The warm-up and four steps at the whole rate."""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return provision("trainer-torch-cpu")


@pytest.fixture
def train(toolchain: Toolchain, tmp_path: Path):
    """Run some steps of the rehearsal, with changes; the schedule stays that of 500 steps."""

    def run(
        method: str = "sft",
        settings: dict[str, Any] | None = None,
        job: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Any:
        recipe = load("rehearsal").recipe("ERNIE-4.5-tiny", method)
        assert recipe is not None
        # The first steps of a cosine over 500 steps are those of a constant rate, to 1e-3 of it.
        recipe = msgspec.structs.replace(recipe, steps=STEPS, schedule="constant")
        workdir = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        workdir.mkdir()
        asked = TrainingJob(
            recipe=msgspec.structs.replace(recipe, **changes),
            checkpoint=str(rehearsal.checkpoint()),
            data=str(rehearsal.supervised_data()),
            workdir=str(workdir),
            paddle_device="cpu",
            threads=1,
            settings=settings or {},
        )
        return TransformersTrainer().run(msgspec.structs.replace(asked, **(job or {})), toolchain)

    return run


def curve(outcome: TrainingOutcome) -> Curve:
    assert outcome.cause is None, Path(outcome.log).read_text()
    return read_curve(Path(outcome.log).read_bytes())


def reference(method: str) -> dict[int, float]:
    """Losses of the shipped reference's 500-step run."""
    store = Store.existing(Path(rehearsal.__file__).with_name("reference"))
    (found,) = (
        what for what in store.measured() if (what.kind, what.method) == ("training.run", method)
    )
    record = store.find(found)
    assert record is not None
    return read_curve(store.blobs.get(record.blobs["log"])).by_step()


def farthest(one: dict[int, float], other: dict[int, float]) -> float:
    assert len(one) == STEPS
    return max(abs(one[step] - other[step]) for step in one)


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_it_follows_paddle(train: Any, method: str) -> None:
    """The same losses as PaddleFormers on PaddlePaddle, step by step, a thousandth of the limit apart."""
    ours = curve(train(method))

    assert ours.problems == ()
    assert ours.steps == tuple(range(1, STEPS + 1))
    assert farthest(ours.by_step(), reference(method)) < 1e-5


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_it_repeats_itself(train: Any, method: str) -> None:
    """Every loss to the last bit."""
    first, second = curve(train(method)), curve(train(method))

    assert None not in first.loss_md5
    assert first.loss_md5 == second.loss_md5


def goes_wrong_after(last: int) -> Any:
    """A watch that ends the run when it hears of that step."""

    def watch(step: Any) -> None:
        if step.step >= last:
            raise Enough("killed")

    return watch


@pytest.mark.parametrize(
    ("method", "precision"), [("sft", "float32"), ("sft", "bfloat16"), ("sft_lora", "float32")]
)
def test_going_on_from_a_checkpoint_changes_nothing(
    train: Any, method: str, precision: str
) -> None:
    """Killed after step 19, gone on from step 16: every loss is the uninterrupted run's, to the last bit."""
    whole = curve(train(method, precision=precision))
    killed = train(
        method, job={"checkpoint_steps": 8, "watch": goes_wrong_after(19)}, precision=precision
    )
    written = Path(killed.log).with_name("output")
    assert sorted(path.name for path in written.iterdir())[0] == "checkpoint-16"

    again = train(method, job={"resume_from": str(written / "checkpoint-16")}, precision=precision)

    went_on = read_curve(Path(again.log).read_bytes())
    assert (again.exit_code, went_on.steps) == (0, tuple(range(17, STEPS + 1)))
    assert went_on.loss_md5 == whole.loss_md5[16:]


def test_another_jobs_checkpoint_is_refused(train: Any) -> None:
    """What differs is named, and nothing is trained."""
    first = train(job={"checkpoint_steps": 8, "watch": goes_wrong_after(9)})
    checkpoint = Path(first.log).with_name("output") / "checkpoint-8"

    other = train(job={"resume_from": str(checkpoint)}, seed=24)

    assert other.exit_code == 2
    assert str(other.cause).endswith(
        "ernie_torch: the checkpoint checkpoint-8 is another job's: seed differ"
    )
    (checkpoint / "state.pt").write_bytes((checkpoint / "state.pt").read_bytes()[:1000])
    torn = train(job={"resume_from": str(checkpoint)})
    assert "the checkpoint checkpoint-8 can't be read" in str(torn.cause)


@pytest.mark.parametrize("method", ["sft", "sft_lora"])
def test_saving_memory_changes_nothing(train: Any, method: str) -> None:
    """Logits of seven tokens at a time and activations computed twice give the same losses."""
    plain = curve(train(method)).by_step()
    frugal = train(method, {"loss_chunk_tokens": 7, "gradient_checkpointing": True})

    assert farthest(curve(frugal).by_step(), plain) < 1e-5


def in_two_processes(one: TrainingOutcome, toolchain: Toolchain, **changes: Any) -> Curve:
    """The same job by two processes of half the samples each."""
    described = json.loads(one.config) | {"processes": 2, "micro_batch": 4, **changes}
    job = Path(one.log).with_name("two.json")
    job.write_text(json.dumps(described))
    run = subprocess.run(
        [toolchain.python, "-m", "ernie_torch", str(job)],
        env=one.environment | {"HOME": str(job.parent)},
        capture_output=True,
        check=True,
    )
    return read_curve(run.stdout)


def test_two_processes_are_two_micro_batches(toolchain: Toolchain, train: Any) -> None:
    """The mean over two processes is that over two micro batches of one: 4x2, whoever holds them."""
    one = train(micro_batch=4, steps=6)

    told = in_two_processes(one, toolchain).by_step()

    assert list(told) == [1, 2, 3, 4, 5, 6]
    assert max(abs(told[s] - loss) for s, loss in curve(one).by_step().items()) < 1e-5


def test_two_processes_go_on_from_one_checkpoint(toolchain: Toolchain, train: Any) -> None:
    """The first one's serves both: every loss as if nothing had happened."""
    one = train(micro_batch=4, steps=6)
    whole = in_two_processes(one, toolchain, checkpoint_steps=4)
    checkpoint = Path(one.log).with_name("output") / "checkpoint-4"

    went_on = in_two_processes(one, toolchain, resume_from=str(checkpoint))

    assert went_on.steps == (5, 6)
    assert went_on.loss_md5 == whole.loss_md5[4:]


def test_a_loss_that_is_no_number_ends_the_run(train: Any) -> None:
    """The step is in the log, the run stops there, and the cause names it."""
    outcome = train(learning_rate=1e30, warmup_steps=0)

    losses = read_curve(Path(outcome.log).read_bytes()).loss
    assert losses[-1] is None
    assert outcome.exit_code == 2
    assert f"the loss of step {len(losses)} is" in str(outcome.cause)


def test_bf16_keeps_fine_weights(train: Any) -> None:
    """A rate that bf16 weights alone would swallow still moves the loss: the masters are fp32."""
    still = curve(train(precision="bfloat16", learning_rate=1e-12)).by_step()
    moved = curve(train(precision="bfloat16")).by_step()
    fine = reference("sft")

    def away(losses: dict[int, float]) -> float:
        return sum(abs(losses[step] - fine[step]) for step in range(10, STEPS + 1))

    assert away(moved) < away(still) / 2


def test_the_loss_clause_passes_against_paddles_reference(
    pytester: pytest.Pytester, conformance_folder: Path, toolchain: Toolchain
) -> None:
    """The whole way: a site file that names the trainer, 500 steps, the shipped reference, PASS."""
    (pytester.path / "site.toml").write_text(
        f'[trainer]\nkind = "transformers"\npython = "{toolchain.python}"\n'
    )
    result = pytester.runpytest_subprocess(
        *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider"),
        *("--device=cpu", "--site=site.toml", "-m", "loss and sft_lora"),
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["PASS*training.loss*sft_lora]*"])
