"""
The adapter, with a small script in the front end's place: what it is given, what comes of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import ToolchainError, TrainerError
from pytest_ernie.standard.recipe import Recipe
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.erniekit import ErnieKitTrainer
from pytest_ernie.trainers.hosts import Hosts
from pytest_ernie.trainers.protocol import TrainingJob
from pytest_ernie.trainers.tokens import count_tokens

STEP = "[INFO] - loss: {loss}, learning_rate: 1e-05, global_step: {step}, interval_runtime: 0.1"
PRINTS_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def toolchain(tmp_path: Path) -> Callable[..., Toolchain]:
    """Make an environment whose front end runs the given Python code."""

    def make(code: str = "", *, name: str = "paddleformers-cli", **env: str) -> Toolchain:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "python").symlink_to(sys.executable)
        (folder / name).write_text(code, encoding="utf-8")
        return Toolchain(name="test", python=str(folder / "python"), digest="0", env=env)

    return make


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    """Return a job of three steps on a CPU."""
    work = tmp_path / "work"
    work.mkdir()
    recipe: dict[str, Any] = {
        "model": "ERNIE-4.5-tiny", "method": "sft", "steps": 3, "sequence_length": 256,
        "micro_batch": 8, "global_batch": 8, "learning_rate": 1e-4, "min_learning_rate": 0.0,
        "schedule": "cosine", "warmup_steps": 2, "weight_decay": 0.1, "adam_beta1": 0.9,
        "adam_beta2": 0.95, "adam_epsilon": 1e-8, "max_grad_norm": 1.0, "seed": 23,
        "precision": "float32",
    }  # fmt: skip
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    return TrainingJob(
        recipe=Recipe(**recipe),
        checkpoint=str(checkpoint),
        data=str(tmp_path / "data.jsonl"),
        workdir=str(work),
        paddle_device="cpu",
        threads=2,
    )


def test_a_good_run_has_no_cause(toolchain: Callable[..., Toolchain], job: TrainingJob) -> None:
    """The outcome holds the log, the configuration and the command."""
    outcome = ErnieKitTrainer("paddleformers-cli").run(job, toolchain("print('hello')"))

    assert (outcome.exit_code, outcome.cause) == (0, None)
    assert Path(outcome.log).read_text() == "hello\n"
    assert outcome.command[1:3] == (
        str(Path(outcome.command[0]).parent / "paddleformers-cli"),
        "train",
    )
    assert Path(outcome.command[3]).read_text() == outcome.config
    assert "learning_rate: 0.0001\n" in outcome.config
    assert outcome.started_unix_s <= outcome.ended_unix_s


def test_the_trainer_writes_nothing_into_the_checkpoint(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """It gets a folder of links to write beside them; an older index isn't shown to it."""
    checkpoint = Path(job.checkpoint)
    (checkpoint / "model.safetensors").write_text("weights")
    (checkpoint / "flex-ckpt.auto_generated.metadata").write_text("older weights")
    code = (
        "import re, pathlib, sys\n"
        "text = pathlib.Path(sys.argv[2]).read_text()\n"
        "folder = pathlib.Path(re.search('model_name_or_path: \"(.*)\"', text)[1])\n"
        "names = sorted(p.name for p in folder.iterdir())\n"
        "print(names, (folder / 'model.safetensors').read_text())\n"
        "(folder / 'flex-ckpt.auto_generated.metadata').write_text('new')\n"
    )

    outcome = ErnieKitTrainer("paddleformers-cli").run(job, toolchain(code))

    assert Path(outcome.log).read_text() == "['model.safetensors'] weights\n"
    assert (checkpoint / "flex-ckpt.auto_generated.metadata").read_text() == "older weights"


