"""
Serving throughput: one record for each load, from the lowest up to the first that breaks a limit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from pytest_ernie.errors import EngineError
from pytest_ernie.evidence import Record, Recording, Store, Subject, What
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.serving import Configuration, keep_log
from pytest_ernie.standard import Criterion, Edition, Workload, digest
from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts import Bounds, LoadPoint, broken_limits, peak

if TYPE_CHECKING:
    from pytest_ernie.load.protocol import LoadResult


class LoadPlan(Struct, frozen=True, kw_only=True):
    """A workload at one load, requests in flight held constant (closed loop)."""

    configuration: Configuration
    workload: Workload
    concurrency: int
    repeat: int

    @classmethod
    def ascending(
        cls, edition: Edition, criterion: Criterion, workload: Workload, repeat: int
    ) -> tuple[LoadPlan, ...]:
        """Return the loads of a workload, the lowest first."""
        configuration = Configuration.of(edition, criterion)
        return tuple(
            cls(
                configuration=configuration,
                workload=workload,
                concurrency=concurrency,
                repeat=repeat,
            )
            for concurrency in workload.concurrencies
        )

    @property
    def what(self) -> What:
        """Key by model, data type, workload and load."""
        return self.configuration.what(
            "serving.load",
            concurrency=self.concurrency,
            repeat=self.repeat,
            workload=digest(msgspec.to_builtins(self.workload)),
        )

    def subject(self, equipment: Equipment) -> Subject:
        """Device, engine, weights, launch."""
        return self.configuration.subject(equipment)

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Send the whole workload at this load and keep a record of every request."""
        from pytest_ernie.load.closed_loop import run_closed_loop
        from pytest_ernie.load.workload import draw

        server = self.configuration.server(equipment)
        drawn = draw(self.workload)
        result = run_closed_loop(
            server.base_url,
            server.model,
            drawn.prompts,
            concurrency=self.concurrency,
            dialect=server.dialect,
            api_key=server.api_key,
            progress=equipment.progress,
        )
        keep_log(server, recording)
        if not server.alive():
            raise EngineError(
                f"the server died at {self.concurrency} requests in flight", where=server.log
            )
        recording.blob("requests", msgspec.json.encode(result))
        recording.finish({"prompts_sha256": drawn.digest, "requests": len(result.records)})


def read_load(
    store: Store, record: Record, plan: LoadPlan, rule: ServingThroughputRule
) -> LoadPoint:
    """Return the figures of a load, computed anew from its requests."""
    from pytest_ernie.load.protocol import LoadResult
    from pytest_ernie.load.summary import summarise

    result: LoadResult = msgspec.json.decode(
        store.blobs.get(record.blobs["requests"]), type=LoadResult
    )
    summary = summarise(result)
    percentile = f"p{rule.latency_percentile_shown}"
    return LoadPoint(
        workload=plan.workload.name,
        concurrency=plan.concurrency,
        output_tokens_per_s=_known(summary.output_tokens_per_s),
        ttft_mean_s=_known(getattr(summary.ttft_s, "mean", None)),
        ttft_percentile_s=_known(getattr(summary.ttft_s, percentile, None)),
        decode_mean_tokens_per_s=_speed(getattr(summary.decode_s_per_token, "mean", None)),
        decode_percentile_tokens_per_s=_known(
            getattr(summary.decode_tokens_per_s, percentile, None)
        ),
        failed_share=summary.failed_share,
        full_length_share=_known(summary.reached_full_length_share),
        client_cpu_share=_known(summary.client_cpu_share),
    )


def _speed(s_per_token: float | None) -> float:
    """
    Decode speed from the mean time per token (TPOT) over the requests.

    The mean of speeds would let a few answers that arrive in one burst hide all the slow ones.
    """
    return 1 / s_per_token if s_per_token else math.nan


def _known(value: float | None) -> float:
    """What nobody could measure is NaN, which breaks every limit; never a zero or a one."""
    return math.nan if value is None else value


class WorkloadLoads(Struct, frozen=True, kw_only=True):
    """The tested loads of one workload, the lowest first."""

    name: str
    bounds: Bounds
    rule: ServingThroughputRule
    points: tuple[LoadPoint, ...] = ()
    records: tuple[Record, ...] = ()

    @classmethod
    def empty(cls, edition: Edition, criterion: Criterion, workload: Workload) -> WorkloadLoads:
        """Return the bounds of a workload (R7b: images have a limit of their own) and no load yet."""
        limits = edition.model(criterion.model).limits
        ttft_s = limits.ttft_multimodal_s if workload.modality == "multimodal" else limits.ttft_s
        assert ttft_s is not None
        return cls(
            name=workload.name,
            bounds=Bounds(ttft_s=ttft_s, decode_tokens_per_s=limits.decode_tokens_per_s),
            rule=edition.rulings.serving_throughput,
        )

    def with_point(self, point: LoadPoint, record: Record) -> WorkloadLoads:
        """Return the same with one more load."""
        return msgspec.structs.replace(
            self, points=(*self.points, point), records=(*self.records, record)
        )

    @property
    def peak(self) -> LoadPoint | None:
        """The highest load at which it and every lower one keep the limits, or None."""
        return peak(self.points, self.bounds, self.rule)

    @property
    def broken(self) -> str | None:
        """What the first load beyond the peak breaks, in words, or None."""
        for point in self.points:
            if problems := broken_limits(point, self.bounds, self.rule):
                return f"{point.concurrency} in flight: {'; '.join(problems)}"
        return None

    @property
    def unequal_work(self) -> str | None:
        """Say if too many answers at the peak were shorter than the workload's (R9), else None."""
        if self.peak is None or self.peak.full_length_share >= self.rule.full_length_share_min:
            return None
        return (
            f"only {self.peak.full_length_share:.1%} of the answers reached their fixed length; "
            f"{self.rule.full_length_share_min:.0%} are required for equal work"
        )

    @property
    def saturated_client(self) -> str | None:
        """Say if the load client may have been the bottleneck at the peak (R15), else None."""
        if self.peak is None or self.peak.client_cpu_share <= self.rule.client_cpu_share_max:
            return None
        return (
            f"the load client took {self.peak.client_cpu_share:.0%} of a core at "
            f"{self.peak.concurrency} in flight, so it may have been the bottleneck; at most "
            f"{self.rule.client_cpu_share_max:.0%} is accepted"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What should stand beside the figure: the load, its latencies, whether P90 would differ."""
        point = self.peak
        if point is None:
            return ()
        percentile = f"P{self.rule.latency_percentile_shown}"
        notes = [
            f"{self.name}: {point.concurrency} in flight, mean first token {point.ttft_mean_s:.3f} s "
            f"({percentile} {point.ttft_percentile_s:.3f} s), mean decode speed "
            f"{point.decode_mean_tokens_per_s:.1f} tok/s"
        ]
        if self.broken is None:
            notes.append(
                f"{self.name}: the highest tested load still keeps the limits, so the true maximum "
                "may be higher"
            )
        if not point.ttft_percentile_s < self.bounds.ttft_s:
            notes.append(
                f"{self.name}: under {percentile} this load would break the first-token limit"
            )
        return tuple(notes)


class Throughput(Struct, frozen=True, kw_only=True):
    """Every workload of a model; the weakest decides (R7b)."""

    by_workload: tuple[WorkloadLoads, ...]

    @property
    def tokens_per_s(self) -> float:
        """The lowest peak over the workloads, 0.0 where one has none."""
        peaks = [loads.peak for loads in self.by_workload]
        figures = [point.output_tokens_per_s if point else 0.0 for point in peaks]
        return min(figures, default=math.nan)
