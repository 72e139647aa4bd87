"""
A demonstration: evidence of a chip that doesn't exist and of its reference, for all 185 criteria.

Every figure is drawn from a formula, the devices say that they are synthetic, and the report puts
that on every page. Its records agree with each other as a real run's do, on a clock of its own: verify finds
nothing wrong with them but verdicts. ``python -m doubles.demonstration FOLDER`` writes FOLDER/chip,
FOLDER/reference and FOLDER/edition.toml, which an ordinary offline run judges::

    pytest -m "training or inference" --offline --edition FOLDER/edition.toml \\
        --evidence FOLDER/chip --reference FOLDER/reference

The edition is the shipped one with fewer questions in each data set, and a name of its own.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import re
import struct
import sys
import time
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from doubles import demonstration_story as story
from doubles.demonstration_load import simulated
from pytest_ernie.errors import ErnieError, EvidenceMissing
from pytest_ernie.evidence import Record, Recording, Store, Subject
from pytest_ernie.measurements.accuracy import AccuracyPlan
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.load_runs import LoadPlan
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.serving import ContextPlan, FactsPlan
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.standard import Criterion, criteria, edition_digest, load
from pytest_ernie.standard.digest import digest

EDITION = "edition.toml"
WEIGHTS = {"wint8": "int8", "wint4": "int4", "w4a8": "int4"}
ACTIVATIONS = {"wint8": "bfloat16", "wint4": "bfloat16", "w4a8": "int8"}
BEGINNING_UNIX_S = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()
PREPARING_S = 5.0
"""Before a trainer's first step, and after its last."""


class Clock:
    """Goes only when it is told to: a run of hours is made up in a moment."""

    def __init__(self) -> None:
        self.now_s = BEGINNING_UNIX_S

    def time(self) -> float:
        """Stand in for ``time.time``."""
        return self.now_s


