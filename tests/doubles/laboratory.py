"""
A whole laboratory in memory: a trainer and an engine that answer in milliseconds, faulty on request.

As a pytest plugin (``-p doubles.laboratory``) it registers the trainer and the engine ``double``; the
faults come from the file ``faults.json`` in the working folder, read anew at every measurement::

    {"train": {"nan_at": 300}, "serve": {"die_after": 20}}
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.protocol import Launch, ServedFacts
from pytest_ernie.errors import EngineError
from pytest_ernie.load.known.schedule import MODEL, Schedule
from pytest_ernie.load.known.server import known_server
from pytest_ernie.registry import Registry
from pytest_ernie.toolchains.process import start
from pytest_ernie.trainers.curve import read_step
from pytest_ernie.trainers.protocol import (
    OUTPUT,
    Enough,
    TokenCount,
    TrainingJob,
    TrainingOutcome,
)

WEIGHTS = {"wint8": "int8", "wint4": "int4", "w4a8": "int4", "bf16": "bfloat16"}
ACTIVATIONS = {"wint8": "bfloat16", "wint4": "bfloat16", "w4a8": "int8", "bf16": "bfloat16"}

SITE = """
[trainer]
kind = "double"
python = "{python}"

[engine]
kind = "double"
python = "{python}"
"""


def pytest_ernie_register(registry: Registry) -> None:
    registry.trainer("double", DoubleTrainer)
    registry.engine("double", DoubleEngine)


def faults(of: str) -> dict[str, Any]:
    path = Path("faults.json")
    return json.loads(path.read_text()).get(of, {}) if path.exists() else {}


def hangs_at(planted: dict[str, Any]) -> int:
    return int(planted.get("hang_after", 1))


class DoubleTrainer:
    """
    Writes the log that a trainer would. Faults: ``nan_at``, ``stop_after``, ``missing``, ``outliers``,
    ``shift``, ``drift``, ``slower``, ``exit_code``, ``hang_in`` (a method), ``hang_after`` (steps of it);
    ``die_after`` (steps) in as many runs as ``deaths`` says (all); ``takes_s``.
    """

    name = "double"

    def count_tokens(
        self, toolchain: object, checkpoint: Path, data: Path, *, sequence_length: int
    ) -> TokenCount:
        samples = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
        words = (" ".join(sample["src"] + sample["tgt"]).split() for sample in samples)
        counts = tuple(min(sequence_length, 2 + len(of_sample)) for of_sample in words)
        return TokenCount(total=sum(counts), per_sample=counts)

    def run(
        self,
        job: TrainingJob,
        toolchain: object,
        progress: Callable[..., None] = lambda *a, **k: None,
    ) -> TrainingOutcome:
        started = time.time()
        log = Path(job.workdir) / "train.log"
        planted = faults("train")
        time.sleep(planted.get("takes_s", 0))
        with Path("trained.txt").open("a") as runs:
            runs.write(f"{job.recipe.method} {job.resume_from or 'anew'}\n")
        deaths = planted.get("deaths", math.inf)
        dies = (
            "die_after" in planted and len(Path("trained.txt").read_text().splitlines()) <= deaths
        )
        code, cause = planted.get("exit_code", 0), None
        if code:
            cause = "RuntimeError: out of memory on card 0"
        try:
            for line in self._written(job, planted, log):
                step = read_step(line.encode())
                assert step is not None
                if job.watch is not None:
                    job.watch(step)
                if planted.get("hang_in") == job.recipe.method and step.step == hangs_at(planted):
                    self._hang(job)
                if dies and step.step == planted["die_after"]:
                    code, cause = -9, "killed by signal 9 (SIGKILL)"
                    break
        except Enough as reason:
            code, cause = -15, str(reason)
        return TrainingOutcome(
            exit_code=code,
            log=str(log),
            started_unix_s=started,
            ended_unix_s=time.time(),
            command=("double", "train"),
            environment={},
            config=json.dumps(planted),
            cause=cause,
        )

    def _written(self, job: TrainingJob, planted: dict[str, Any], log: Path) -> Iterator[str]:
        """Yield each line once it is in the log; what a checkpoint holds isn't trained again."""
        done = int(job.resume_from.rpartition("-")[2]) if job.resume_from else 0
        with log.open("w", encoding="utf-8") as file:
            for line in self._lines(job, planted):
                step = int(line.partition("global_step: ")[2].partition(",")[0])
                if step <= done:
                    continue
                file.write(line + "\n")
                file.flush()
                if job.checkpoint_steps and step % job.checkpoint_steps == 0:
                    (Path(job.workdir) / OUTPUT / f"checkpoint-{step}").mkdir(parents=True)
                yield line

    @staticmethod
    def _hang(job: TrainingJob) -> None:
        """Be a real child of the run that would sleep for ever, as a trainer that takes its time."""
        sleeper = (
            "import os, time; open('child.pid', 'w').write(str(os.getpid())); time.sleep(3600)"
        )
        start(
            [sys.executable, "-c", sleeper],
            env=dict(os.environ),
            cwd=Path.cwd(),
            log=Path(job.workdir) / "child.log",
        ).follow(lambda output: None)

    def _lines(self, job: TrainingJob, planted: dict[str, Any]) -> Iterator[str]:
        steps = job.recipe.steps
        noise = random.Random(f"{job.recipe.model} {job.recipe.method}")
        outliers = planted.get("outliers", 0)
        for step in range(1, steps + 1):
            loss = 2 + 3 * math.exp(-step / 120) + 0.02 * noise.random() + planted.get("shift", 0)
            loss += planted.get("drift", 0) * max(0, step - 400) / 100
            if outliers and 401 <= step < 401 + outliers:
                loss += 0.02
            if step == planted.get("missing"):
                continue
            if step > planted.get("stop_after", steps):
                return
            shown = "nan" if step >= planted.get("nan_at", steps + 1) else f"{loss:.8f}"
            # A second in all: the log's clock may exceed the suite's own by two.
            runtime = 0.002 * planted.get("slower", 1)
            now = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=runtime * step)
            stamp = now.isoformat(" ", "milliseconds").split("+")[0].replace(".", ",")
            yield (
                f"[{stamp}] [    INFO] - loss: {shown}, learning_rate: 1e-05, "
                f"global_step: {step}, loss_md5: {step:032x}, interval_runtime: {runtime}, "
                "interval_samples_per_second: 800.0, "
                f"interval_tokens_per_second_per_device: {2000 / runtime}, progress_or_epoch: 0.1"
            )


