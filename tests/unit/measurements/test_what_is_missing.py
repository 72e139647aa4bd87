"""
What can't be measured or looked up is said in words that name the mend.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from pytest_ernie.accuracy import ask, tasks
from pytest_ernie.engines.asking import context
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.lifecycle.pool import ServerPool
from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.errors import (
    EngineError,
    ErnieError,
    EvidenceMissing,
    ReferenceBeingRecorded,
    SiteError,
    TrainerError,
)
from pytest_ernie.evidence import Recording, Store, Subject
from pytest_ernie.measurements.accuracy import AccuracyPlan
from pytest_ernie.measurements.candidate import OfflineCandidate
from pytest_ernie.measurements.equipment import Equipment, folder_digest
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.reference import reference_of
from pytest_ernie.measurements.serving import Configuration, ContextPlan
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.progress import silent
from pytest_ernie.registry import Registry
from pytest_ernie.settings import Settings, read_settings
from pytest_ernie.site import Site
from pytest_ernie.standard import load
from pytest_ernie.trainers.protocol import TrainingOutcome

OFFICIAL = load("ernie-4.5")
CONFIGURATION = Configuration(edition="ernie-4.5", model="m", datatype="wint8", window=8192)
CONTEXT = ContextPlan(
    configuration=CONFIGURATION, length=8192, rule=OFFICIAL.rulings.serving_context
)
ACCURACY = AccuracyPlan(configuration=CONFIGURATION, dataset=load("rehearsal").datasets[0])
TRAINING = TrainingPlan(edition="ernie-4.5", recipe=load("rehearsal").recipes[0])
LINE = (
    "[2026-01-01 00:00:00,000] [    INFO] - loss: 2.5, learning_rate: 1e-05, global_step: 7, "
    "interval_runtime: 0.01, interval_tokens_per_second_per_device: 2000, progress_or_epoch: 0.1\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a certification whose site file says nothing."""
    asked = read_settings({"device": "xpu", "evidence": "evidence"}, tmp_path)
    return msgspec.structs.replace(asked, site=Site())


def test_offline_only_what_is_recorded_can_be_judged(settings: Settings) -> None:
    """The message says which measurement, where, and how to get it."""
    with pytest.raises(EvidenceMissing) as caught:
        OfflineCandidate(settings).record(CONTEXT)

    assert str(caught.value) == (
        f"{settings.evidence}: nothing is recorded for serving.context of m, wint8, 8192 tokens. "
        "Run without --offline on the device to measure it"
    )


def test_an_attempt_that_failed_is_told(settings: Settings) -> None:
    """Its own, or that of another measurement on the same server; of another data type's, nothing."""
    subject = Subject(device={"machine": "a"}, toolchain=None, checkpoint="c")
    store = Store(settings.evidence)
    other = msgspec.structs.replace(ACCURACY.what, datatype="w4a8", dataset="another")
    for what, words in ((other, "no such kernel"), (CONTEXT.what, "the engine " + "x" * 900)):
        with pytest.raises(EngineError), store.recording(what, subject, "d"):
            raise EngineError(words)

    def told(plan: Plan) -> str:
        with pytest.raises(EvidenceMissing) as caught:
            OfflineCandidate(settings).record(plan)
        return str(caught.value)

    for plan in (CONTEXT, ACCURACY):
        assert "; got an attempt that failed: the engine xxx" in told(plan)
        assert "no such kernel" not in told(plan)
        assert len(told(plan)) < 800
    assert "an attempt that failed" not in told(TRAINING)


def test_a_reference_must_be_given(settings: Settings) -> None:
    """Or recorded, and while it is there is none to compare with."""
    with pytest.raises(EvidenceMissing) as caught:
        reference_of(settings).record(CONTEXT)

    assert str(caught.value) == (
        "no reference was given. Record one on the benchmark's hardware with --record-reference, and "
        "name its folder with --reference"
    )
    recording = msgspec.structs.replace(settings, record_reference=True)
    with pytest.raises(ReferenceBeingRecorded):
        reference_of(recording).record(CONTEXT)


@pytest.mark.parametrize(
    ("length", "near"), [(8192, " (the nearest one differs in length)"), (None, "")]
)
def test_a_reference_that_lacks_it_says_what_is_nearest(
    settings: Settings, tmp_path: Path, length: int | None, near: str
) -> None:
    """Another length, say, if it holds anything of that kind."""
    store = Store(tmp_path / "reference")
    subject = Subject(device={}, toolchain=None, checkpoint=None)
    recorded = CONTEXT.what if length else ACCURACY.what
    with store.recording(recorded, subject, "e" * 64, None) as recording:
        recording.finish({})
    given = msgspec.structs.replace(settings, reference=store.folder)

    with pytest.raises(EvidenceMissing) as caught:
        reference_of(given).record(msgspec.structs.replace(CONTEXT, length=32768))

    assert str(caught.value) == (
        f"{store.folder}: the reference holds no serving.context of m, wint8, 32768 tokens{near}. "
        "Record it on the reference's machine with --record-reference"
    )


