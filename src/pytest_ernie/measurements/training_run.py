"""
A recorded training run, read back: its curve, its pace, and the attempts that it took.
"""

from __future__ import annotations

import math
from statistics import fmean

from msgspec import Struct

from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements.attempts import (
    LEFT_LOG,
    Attempt,
    earlier_attempts,
    pieced_together,
)
from pytest_ernie.standard import Recipe
from pytest_ernie.trainers.cause import device_memory_ran_out
from pytest_ernie.trainers.clock import step_times
from pytest_ernie.trainers.curve import Curve, read_curve, read_logs
from pytest_ernie.verdicts import Pace, stalls_of

OUTSIDE_S = 2.0
"""By how much the log's clock may exceed the suite's own, seconds."""


ON_THE_HOST = "transformers"
"""The trainer that draws LoRA's start by PaddlePaddle's generator of CPUs, whatever the device."""
PRECISION_BITS = {"float32": 24, "bfloat16": 8}
"""Bits of a number's fraction, the one that isn't stored included (IEEE 754; bfloat16 is its first half)."""
WORKER = "host-"
"""How the names of workers' own logs begin: ``host-0 worker 3``."""


class TrainingRun(Struct, frozen=True, kw_only=True):
    """
    What a run showed: losses by step, and tokens per second and card counted in two ways (R5).
    """

    record: Record
    curve: Curve
    """Of the attempt that completed."""
    losses: dict[int, float]
    """Of the whole run; its first part may be an earlier attempt's, see ``resumed_from``."""
    sample_tokens_min: int
    pace: Pace
    pace_problem: str
    """Why the pace can't be believed, or empty."""
    exit_code: int
    recipe: Recipe
    attempts: tuple[Attempt, ...] = ()
    """Those that were cut short before."""
    resumed_from: int = 0
    """The step after which the last attempt went on from a checkpoint; 0: it began anew."""
    product_bits: int | None = None
    """The fewest that matrix products kept, in the attempts whose checkpoints it went on from, too."""
    repeats: tuple[TrainingRun, ...] = ()
    """Further recordings of the same run (a reference's)."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """What makes the steps, their order or their arithmetic doubtful."""
        found = (*self.curve.doubts, *_coarse(self.product_bits, self.recipe.precision))
        resumed = (f"steps 1..{self.resumed_from} are missing", "step 1 is missing")
        if not self.resumed_from:
            return found
        return tuple(doubt for doubt in found if doubt not in resumed)

    @property
    def attempts_before(self) -> int:
        """How many attempts were cut short before the one that completed."""
        return len(self.record.data.get("attempts", ()))

    @property
    def micro_batch(self) -> int:
        """Samples at once on a replica: a part of what is trained, see docs/training-numerics.md."""
        return int(self.record.data.get("layout", {}).get("micro_batch", self.recipe.micro_batch))

    @property
    def layout(self) -> tuple[int, ...]:
        """What else the order of sums depends on: cards of a replica, replicas, accumulation."""
        cards = int(self.record.data["cards"])
        known = {  # in evidence of older versions a replica has one card
            "tensor_parallel": 1,
            "pipeline_parallel": 1,
            "replicas": cards,
            "accumulation": self.recipe.global_batch // (self.micro_batch * cards),
        } | self.record.data.get("layout", {})
        return tuple(
            int(known[name])
            for name in ("tensor_parallel", "pipeline_parallel", "replicas", "accumulation")
        )

    @property
    def lora_drawn_by(self) -> str | None:
        """Whose random numbers LoRA started from, None where it was given them or there is no LoRA."""
        if self.recipe.lora_rank is None or self.record.data.get("lora_start_sha256") is not None:
            return None
        device, trainer = self.record.subject.device, self.record.subject.launch.get("trainer")
        if trainer == ON_THE_HOST or device.get("kind") == "cpu":
            return "PaddlePaddle's on a CPU"
        return str(device.get("name") or device.get("kind"))

    @property
    def effective_tokens_per_s(self) -> float:
        """Trained tokens, padding excluded, per second and card, warm-up included."""
        return self.pace.tokens_per_s

    @property
    def nominal_tokens_per_s(self) -> float:
        """What the trainer logs, padding counted."""
        return self.pace.nominal_tokens_per_s

    @property
    def memory_peak_gib(self) -> float | None:
        """The most that a card held by its runtime's count; on a CPU what the processes held."""
        data, device = self.record.data, self.record.subject.device
        on_cpu = device.get("kind") == "cpu" and data.get("memory_peak_gib") is None
        peak: float | None = data.get("host_memory_peak_gib" if on_cpu else "memory_peak_gib")
        return peak

    @property
    def out_of_memory(self) -> str | None:
        """What the trainer said when the device's memory didn't suffice, else None."""
        cause: str | None = self.record.data.get("cause")
        return cause if self.exit_code and device_memory_ran_out(cause) else None


def _coarse(bits: int | None, precision: str) -> tuple[str, ...]:
    wanted = PRECISION_BITS[precision]
    if bits is None or bits >= wanted:
        return ()
    return (
        f"matrix products keep {bits} bits of a number, and the recipe's {precision} has {wanted}",
    )


def read_training_run(store: Store, record: Record, recipe: Recipe) -> TrainingRun:
    """Return a recorded run, its curve read anew from the log."""
    curve = _curve(store, record)
    attempts = earlier_attempts(record)
    resumed_from = int(record.data.get("resumed_from", 0))
    pace, problem = _pace(curve, record, recipe)
    return TrainingRun(
        record=record,
        curve=curve,
        losses=pieced_together(curve.by_step(), resumed_from, attempts),
        sample_tokens_min=record.data["sample_tokens_min"],
        pace=pace,
        pace_problem=problem,
        exit_code=record.data["exit_code"],
        recipe=recipe,
        attempts=attempts,
        resumed_from=resumed_from,
        product_bits=_fewest_bits(store, record, curve) if resumed_from else curve.product_bits,
    )


def _fewest_bits(store: Store, record: Record, curve: Curve) -> int | None:
    logs = [name for name in record.blobs if name.startswith(LEFT_LOG)]
    curves = [curve, *(read_curve(store.blobs.get(record.blobs[name])) for name in logs)]
    return min((own.product_bits for own in curves if own.product_bits is not None), default=None)


def _curve(store: Store, record: Record) -> Curve:
    """Read the log, and beside it those of single workers where they are kept: they must agree."""
    names = ["log", *sorted(name for name in record.blobs if name.startswith(WORKER))]
    return read_logs((name, store.blobs.get(record.blobs[name])) for name in names)


def _pace(curve: Curve, record: Record, recipe: Recipe) -> tuple[Pace, str]:
    times = step_times(curve)
    tokens_a_sample = record.data["tokens"] / record.data["samples"]
    nominal = [value for value in curve.tokens_per_s if value is not None]
    pace = Pace(
        step_s=times.step_s,
        tokens=tokens_a_sample * recipe.global_batch * len(curve.steps),
        cards=record.data["cards"],
        nominal_tokens_per_s=fmean(nominal) if nominal else math.nan,
        stalls=stalls_of(times.step_s, loading_s=curve.data_load_s, saved_after=curve.saved_after),
        saved_after=tuple(step for step in curve.saved_after if 0 < step < len(times.step_s)),
    )
    outside_s = record.data["ended_unix_s"] - record.data["started_unix_s"] + OUTSIDE_S
    if not times.problem and sum(times.step_s) > outside_s:
        return pace, (
            f"by the log's clock the steps took {sum(times.step_s):.1f} s, and the whole run "
            f"took {outside_s - OUTSIDE_S:.1f} s"
        )
    return pace, times.problem
