"""
What the proof on one GPU makes before it measures. The environment with torch is a stand-in here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_ernie import rehearsal
from pytest_ernie.engines.protocol import Launch
from pytest_ernie.engines.transformers import Transformers
from pytest_ernie.errors import ToolchainError
from pytest_ernie.proof import __main__ as command
from pytest_ernie.proof import faults, prepare
from pytest_ernie.proof.inside import weights
from pytest_ernie.registry import Registry
from pytest_ernie.site import missing_from, read_site
from pytest_ernie.standard import criteria, load
from pytest_ernie.toolchains import Toolchain
from pytest_ernie.trainers.protocol import TrainingJob, TrainingOutcome
from pytest_ernie.trainers.transformers import TransformersTrainer, as_job


def safetensors(path: Path, header: dict[str, object], content: bytes) -> None:
    """Write a file as the library does: length, header, bytes."""
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


def test_the_same_weights_are_the_same_bytes(tmp_path: Path) -> None:
    """However the library ordered the names; the header keeps its length, so nothing moves."""
    tensor = {"dtype": "I8", "shape": [2], "data_offsets": [0, 2]}
    one, other = tmp_path / "one", tmp_path / "other"
    safetensors(one, {"__metadata__": {"a": "1", "b": "2"}, "w": tensor}, b"xy")
    safetensors(other, {"w": tensor, "__metadata__": {"b": "2", "a": "1"}}, b"xy")
    size = one.stat().st_size

    for path in (one, other):
        weights.settle(path)

    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size == size
    length = int.from_bytes(one.read_bytes()[:8], "little")
    assert json.loads(one.read_bytes()[8 : 8 + length])["w"] == tensor
    assert one.read_bytes().endswith(b"xy")


def test_an_answer_consists_of_words() -> None:
    """No marks, no halves of characters: of the shipped tokenizer's pieces those of small letters."""
    path = rehearsal.checkpoint() / "tokenizer.json"
    ids = weights.answerable(path)
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    names = {id: piece for piece, id in vocabulary.items()}

    assert len(ids) > 100
    assert all(names[id].lstrip("▁").isalpha() for id in ids)
    assert not {"<s>", "</s>", "<unk>", "<0xE4>"} & {names[id] for id in ids}


def test_the_site_file_has_all_that_the_edition_asks_for(tmp_path: Path) -> None:
    """For every criterion, on a GPU and on a CPU."""
    edition = load("gpu-proof")
    for on_cpu in (False, True):
        path = tmp_path / "site.toml"
        path.write_text(prepare.site_file(tmp_path, "/env/bin/python", on_cpu=on_cpu))
        site = read_site(path)

        assert missing_from(site, edition, criteria(edition), endpoint=False) == ()
        assert site.engine is not None
        assert site.engine.arguments == (() if on_cpu else ("--cb-use-cuda-graph",))
        assert set(site.models) == {model.name for model in edition.models}


def test_a_planted_fault_is_in_the_site_file_and_nowhere_else(tmp_path: Path) -> None:
    """Its name is the trainer's or the engine's; the plugin that brings it is loaded."""
    registry = Registry()
    faults.pytest_ernie_register(registry)

    for fault in faults.ASKED:
        path = tmp_path / "site.toml"
        path.write_text(prepare.site_file(tmp_path, "/env/bin/python", on_cpu=False, fault=fault))
        site = read_site(path)
        assert site.trainer is not None
        assert site.engine is not None
        named = {site.trainer.kind, site.engine.kind}
        assert named == {fault, "transformers"}
        assert registry.find_trainer(site.trainer.kind).name == "transformers"
        assert registry.find_engine(site.engine.kind).name == "transformers"