class DoubleEngine:
    """
    Serves from a thread. Faults: ``serves`` (another data type), ``hide`` (no inventory),
    ``die_after`` (questions), ``deaths`` (how many starts die so; all), ``refuse_start``,
    ``answers`` (every reply), ``window``, ``token_delay_s``, ``tokens_per_chunk``; ``paced`` (a
    schedule's fields: under load the known server answers, from a process of its own).
    """

    name = "double"
    dialect = VLLM

    def start(self, launch: Launch, *, workdir: Path, **_: object) -> DoubleServer:
        planted = faults("serve")
        with Path("starts.txt").open("a") as starts:
            starts.write(f"{launch.datatype} {launch.window}\n")
        if planted.get("refuse_start"):
            raise EngineError("the server didn't start", got="CUDA error: out of memory")
        if len(Path("starts.txt").read_text().splitlines()) > planted.get("deaths", math.inf):
            planted.pop("die_after", None)
        return PacedServer(launch, planted) if "paced" in planted else DoubleServer(launch, planted)


class DoubleServer:
    """A FakeServer behind the protocol of a server."""

    log = None
    api_key = None
    other_urls: tuple[str, ...] = ()
    dialect = VLLM
    left_behind = ()

    def __init__(self, launch: Launch, planted: dict[str, Any]) -> None:
        said = planted.get("answers")
        self._left = planted.get("die_after")
        behaviour = Behaviour(
            model=launch.model,
            window=planted.get("window", launch.window),
            reply=(lambda prompt: said) if said else None,
            token_delay_s=planted.get("token_delay_s", 0.0),
            tokens_per_chunk=planted.get("tokens_per_chunk", 1),
        )
        self._fake = FakeServer(behaviour).__enter__()
        if self._left is not None:
            self._fake.faults.extend([None] * self._left + ["reset"] * 100_000)
        self.base_url = self._fake.base_url
        self.model = launch.model
        served = planted.get("serves", launch.datatype)
        hidden = planted.get("hide", False)
        self.facts = ServedFacts(
            engine_version="1.0",
            command=("double", "serve"),
            environment={},
            window=launch.window,
            datatype_reported=served,
            layer_types={}
            if hidden
            else {"layers.0.q.weight": WEIGHTS[served], "lm_head": "bfloat16"},
            activation=None if hidden else ACTIVATIONS[served],
            log_evidence=(),
        )

    def alive(self) -> bool:
        return self._left is None or len(self._fake.asked) <= self._left

    def trouble(self) -> str | None:
        return None if self.alive() else "it was told to die"

    def kept_logs(self) -> dict[str, bytes]:
        return {}

    def stop(self) -> None:
        self._fake.close()


class PacedServer(DoubleServer):
    """The known server, with the facts of a double."""

    def __init__(self, launch: Launch, planted: dict[str, Any]) -> None:
        super().__init__(launch, planted)
        self._running = known_server(Schedule(**planted["paced"]))
        self._known = self._running.__enter__()
        self.base_url, self.model = self._known.base_url, MODEL

    def alive(self) -> bool:
        return True

    def stop(self) -> None:
        self._running.__exit__(None, None, None)
        super().stop()