@pytest.mark.parametrize(
    ("need", "entry"),
    [
        (lambda e: e.trainer_toolchain, "[trainer]"),
        (lambda e: e.engine_toolchain, "[engine]"),
        (lambda e: e.checkpoint("m"), '[models."m"] checkpoint'),
        (lambda e: e.training_data("m"), '[models."m"] training_data'),
        (lambda e: e.questions("gsm8k"), "[datasets] gsm8k"),
        (
            lambda e: e.workload_source(OFFICIAL.workloads[0]),
            "[workloads] text, a file of prompts",
        ),
    ],
)
def test_what_the_site_file_lacks_is_named(
    settings: Settings, need: Callable[[Equipment], object], entry: str
) -> None:
    """By its entry; only the rehearsal brings its own."""
    registry = cast(Registry, SimpleNamespace(find_device=lambda kind: None))

    with pytest.raises(SiteError) as caught:
        need(Equipment(settings, registry))

    assert str(caught.value) == f"the site file lacks an entry; wanted {entry}"


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By its path."""
    with pytest.raises(SiteError) as caught:
        folder_digest(tmp_path / "nowhere")

    assert str(caught.value) == (f"there is no such checkpoint folder; got {tmp_path / 'nowhere'}")


def test_weights_are_known_by_name_and_content(tmp_path: Path) -> None:
    """Wherever they lie; another name, another byte or another file is another checkpoint."""
    digests = []
    for number, files in enumerate(
        (
            {"config.json": "{}", "w/a": "1"},
            {"config.json": "{}", "w/a": "1"},
            {"config.json": "{}", "w/b": "1"},
            {"config.json": "{}", "w/a": "2"},
            {"config.json": "{}", "w/a": "1", "w/b": ""},
        )
    ):
        for name, content in files.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        digests.append(folder_digest(tmp_path / str(number)))

    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_large_weights_are_read_once_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size and time of change, over the end of a run."""
    monkeypatch.setattr("pytest_ernie.measurements.equipment._Known.LARGE", 4)
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "w").write_text("12345")
    first = folder_digest(folder)
    read: list[Path] = []
    monkeypatch.setattr(
        "pytest_ernie.measurements.equipment.file_digest", lambda path: read.append(path) or "d"
    )

    assert folder_digest(folder) == first
    assert read == []
    os.utime(folder / "w", ns=(1, 1))
    assert folder_digest(folder) != first
    assert read == [folder / "w"]


def dying(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, plan: ContextPlan | AccuracyPlan
) -> ErnieError:
    """Measure against a server that has died meanwhile; return what is raised."""
    log = tmp_path / "server.log"
    log.write_text("CUDA error")
    facts = SimpleNamespace(window=8192)
    server = SimpleNamespace(
        base_url="", model="m", dialect=VLLM, api_key=None, log=log, facts=facts,
        other_urls=(), trouble=lambda: "it answers no question", left_behind=(),
        kept_logs=lambda: {"server.log": log.read_bytes()}, stop=lambda: None,
    )  # fmt: skip
    launch = Launch(
        engine="e", model="m", checkpoint="w", datatype="wint4", window=8, max_num_seqs=4
    )
    monkeypatch.setattr(Configuration, "launch", lambda self, equipment: launch)
    questions = tmp_path / "questions.jsonl"
    equipment = SimpleNamespace(
        settings=SimpleNamespace(challenge=None),
        progress=silent,
        questions=lambda dataset: questions,
        pool=ServerPool(lambda asked: cast(Server, server)),
    )
    kept: dict[str, Any] = {}
    recording = SimpleNamespace(samples=(), sample=None, blob=kept.__setitem__)
    with pytest.raises(EngineError) as caught:
        plan.measure(cast(Equipment, equipment), cast(Recording, recording))
    assert kept == {"server.log": b"CUDA error"}
    return caught.value


def test_a_server_that_died_of_a_prompt_has_measured_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its log is kept, and named."""
    monkeypatch.setattr(context, "probe", lambda *a, **k: None)

    assert str(dying(monkeypatch, tmp_path, CONTEXT)).startswith(
        f"{tmp_path / 'server.log'}: the server died while it answered a prompt of 8192 tokens; got it"
        " answers no question. Its log tells why"
    )


def test_a_server_that_died_of_a_question_has_measured_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it answered before is kept as it came."""
    asked = SimpleNamespace(questions=(), digest="d")
    monkeypatch.setattr(tasks, "load_questions", lambda path: asked)
    monkeypatch.setattr(ask, "ask", lambda *a, **k: None)

    assert str(dying(monkeypatch, tmp_path, ACCURACY)).startswith(
        f"{tmp_path / 'server.log'}: the server died while it answered {ACCURACY.dataset.name}; got it"
    )


@pytest.mark.parametrize(("log", "when"), [("", " before its first step"), (LINE, " after step 7")])
def test_a_trainer_that_died_is_told_with_its_last_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log: str, when: str
) -> None:
    """And its cause; log and configuration are kept."""
    path = tmp_path / "train.log"
    path.write_text(log)
    kept: dict[str, Any] = {}
    outcome = TrainingOutcome(
        exit_code=7, log=str(path), started_unix_s=0.0, ended_unix_s=1.0, command=("train",),
        environment={}, config="lr: 1", cause="RuntimeError: out of memory on card 0",
    )  # fmt: skip

    with pytest.raises(TrainerError) as caught:
        TRAINING._keep(outcome, cast(Recording, SimpleNamespace(blob=kept.__setitem__)))

    assert str(caught.value) == (
        f"the trainer ended with exit code 7{when}: RuntimeError: out of memory on card 0"
    )
    assert kept == {"log": path, "config": b"lr: 1"}