class Synthetic(Bench):
    """One side: what it is asked for it makes up, and records as if it had been measured."""

    def __init__(
        self,
        folder: Path,
        side: str,
        requests: int | None,
        questions: int,
        clock: Clock,
        *,
        marked: bool = True,
    ) -> None:
        super().__init__(load(str(folder.parent / EDITION)))
        self._marked = marked
        self.name = side
        self._clock = clock
        self._store = Store(folder)
        self._digest = edition_digest(self.edition)
        self._requests, self._questions = requests, questions

    @property
    def store(self) -> Store:
        return self._store

    @property
    def is_reference(self) -> bool:
        return self.name == "reference"

    @property
    def throughput_runs(self) -> int:
        return self.edition.rulings.reference.throughput_runs if self.is_reference else 1

    def record(self, plan: Plan) -> Record:
        what = plan.what
        if not self.is_reference and story.isnt_recorded(what):
            raise EvidenceMissing(f"nothing is recorded for {what.title}")
        subject = self._subject(plan)
        found = self._store.find(what)
        if found is None:
            with self._store.recording(what, subject, self._digest) as recording:
                self._make_up(plan, recording)
            found = self._store.find(what)
        assert found is not None
        return found

    def _subject(self, plan: Plan) -> Subject:
        what = plan.what
        launch: dict[str, Any] = {"trainer": "erniekit", "training_data": digest("synthetic data")}
        if what.datatype:
            launch = {"engine": "fastdeploy", "model": what.model, "datatype": what.datatype}
        device = dict(story.REFERENCE if self.is_reference else story.CHIP)
        if not self._marked:
            del device["synthetic"]
        return Subject(
            device=device,
            toolchain=digest([self.name, launch.get("engine", "trainer")]),
            checkpoint=digest([what.model, what.datatype or "bf16"]),
            launch=launch,
        )

    def _make_up(self, plan: Plan, recording: Recording) -> None:
        if isinstance(plan, TrainingPlan):
            started_s = self._clock.now_s
            recording.blob("log", self._training_log(plan).encode())
            span = {"started_unix_s": started_s, "ended_unix_s": self._clock.now_s}
            recording.finish({**self._training_data(plan), **span})
        elif isinstance(plan, FactsPlan):
            recording.finish(self._facts(plan))
        elif isinstance(plan, ContextPlan):
            recording.finish(self._context(plan))
        elif isinstance(plan, AccuracyPlan):
            for answer in self._answers(plan):
                recording.sample(answer)
            name = plan.dataset.name
            recording.finish(
                {
                    "questions_sha256": digest(name),
                    "prompts_sha256": digest([name, "prompts"]),
                    "questions": self._questions,
                    "harness": "synthetic",
                    "decoding": "synthetic",
                }
            )
        elif isinstance(plan, LoadPlan):
            self._load(plan, recording)

    # --- training ---------------------------------------------------------------------------------

    def _training_log(self, plan: TrainingPlan) -> str:
        what, recipe = plan.what, plan.recipe
        shared = random.Random(f"{what.model} {what.method} {what.length}")
        own = random.Random(f"{self.name} {what.model} {what.method} {what.length}")
        share = 1.0 if self.is_reference else story.training_share(what)
        step_s = 6.0 / share * (1 + (what.length or 8192) / 65536)
        self._clock.now_s += PREPARING_S
        lines = []
        for step in range(1, recipe.steps + 1):
            loss = 1.1 + 1.6 * math.exp(-step / 110) + shared.gauss(0, 0.03)
            if not self.is_reference:
                loss += story.loss_difference(what, step, own)
            runtime_s = step_s * (3.0 if step == 1 else 1 + abs(own.gauss(0, 0.01)))
            self._clock.now_s += runtime_s
            now = datetime.fromtimestamp(self._clock.now_s, timezone.utc)
            stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}"
            md5 = hashlib.md5(struct.pack("<f", float(f"{loss:.8f}"))).hexdigest()
            lines.append(
                f"[{stamp}] [    INFO] - loss: {loss:.8f}, learning_rate: 1e-05, "
                f"global_step: {step}, loss_md5: {md5}, interval_runtime: {runtime_s:.4f}, "
                "interval_samples_per_second: 1.0, interval_tokens_per_second_per_device: "
                f"{8192 * recipe.global_batch / 8 / runtime_s:.4f}, progress_or_epoch: 0.1"
            )
        self._clock.now_s += PREPARING_S
        return "\n".join(lines) + "\n"

    def _training_data(self, plan: TrainingPlan) -> dict[str, Any]:
        samples = plan.recipe.steps * plan.recipe.global_batch
        tokens = (plan.length or 8192) - 64
        return {
            "exit_code": 0,
            "cause": None,
            "command": ["synthetic"],
            "environment": {},
            "cards": 8,
            "samples": samples,
            "tokens": samples * tokens,
            "sample_tokens_min": (plan.length or 8192) - 100,
            "training_data_sha256": digest(["synthetic data", plan.what.length]),
            "recipe": plan.recipe.identity,
        }

    # --- serving ----------------------------------------------------------------------------------

    def _facts(self, plan: FactsPlan) -> dict[str, Any]:
        datatype = str(plan.what.datatype)
        kind = WEIGHTS[datatype]
        layers = {f"layers.{n}.self_attn.qkv_proj.weight": kind for n in range(4)}
        layers |= {f"layers.{n}.mlp.experts.0.up_proj.weight": kind for n in range(4)}
        hidden = not self.is_reference and story.hides_activation(plan.what)
        return {
            "engine_version": "2.3.0 (synthetic)",
            "command": ["synthetic"],
            "environment": {},
            "window": 131072,
            "datatype_reported": datatype,
            "layer_types": {**layers, "lm_head.weight": "bfloat16"},
            "activation": None if hidden else ACTIVATIONS[datatype],
            "log_evidence": [],
            "to_reveal": "reveal = true under [engine]" if hidden else None,
        }

    def _context(self, plan: ContextPlan) -> dict[str, Any]:
        lost = () if self.is_reference else story.needles_lost(plan.what)
        error = None if self.is_reference else story.refusal(plan.what)
        needles = [
            {
                "depth": depth,
                "wanted": f"{place}7-CODE",
                "answer": story.HOSTILE if place in lost else f"The code is {place}7-CODE.",
                "found": place not in lost,
                "latency_s": 2.0,
            }
            for place, depth in enumerate(plan.rule.needle_depths)
        ]
        return {
            "length": plan.length,
            "prompt_tokens": None if error else plan.length - plan.rule.output_tokens - 20,
            "accepted": error is None,
            "answered": error is None,
            "status": 400 if error else 200,
            "error": error,
            "needles": [] if error else needles,
            "latency_s": plan.length / 9000,
            "over_long": "refused with 400; the server lives",
        }

    def _answers(self, plan: AccuracyPlan) -> list[dict[str, Any]]:
        what = plan.what
        right = story.REFERENCE_SCORE[plan.dataset.name]
        shared = random.Random(f"{what.model} {what.dataset}")
        own = random.Random(f"{what.model} {what.dataset} {what.datatype}")
        answers = []
        for number in range(self._questions):
            is_right = float(shared.random() < right)
            for seed in range(plan.dataset.prompt_seeds):
                score = is_right if self.is_reference else story.answered(is_right, what, own)
                text = story.HOSTILE if number % 50 == 7 else f"… the answer is {number % 10}."
                answers.append(
                    {
                        "id": f"{what.dataset}-{number}" + (f"#{seed}" if seed else ""),
                        "question_digest": digest([what.dataset, number]),
                        "prompt_digest": digest([what.dataset, number, seed]),
                        "answer": text,
                        "extracted": str(number % 10),
                        "score": score,
                        "prompt_tokens": 400,
                        "output_tokens": 90,
                        "finish_reason": "stop",
                        "error": None,
                        "prompt_seed": seed,
                    }
                )
        return answers

    def _load(self, plan: LoadPlan, recording: Recording) -> None:
        server = story.server(plan.what, plan.workload.modality, reference=self.is_reference)
        whole = self._requests or plan.workload.prompts
        count = whole if plan.trial is None else plan.trial.requests_max
        result = simulated(
            server,
            plan.concurrency,
            count,
            plan.workload,
            seed=plan.what.title,
            started_unix_s=self._clock.now_s,
        )
        self._clock.now_s += result.wall_s
        tokens = float(sum(record.output_tokens or 0 for record in result.records))
        recording.blob("requests", msgspec.json.encode(result))
        calibration = {"roofline_events_per_s": 4e5, "ttft_error_mean_s": 1e-4}
        recording.finish(
            {
                "prompts_sha256": digest([plan.workload.name, "synthetic prompts"]),
                "requests": len(result.records),
                "calibration": calibration if plan.trial is None else None,
                "prompt_problems": [],
                "server_counters": {
                    "before": {"output_tokens": 0.0},
                    "after": {"output_tokens": tokens},
                },
            }
        )


