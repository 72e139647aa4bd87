"""
Runs of a workload against a server: a trial of the search, or the whole workload at one load.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.challenge import in_challenged_order
from pytest_ernie.errors import EngineError
from pytest_ernie.evidence import Record, Recording, Store, What
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.serving import ServedPlan
from pytest_ernie.standard import Workload, digest
from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts import ClientPoint, LoadPoint

if TYPE_CHECKING:
    from pytest_ernie.engines.protocol import Server
    from pytest_ernie.load.protocol import LoadResult, Prompt
    from pytest_ernie.load.search import Trial


class LoadPlan(ServedPlan, frozen=True, kw_only=True):
    """A workload at one load, requests in flight held constant (closed loop)."""

    workload: Workload
    concurrency: int
    repeat: int
    trial: Trial | None = None
    """None: the whole workload, every prompt once, which is what a verdict rests on."""

    @property
    def what(self) -> What:
        """Key by model, data type, workload, load, and the number of a trial."""
        return self.configuration.what(
            "serving.load",
            concurrency=self.concurrency,
            repeat=self.repeat,
            trial=None if self.trial is None else self.trial.number,
            workload=digest(msgspec.to_builtins(self.workload)),
        )

    @property
    def timed(self) -> bool:
        """Every figure is a time."""
        return True

    def measure(self, equipment: Equipment, recording: Recording) -> None:
        """Send the requests and keep a record of each; before the whole workload, calibrate."""
        from pytest_ernie.load.calibration import calibrate
        from pytest_ernie.load.workloads import check_prompt_tokens, draw

        drawn = draw(self.workload, equipment.workload_source(self.workload))
        processes = min(equipment.site.load_processes, self.concurrency)
        challenge = equipment.settings.challenge
        prompts = in_challenged_order(drawn.prompts, challenge, self.workload.name)
        if self.trial is not None:
            prompts = self._of_trial(prompts, self.trial)
        calibration = None
        doing = f"at {self.concurrency} requests in flight"
        with self.configuration.serving(equipment, recording, doing) as server:
            if self.trial is None:
                calibration = calibrate(
                    self.concurrency, processes=processes, progress=equipment.progress
                )
            before = _counted(server)
            result = self._run(server, prompts, processes, equipment)
            after = _counted(server)
        _refuse_lack_of_sockets(result)
        counted = [prompt.prompt_tokens for prompt in prompts]
        recording.blob("requests", msgspec.json.encode(result))
        recording.finish(
            {
                "prompts_sha256": drawn.digest,
                "requests": len(result.records),
                "calibration": msgspec.to_builtins(calibration),
                "prompt_problems": check_prompt_tokens(counted, result.records),
                "server_counters": before and after and {"before": before, "after": after},
            }
        )

    def _run(
        self, server: Server, prompts: tuple[Prompt, ...], processes: int, equipment: Equipment
    ) -> LoadResult:
        import secrets

        from pytest_ernie.load.arrivals import closed
        from pytest_ernie.load.client import Target, run_load
        from pytest_ernie.load.limit import run_trial

        target = Target(
            base_url=server.base_url,
            other_urls=server.other_urls,
            model=server.model,
            dialect=server.dialect,
            api_key=server.api_key,
        )
        progress = equipment.progress
        if self.trial is not None:
            return run_trial(target, prompts, self.trial, processes, progress)
        load = closed(self.concurrency)
        run = secrets.token_hex(4)
        return run_load(
            target,
            prompts,
            load,
            run=run,
            processes=processes,
            text_times=equipment.site.load_event_times,
            progress=progress,
        )

    @staticmethod
    def _of_trial(prompts: tuple[Prompt, ...], trial: Trial) -> tuple[Prompt, ...]:
        """Every trial begins elsewhere in the workload, so that none sees only its first prompts."""
        first = trial.number * 7919
        return tuple(prompts[(first + n) % len(prompts)] for n in range(trial.requests_max))


def _counted(server: Server) -> dict[str, float] | None:
    """Return what the server itself has counted so far, for whoever verifies; None if it doesn't."""
    from pytest_ernie.engines.protocol import CountsTokens

    tokens = server.output_tokens() if isinstance(server, CountsTokens) else None
    return None if tokens is None else {"output_tokens": tokens}


def _refuse_lack_of_sockets(result: LoadResult) -> None:
    """What this host can't do is no failure of the server."""
    lacking = [r.error for r in result.records if r.error and r.error.startswith("no socket: ")]
    if lacking:
        raise EngineError(
            "the load client couldn't open its connections",
            got=f"{len(lacking)} requests with {lacking[0]}",
            fix="Raise the limit of open files (ulimit -n) on the host that measures",
        )


def read_result(store: Store, record: Record) -> LoadResult:
    """Return the recorded requests of a run."""
    from pytest_ernie.load.protocol import LoadResult

    return msgspec.json.decode(store.blobs.get(record.blobs["requests"]), type=LoadResult)


def read_load(
    store: Store, record: Record, workload: Workload, rule: ServingThroughputRule
) -> LoadPoint:
    """Return the figures of a load, computed anew from its requests."""
    calibration = record.data.get("calibration") or {}
    return load_point(
        read_result(store, record),
        workload.name,
        rule,
        roofline_events_per_s=calibration.get("roofline_events_per_s"),
        ttft_error_s=calibration.get("ttft_error_mean_s"),
    )


def load_point(
    result: LoadResult,
    workload: str,
    rule: ServingThroughputRule,
    *,
    roofline_events_per_s: float | None,
    ttft_error_s: float | None,
) -> LoadPoint:
    """Return the figures of a load that the verdict asks for."""
    from pytest_ernie.load.summary import came_at_once, failures_in_words, summarise

    summary = summarise(result)
    percentile = f"p{rule.latency_percentile_shown}"
    concurrency = result.arrivals.concurrency or 0
    bursts = sum(map(came_at_once, result.records))
    return LoadPoint(
        workload=workload,
        concurrency=concurrency,
        output_tokens_per_s=_known(summary.output_tokens_per_s),
        ttft_mean_s=_known(getattr(summary.ttft_s, "mean", None)),
        ttft_percentile_s=_known(getattr(summary.ttft_s, percentile, None)),
        decode_mean_tokens_per_s=_speed(getattr(summary.tpot_s, "mean", None)),
        decode_percentile_tokens_per_s=_speed(getattr(summary.tpot_s, percentile, None)),
        failed_share=summary.failed_share,
        failures=failures_in_words(result),
        full_length_share=_known(summary.reached_full_length_share),
        cached_share=summary.cached_tokens / summary.prompt_tokens
        if summary.prompt_tokens
        else 0.0,
        tokens_per_event=summary.tokens_per_chunk or 1.0,
        client=ClientPoint(
            cpu_share=_known(summary.client_cpu_share),
            events_per_s=_known(summary.events_per_s),
            roofline_events_per_s=_known(roofline_events_per_s),
            waited_share=_known(summary.client_waited_share),
            lateness_mean_s=_known(getattr(summary.lateness_s, "mean", None)),
            in_flight_share=(
                1.0
                if not summary.steady or summary.mean_in_flight is None
                else summary.mean_in_flight / concurrency
            ),
            ttft_error_s=_known(ttft_error_s),
            burst_share=bursts / summary.requests if summary.requests else 0.0,
        ),
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
