"""
Evidence of a whole certification that nobody measured: as large as a real one, and made in seconds.
"""

from __future__ import annotations

import hashlib
import heapq
import random
import struct
from pathlib import Path
from typing import Any

import msgspec

from pytest_ernie.accuracy.ask import AnswerRecord
from pytest_ernie.evidence import Record, Recording, Store, Subject
from pytest_ernie.load.arrivals import STAGGER_S, closed
from pytest_ernie.load.protocol import ClientFacts, Loaded, LoadResult, RequestRecord
from pytest_ernie.measurements.accuracy import AccuracyPlan
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.load_runs import LoadPlan
from pytest_ernie.measurements.plan import Plan
from pytest_ernie.measurements.serving import ContextPlan, FactsPlan
from pytest_ernie.measurements.training import TrainingPlan
from pytest_ernie.standard import Criterion, Edition, edition_digest

SPEED_TOKENS_PER_S, TTFT_S, PEAK = 80.0, 0.05, 24
"""Of the made-up server: with more in flight than at its peak it breaks every first-token limit."""
LOG = (
    "[2026-11-22 09:{minute:02d}:{second:02d},{milli:03d}] [    INFO] - loss: {loss:.8f}, learning_rate: "
    "2e-06, global_step: {step}, loss_md5: {md5}, interval_runtime: {runtime:.4f}, "
    "interval_samples_per_second: 10.0, interval_tokens_per_second_per_device: {speed:.4f}, "
    "ppl: 3.9, progress_or_epoch: 0.1\n"
)


class Synthetic(Bench):
    """A side of a comparison that makes up whatever it is asked for, and keeps it like a real one."""

    name = "synthetic"

    def __init__(
        self, edition: Edition, folder: Path, *, questions: int, runs: int, seed: int
    ) -> None:
        super().__init__(edition)
        self._store = Store(folder)
        self._questions, self._runs, self._chance = questions, runs, random.Random(seed)
        self._digest = edition_digest(edition)

    @property
    def store(self) -> Store:
        return self._store

    @property
    def throughput_runs(self) -> int:
        return self._runs

    def record(self, plan: Plan) -> Record:
        found = self._store.find(plan.what)
        if found is None:
            subject = Subject(
                device={"kind": "gpu", "name": "Chip X1", "count": 8},
                toolchain="a" * 64,
                checkpoint=hashlib.sha256(plan.what.model.encode()).hexdigest(),
            )
            with self._store.recording(plan.what, subject, self._digest) as recording:
                self._make(plan, recording)
            found = self._store.find(plan.what)
        assert found is not None
        return found

    def measure(self, criterion: Criterion) -> None:
        """Make up what a criterion rests on."""
        ask = {
            "training.loss": self.training_run,
            "training.throughput": self.training_run,
            "training.context": self.training_context,
            "inference.datatype": self.served,
            "inference.context": self.context,
            "inference.accuracy": self.accuracy,
            "inference.throughput": self.peak_throughput,
        }
        ask[criterion.clause](criterion)

    def _make(self, plan: Plan, recording: Recording) -> None:
        if isinstance(plan, TrainingPlan):
            self._train(plan, recording)
        elif isinstance(plan, LoadPlan):
            self._load(plan, recording)
        elif isinstance(plan, AccuracyPlan):
            self._answer(plan, recording)
        elif isinstance(plan, ContextPlan):
            needles = [{"found": True} for _ in plan.rule.needle_depths]
            tokens = {"length": plan.length, "prompt_tokens": plan.length}
            answered = {"accepted": True, "answered": True, "error": None, "needles": needles}
            recording.finish({**tokens, **answered})
        elif isinstance(plan, FactsPlan):
            kind = {"wint8": "int8", "wint4": "int4", "w4a8": "int4"}[plan.configuration.datatype]
            activation = "int8" if plan.configuration.datatype == "w4a8" else "bfloat16"
            types = {f"model.layers.{n}.mlp.experts.up_proj": kind for n in range(60)}
            own = {"activation": activation, "window": 131072, "layer_types": types}
            recording.finish(own)

    def _train(self, plan: TrainingPlan, recording: Recording) -> None:
        import time

        lines, at_s = [], 0.0
        for step in range(1, plan.recipe.steps + 1):
            runtime = 0.1 + self._chance.random() * 0.001
            at_s += runtime
            (loss,) = struct.unpack("<f", struct.pack("<f", 8 / step**0.3 + step * 1e-7))
            md5 = hashlib.md5(struct.pack("<f", float(f"{loss:.8f}"))).hexdigest()
            whole = int(at_s)
            lines.append(
                LOG.format(
                    minute=whole // 60,
                    second=whole % 60,
                    milli=int(at_s % 1 * 1000),
                    loss=loss,
                    step=step,
                    md5=md5,
                    runtime=runtime,
                    speed=8192 / round(runtime, 4),
                )
            )
        recording.blob("log", "".join(lines).encode())
        now_s = time.time()
        recording.finish(
            {
                "exit_code": 0,
                "cause": None,
                "started_unix_s": now_s,
                "ended_unix_s": now_s,
                "cards": 8,
                "samples": 4000,
                "tokens": 4000 * plan.recipe.sequence_length,
                "sample_tokens_min": plan.recipe.sequence_length,
                "training_data_sha256": "d" * 64,
            }
        )

    def _load(self, plan: LoadPlan, recording: Recording) -> None:
        import time

        count = plan.trial.requests_max if plan.trial else plan.workload.prompts
        records, wall_s = requests(plan.concurrency, count, self._chance)
        client = ClientFacts(
            cpu_s=wall_s / 10,
            reads=1,
            reconnects=0,
            waited_s=0.0,
            lag_mean_s=0.0,
            lag_max_s=0.0,
            loaded=Loaded(length_s=wall_s, cpu_s=wall_s / 10, waited_s=0.0),
        )
        result = LoadResult(
            arrivals=closed(plan.concurrency),
            records=records,
            requests_sent=len(records),
            started_unix_s=time.time(),
            wall_s=wall_s,
            clients=(client,),
        )
        recording.blob("requests", msgspec.json.encode(result))
        calibration = {"roofline_events_per_s": 1e6, "ttft_error_mean_s": 1e-5}
        recording.finish(
            {
                "prompts_sha256": "p" * 64,
                "requests": len(records),
                "calibration": None if plan.trial else calibration,
                "prompt_problems": [],
            }
        )

    def _answer(self, plan: AccuracyPlan, recording: Recording) -> None:
        for number in range(self._questions):
            answer = AnswerRecord(
                id=f"{plan.dataset.name}-{number}",
                question_digest=f"{number:064x}",
                prompt_digest=f"{number:064x}",
                answer="The answer is 42. " * 30,
                extracted="42",
                score=float(number % 10 != 0),
                prompt_tokens=200,
                output_tokens=120,
                finish_reason="stop",
                error=None,
            )
            recording.sample(msgspec.to_builtins(answer))
        recording.finish({"questions_sha256": "q" * 64, "questions": self._questions})