def test_a_planted_fault_changes_the_job_and_not_its_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer gets another job; what is kept of its configuration is the recipe's."""
    recipe = load("gpu-proof").recipe("ERNIE-4.5-tiny", "sft")
    assert recipe is not None
    job = TrainingJob(
        recipe=recipe, checkpoint="/model", data="/data", workdir=str(tmp_path), paddle_device="cpu"
    )
    trained = {}

    def run(self: object, job: TrainingJob, toolchain: Toolchain) -> TrainingOutcome:
        trained.update(as_job(job))
        return TrainingOutcome(
            exit_code=0, log="", started_unix_s=0, ended_unix_s=1, command=(), environment={},
            config=json.dumps(as_job(job)), cause=None,
        )  # fmt: skip

    monkeypatch.setattr(TransformersTrainer, "run", run)
    toolchain = Toolchain(name="trainer", python="/env/bin/python", digest="d")
    changed = {}
    for fault, change in faults.TRAINING.items():
        outcome = faults.OtherTraining(change).run(job, toolchain)
        told = json.loads(outcome.config)
        assert told == as_job(job)
        changed[fault] = {name: value for name, value in trained.items() if value != told[name]}

    assert changed == {
        "learning-rate": {"learning_rate": pytest.approx(4.4e-5)},
        "bfloat16": {"precision": "bfloat16"},
        "tf32": {"tf32": True},
    }


def test_planted_servers_are_started_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a module in its path that limits its batch, one with the plain weights."""
    started = []
    monkeypatch.setattr(
        Transformers, "start", lambda self, launch, **more: started.append((launch, more))
    )
    toolchain = Toolchain(name="engine", python="/env/bin/python", digest="d", env={"A": "1"})
    launch = Launch(
        model="m", checkpoint="/weights/geometry-int8", datatype="wint8", window=8192,
        max_num_seqs=64, engine="transformers",
    )  # fmt: skip

    faults.SmallBatch().start(launch, toolchain=toolchain)
    faults.Unquantized().start(launch, toolchain=toolchain)

    (same, limited), (plain, _) = started
    path = limited["toolchain"].env["PYTHONPATH"].split(os.pathsep)
    assert same == launch
    assert (Path(path[1]) / "sitecustomize.py").is_file()
    assert (limited["toolchain"].env["A"], limited["toolchain"].env["ERNIE_PLANTED_BATCH"]) == (
        "1",
        "3",
    )
    assert (plain.checkpoint, plain.datatype) == ("/weights/geometry", "bf16")


def test_a_planted_fault_asks_for_what_must_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its criteria alone; one's own arguments come after."""
    (tmp_path / prepare.DONE).touch()
    called: list[list[str]] = []

    def run(line: list[str], check: bool) -> SimpleNamespace:
        called.append(line)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(command.subprocess, "run", run)
    command.main([str(tmp_path), "--fault=tf32", "--card=1", "--reference=r"])

    assert called[0][-5:] == ["-p", "pytest_ernie.proof.faults", "-m", "loss", "--reference=r"]
    assert read_site(tmp_path / "site-tf32.toml").cards == ("1",)


def test_an_environment_without_torch_is_told(tmp_path: Path) -> None:
    """In one sentence, and nothing half-made stays."""
    with pytest.raises(ToolchainError) as caught:
        prepare.prepare(tmp_path / "proof", sys.executable)

    assert str(caught.value).startswith(
        f"{sys.executable}: the stand-ins' weights can't be made; got ModuleNotFoundError: "
    )
    assert str(caught.value).endswith("an environment with numpy, torch, transformers and torchao")
    assert not (tmp_path / "proof" / "weights").exists()


def test_what_is_prepared_stays_and_the_site_file_is_written_anew(tmp_path: Path) -> None:
    """The environment may be another one the next time."""
    (tmp_path / prepare.DONE).touch()

    site = prepare.prepare(tmp_path, "/another/python")

    assert 'python = "/another/python"' in site.read_text()


def test_the_command_says_what_is_wrong_and_leaves_with_four(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As pytest does for a wrong call."""
    assert command.main([str(tmp_path / "proof"), "--prepare-only"]) == 4
    assert "ERROR: " in capsys.readouterr().err


def test_further_arguments_are_pytests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called with the edition, the device and the site file, and its exit code is ours."""
    (tmp_path / prepare.DONE).touch()
    called: list[list[str]] = []

    def run(line: list[str], check: bool) -> SimpleNamespace:
        called.append(line)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main([str(tmp_path), "--python", "/env/bin/python", "-m", "tier1"]) == 1

    (line,) = called
    assert line[1:3] == ["-m", "pytest"]
    assert (Path(line[3]) / "test_training.py").is_file()
    assert line[4:] == [
        "--edition=gpu-proof",
        "--device=gpu",
        f"--site={tmp_path / 'site-0.toml'}",
        "-m",
        "tier1",
    ]