def fill(side: Synthetic, model: str = "", loaded: tuple[str, ...] = ("",)) -> None:
    """
    Ask a side for whatever any criterion needs, of one model or of all.

    ``loaded``: how the ids of those criteria begin whose throughput is measured.
    """
    asked = {
        "training.loss": side.training_run,
        "training.throughput": side.training_run,
        "training.context": side.training_context,
        "inference.datatype": side.served,
        "inference.throughput": side.peak_throughput,
        "inference.context": side.context,
        "inference.accuracy": side.accuracy,
    }
    for criterion in criteria(side.edition):
        if model not in criterion.model:
            continue
        if criterion.clause == "inference.throughput" and not criterion.id.startswith(loaded):
            continue
        try:
            _ask(asked[criterion.clause], criterion)
        except ErnieError as missing:
            print(f"{side.name}: {missing}")


def _ask(measure: Any, criterion: Criterion) -> None:
    measure(criterion)


def edition_text(questions: int) -> str:
    """Return the shipped edition with so many questions in each data set, under a name of its own."""
    shipped = resources.files("pytest_ernie.standard") / "editions" / "ernie-4.5.toml"
    text = shipped.read_text(encoding="utf-8").replace(
        'name = "ernie-4.5"', 'name = "demonstration"', 1
    )
    return re.sub(
        r"^questions = .+(\nsha256 = .+)?$", f"questions = {questions}", text, flags=re.MULTILINE
    )


def build(
    folder: Path,
    *,
    requests: int | None = 1000,
    questions: int = 200,
    model: str = "",
    loaded: tuple[str, ...] = ("",),
    trusted_key: str = "",
) -> tuple[Path, Path]:
    """
    Write the evidence of both sides, unless it is there; return their folders.

    With a ``trusted_key`` the edition trusts it and the devices aren't marked as synthetic, though their
    names still say so: else no certificate could be made of them, not even in a test.

    ``requests`` of a whole workload, None: as many as the edition says.
    """
    sides = (folder / "chip", folder / "reference")
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = edition_text(questions)
        if trusted_key:
            entry = (
                f'\n[[rulings.reference.trusted_keys]]\nname = "Test body"\nkey = "{trusted_key}"\n'
            )
            text = re.sub(r"(\[rulings\.reference\]\n(?:.+\n)+)", lambda m: m[0] + entry, text)
        (folder / EDITION).write_text(text, encoding="utf-8")
        clock, marked = Clock(), not trusted_key
        with (
            mock.patch.object(os, "fsync"),  # nothing here is worth waiting for a disk
            mock.patch.object(time, "time", clock.time),
        ):
            for place, name in zip(sides, ("candidate", "reference"), strict=True):
                side = Synthetic(place, name, requests, questions, clock, marked=marked)
                fill(side, model, loaded)
        (folder / "complete").touch()
    return sides


if __name__ == "__main__":
    build(Path(sys.argv[1]), requests=int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