def requests(
    concurrency: int, count: int, chance: random.Random
) -> tuple[tuple[RequestRecord, ...], float]:
    """Return a closed loop's requests to a server of constant speed, and the loop's length."""
    ttft_s = TTFT_S if concurrency <= PEAK else 30.0
    free = [slot * STAGGER_S for slot in range(min(concurrency, count))]
    records = []
    for index in range(count):
        due_s = heapq.heappop(free)
        tokens = chance.randint(16, 300)
        first_s = due_s + ttft_s * (0.9 + 0.2 * chance.random())
        last_s = first_s + (tokens - 1) / SPEED_TOKENS_PER_S
        heapq.heappush(free, last_s)
        digest = f"{index:032x}"
        records.append(
            RequestRecord(
                index=index,
                due_s=due_s,
                sent_s=due_s,
                first_token_s=first_s,
                last_token_s=last_s,
                done_s=last_s,
                wanted_tokens=tokens,
                prompt_tokens=100,
                output_tokens=tokens,
                cached_tokens=0,
                chunks=tokens,
                status=200,
                finish_reason="length",
                error=None,
                request_digest=digest,
                answer_digest=digest,
            )
        )
    return tuple(records), max(record.done_s for record in records)


def timed_to_fit(folder: Path) -> None:
    """
    Spread a made-up journal over the time that its runs would have taken, every hash made anew.
    """
    from doubles.forger import Workshop

    workshop = Workshop(folder)
    shown: dict[str, Any] = {}
    now_s = workshop.entries[0]["time_unix_s"]
    for entry in workshop.entries:
        kind, id = entry["type"], entry["id"]
        if kind == "begin":
            shown[id] = now_s
        elif kind == "result":
            now_s = _shifted(workshop, entry, shown[id])
        entry["time_unix_s"] = now_s
    workshop.write()


def _shifted(workshop: Any, entry: dict[str, Any], start_s: float) -> float:
    """Put one measurement's own times behind its begin; return when it ends."""
    data, blobs = entry["body"]["data"], entry["body"]["blobs"]
    if "log" in blobs:
        from datetime import datetime, timezone

        stamp = datetime.fromtimestamp(start_s + 5, timezone.utc)
        hour = stamp.strftime("%Y-%m-%d %H:%M:%S")
        base = datetime(2026, 11, 22, 9, 0, 0, tzinfo=timezone.utc).timestamp()
        log = workshop.blob(entry, "log").decode().splitlines(keepends=True)
        moved = []
        for line in log:
            then = datetime.strptime(line[1:20], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
            at_s = start_s + 5 + then.timestamp() - base
            moved.append(
                f"[{datetime.fromtimestamp(at_s, timezone.utc):%Y-%m-%d %H:%M:%S}{line[20:]}"
            )
        assert hour
        workshop.set_blob(entry, "log", "".join(moved).encode())
        data["started_unix_s"], data["ended_unix_s"] = start_s, start_s + 70
        return start_s + 71
    if "requests" in blobs:
        import json

        result = json.loads(workshop.blob(entry, "requests"))
        result["started_unix_s"] = start_s
        workshop.set_blob(entry, "requests", json.dumps(result, separators=(",", ":")).encode())
        return float(start_s + result["wall_s"] + 1)
    return start_s + 1