def test_a_failed_run_is_an_outcome_with_its_cause(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """A trainer that dies isn't an error of the suite's."""
    outcome = ErnieKitTrainer("paddleformers-cli").run(job, toolchain("raise ValueError('bad')"))

    assert (outcome.exit_code, outcome.cause) == (1, "ValueError: bad")


def test_the_environment_is_built_not_inherited(
    toolchain: Callable[..., Toolchain], job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable of the person's shell arrives; the toolchain's own do, and all are told."""
    monkeypatch.setenv("FLAGS_secret_speedup", "1")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    outcome = ErnieKitTrainer("paddleformers-cli").run(
        job, toolchain(PRINTS_ENVIRONMENT, VENDOR_HOME="/opt/vendor")
    )
    seen = Path(outcome.log).read_text()

    assert "FLAGS_secret_speedup" not in seen
    assert "/somewhere" not in seen
    assert {
        "VENDOR_HOME": "/opt/vendor",
        "OMP_NUM_THREADS": "2",
        "LOG_LOSS_MD5": "1",
        "CUDA_VISIBLE_DEVICES": "0",
        "FLAGS_cudnn_deterministic": "1",
        "HF_HUB_OFFLINE": "1",
    }.items() <= outcome.environment.items()
    assert all(f'"{name}"' in seen for name in outcome.environment)
    assert "HOME" not in outcome.environment


def test_the_launchers_python_is_the_toolchains(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """The front end starts plain "python", so the toolchain's comes first on PATH."""
    chosen = toolchain("import shutil; print(shutil.which('python'))")

    outcome = ErnieKitTrainer("paddleformers-cli").run(job, chosen)

    assert Path(outcome.log).read_text().strip() == chosen.python


def test_cards_are_shown_by_the_devices_variable(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """Only the leased cards are visible to the trainer."""
    import msgspec

    on_cards = msgspec.structs.replace(
        job, paddle_device="xpu", cards=("2",), visible_variable="XPU_VISIBLE_DEVICES"
    )

    outcome = ErnieKitTrainer("paddleformers-cli").run(on_cards, toolchain())

    assert outcome.environment["XPU_VISIBLE_DEVICES"] == "2"
    assert "CUDA_VISIBLE_DEVICES" not in outcome.environment


def test_a_device_without_cards_is_refused(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """Otherwise the trainer would take whatever cards there are."""
    import msgspec

    with pytest.raises(TrainerError, match=r"no cards are given to train on; got device xpu"):
        ErnieKitTrainer("paddleformers-cli").run(
            msgspec.structs.replace(job, paddle_device="xpu"), toolchain()
        )


def test_a_toolchain_without_the_command_is_refused(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """ERNIEKit's environment can't stand in for PaddleFormers'."""
    with pytest.raises(
        ToolchainError, match="toolchain test: its environment has no erniekit; got"
    ):
        ErnieKitTrainer("erniekit").run(job, toolchain())


def test_progress_tells_each_step(toolchain: Callable[..., Toolchain], job: TrainingJob) -> None:
    """Steps, loss; lines that can't be read are no news."""
    told: list[tuple[str, float, float | None, str]] = []

    def progress(
        stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        told.append((stage, done, total, detail))

    lines = [
        STEP.format(step=1, loss=6.25),
        "loss: 3, learning_rate: 1",
        STEP.format(step=2, loss="nan"),
    ]
    ErnieKitTrainer("paddleformers-cli").run(
        job, toolchain(f"print({chr(10).join(lines)!r})"), progress
    )

    assert told == [
        ("train sft", 0, 3, "starting"),
        ("train sft", 1, 3, "loss 6.2500"),
        ("train sft", 2, 3, "loss not finite"),
    ]


def test_ctrl_c_stops_the_trainer_and_goes_on(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """Nothing keeps running, and the interruption isn't swallowed."""
    code = "import os, time; print('x', flush=True); open('pid', 'w').write(str(os.getpid()))\n"
    code += "print(" + repr(STEP.format(step=1, loss=1.0)) + ", flush=True); time.sleep(60)"

    def interrupt(stage: str, *, done: float = 0, **_: Any) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ErnieKitTrainer("paddleformers-cli").run(job, toolchain(code), interrupt)

    assert not Path(f"/proc/{(Path(job.workdir) / 'pid').read_text()}").exists()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "token-counts"


def counting(tmp_path: Path, answer: str) -> Toolchain:
    """A toolchain that answers so, and notes that it was asked."""
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        f"pathlib.Path(json.loads(sys.argv[2])['answer']).write_text('{answer}')\n"
        f"open({str(tmp_path / 'asked')!r}, 'a').write('once ')\n"
    )
    python.chmod(0o755)
    (tmp_path / "data.jsonl").write_text('{"src": ["a"], "tgt": ["b"]}\n')
    return Toolchain(name="test", python=str(python), digest="0")


@pytest.mark.usefixtures("cache")
def test_counting_that_fails_says_why(toolchain: Callable[..., Toolchain], tmp_path: Path) -> None:
    """The last line of the script's complaint is the reason."""
    data = tmp_path / "data.jsonl"
    data.write_text('{"src": ["a"]}\n', encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")

    with pytest.raises(
        TrainerError, match=r"data.jsonl: the samples' tokens can't be counted; got "
    ):
        count_tokens(toolchain(), tmp_path, data, sequence_length=256)


@pytest.mark.usefixtures("cache")
def test_data_without_answers_are_refused(tmp_path: Path) -> None:
    """Over such data the trainer would read for ever and never make a step."""
    chosen = counting(tmp_path, "[[0, 0], [0, 0]]")

    with pytest.raises(
        TrainerError, match=r"no sample has an answer left .*; got 2 samples, each cut to 256"
    ):
        count_tokens(chosen, tmp_path, tmp_path / "data.jsonl", sequence_length=256)


def test_samples_are_tokenised_once_for_all_lengths(tmp_path: Path, cache: Path) -> None:
    """Cut to 8K, 32K and 128K they are the same samples; an unreadable cache is made anew."""
    chosen = counting(tmp_path, "[[100, 10], [5000, 4000], [9, 3]]")
    data = tmp_path / "data.jsonl"

    counts = [
        count_tokens(chosen, tmp_path, data, sequence_length=length).per_sample
        for length in (50, 4000, 4001, 10**6)
    ]

    assert [(50, 0, 9), (100, 0, 9), (100, 4001, 9), (100, 5000, 9)] == counts
    assert (tmp_path / "asked").read_text() == "once "
    next(cache.iterdir()).write_text("torn")
    assert count_tokens(chosen, tmp_path, data, sequence_length=50).total == 59
    assert (tmp_path / "asked").read_text() == "once once "


def test_other_data_another_tokenizer_or_another_toolchain_are_counted_anew(
    tmp_path: Path, cache: Path
) -> None:
    """The count belongs to all of them."""
    chosen = counting(tmp_path, "[[100, 10]]")
    data = tmp_path / "data.jsonl"

    count_tokens(chosen, tmp_path, data, sequence_length=50)
    data.write_text('{"src": ["x"], "tgt": ["y"]}\n')
    count_tokens(chosen, tmp_path, data, sequence_length=50)
    (tmp_path / "tokenizer.json").write_text("{}")
    count_tokens(chosen, tmp_path, data, sequence_length=50)
    count_tokens(
        Toolchain(name="t", python=chosen.python, digest="1"), tmp_path, data, sequence_length=50
    )

    assert len(list(cache.iterdir())) == 4


def test_the_launcher_is_told_everything_by_variables(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """One host on 127.0.0.1, its workers' logs in the run's folder; the site's words follow the chip's."""
    chosen = msgspec.structs.replace(
        job, device_environment={"FLAGS_npu_jit_compile": "0", "FLAGS_mine": "chip"}
    )

    outcome = ErnieKitTrainer("paddleformers-cli").run(
        chosen, toolchain(PRINTS_ENVIRONMENT, FLAGS_mine="site", NCCL_ALGO="Ring")
    )

    seen = json.loads(Path(outcome.log).read_text())
    assert {
        "NNODES": "1",
        "RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "NCCL_ALGO": "Tree",
    }.items() <= (seen.items())
    assert (seen["FLAGS_npu_jit_compile"], seen["FLAGS_mine"]) == ("0", "site")
    assert seen["PADDLEFORMERS_DIST_LOG"] == f"{job.workdir}/launcher/host-0"


def test_workers_logs_are_found_by_host_and_number(
    toolchain: Callable[..., Toolchain], job: TrainingJob
) -> None:
    """As many as this host sees; those of other hosts on a shared file system, too."""
    code = (
        "import os, pathlib\n"
        "logs = pathlib.Path(os.environ['ERNIEKIT_DIST_LOG']).parent\n"
        "for host, worker in ((0, 0), (0, 1), (1, 0)):\n"
        "    (logs / f'host-{host}').mkdir(parents=True, exist_ok=True)\n"
        "    (logs / f'host-{host}' / f'workerlog.{worker}').write_text('x')\n"
    )

    outcome = ErnieKitTrainer("erniekit").run(job, toolchain(code, name="erniekit"))

    assert list(outcome.worker_logs) == ["host-0 worker 0", "host-0 worker 1", "host-1 worker 0"]


def test_several_hosts_reach_the_launcher(job: TrainingJob) -> None:
    """The batch is shared by all cards of all hosts, and the master is the first one's address."""
    recipe = msgspec.structs.replace(job.recipe, micro_batch=1, precision="bfloat16")
    chosen = msgspec.structs.replace(
        job,
        recipe=recipe,
        paddle_device="npu",
        cards=("0", "1"),
        visible_variable="ASCEND_RT_VISIBLE_DEVICES",
        tensor_parallel=2,
        settings={"sharding": "stage1"},
        hosts=Hosts(count=2, rank=1, master="10.0.0.1:8090", started_by="each"),
    )

    shown = ErnieKitTrainer("paddleformers-cli").preview(
        chosen, python="bin/python", version="1.2.0"
    )

    told = {
        name: shown.environment[name] for name in ("NNODES", "RANK", "MASTER_ADDR", "MASTER_PORT")
    }
    assert told == {"NNODES": "2", "RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "8090"}
    assert "gradient_accumulation_steps: 4\n" in shown.config
    assert 'sharding: "stage1"\nsharding_parallel_size: 2\n' in shown.config
    assert "--npus 0,1 --master 10.0.0.1:8090 --nnodes 2 --rank 1" in shown.starts


def test_an_erniekit_without_its_own_package_is_not_started(
    toolchain: Callable[..., Toolchain], job: TrainingJob, tmp_path: Path
) -> None:
    """Its front end would take a minute to say that there is no module named ernie."""
    info = tmp_path / "packages" / "erniekit-1.3.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: erniekit\nVersion: 1.3.0\n")
    broken = toolchain("print('started')", name="erniekit", PYTHONPATH=str(tmp_path / "packages"))

    with pytest.raises(ToolchainError, match=r"erniekit 1\.3\.0 is installed without its package"):
        ErnieKitTrainer("erniekit").run(job, broken)
