"""
Serving throughput: search the highest load within the limits, then run the whole workload at it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements.challenged import lengths_by_prompt
from pytest_ernie.measurements.load_runs import LoadPlan, read_load, read_result
from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.standard import Criterion, Edition, Workload
from pytest_ernie.standard.model import ServingThroughputRule
from pytest_ernie.verdicts import Bounds, LoadPoint, broken_limits, client_trouble, peak
from pytest_ernie.verdicts.verdict import shown

if TYPE_CHECKING:
    from pytest_ernie.load.search import Found, Trial, TrialOutcome

WHOLE_RUNS_MAX = 4
CACHED_SHARE_TOLD = 0.1
"""The chat template, which all prompts begin with, is less than that."""
TOKENS_PER_EVENT_TOLD = 1.5
"""Loads at which the whole workload is run, if it breaks what short trials let hope for."""


class WorkloadLoads(Struct, frozen=True, kw_only=True):
    """
    The tested loads of one workload: what the search found, and the whole workload at it.
    """

    name: str
    bounds: Bounds
    rule: ServingThroughputRule
    found: Found | None = None
    trials: tuple[LoadPoint, ...] = ()
    """The search's, in their order; they draw the curve, and no verdict rests on them."""
    points: tuple[LoadPoint, ...] = ()
    """Of the whole workload."""
    records: tuple[Record, ...] = ()
    """Of the points."""
    challenged: bool = False
    """Whether a challenge decided the order of the prompts."""
    lengths: dict[int, int] = {}
    """Of the answers that were asked for, by the prompt's place in the edition's order."""
    deaths: tuple[str, ...] = ()
    """What is noted of servers that died on the way, in trials and in whole runs."""

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

    def with_point(
        self, point: LoadPoint, record: Record, lengths: dict[int, int] | None = None
    ) -> WorkloadLoads:
        """Return the same with one more load."""
        return msgspec.structs.replace(
            self,
            lengths=lengths or self.lengths,
            points=(*self.points, point),
            records=(*self.records, record),
            deaths=(*self.deaths, *record.deaths),
        )

    @property
    def peak(self) -> LoadPoint | None:
        """The highest load at which it and every lower one keep the limits, or None."""
        return peak(self.points, self.bounds, self.rule)

    @property
    def curve(self) -> tuple[LoadPoint, ...]:
        """A point for each tested load, ascending: of the whole workload, or of the last trial."""
        by_load = {point.concurrency: point for point in (*self.trials, *self.points)}
        return tuple(by_load[load] for load in sorted(by_load))

    @property
    def broken(self) -> str | None:
        """What the lowest load beyond the peak breaks, in words, or None."""
        for point in self.curve:
            if self.peak is not None and point.concurrency <= self.peak.concurrency:
                continue
            if problems := broken_limits(point, self.bounds, self.rule):
                return f"{point.concurrency} in flight: {'; '.join(problems)}"
        return None

    @property
    def unequal_work(self) -> str | None:
        """Say if too many answers at the peak were shorter than the workload's (R9), else None."""
        if self.peak is None or self.peak.full_length_share >= self.rule.full_length_share_min:
            return None
        wanted = self.rule.full_length_share_min
        share = shown(self.peak.full_length_share * 100, wanted * 100, 1)
        return (
            f"only {share} % of the answers reached their fixed length; {wanted:.0%} are required "
            "for equal work"
        )

    @property
    def unread_prompts(self) -> str | None:
        """Say if the server's count of a prompt's tokens isn't the site's (R9), else None."""
        problems = [told for record in self.records for told in record.data["prompt_problems"]]
        return problems[0] if problems else None

    @property
    def saturated_client(self) -> str | None:
        """Say if the client may have been the bottleneck where it matters (R15), else None."""
        decisive = self.peak or min(self.points, key=lambda p: p.concurrency, default=None)
        if decisive is None:
            return None
        judged = [decisive]
        if (beyond := self._limiting_trial(decisive)) is not None:
            judged.append(beyond)
        troubles = (
            client_trouble(point, self.rule, ttft_limit_s=self.bounds.ttft_s) for point in judged
        )
        return next(filter(None, troubles), None)

    def _limiting_trial(self, decisive: LoadPoint) -> LoadPoint | None:
        """
        Return the trial that ended the search upwards: a starved client would end it too soon.

        The client measures itself only before the whole workload; of a trial that holds, too.
        """
        known = decisive.client
        for trial in sorted(self.trials, key=lambda point: point.concurrency):
            if trial.concurrency > decisive.concurrency and broken_limits(
                trial, self.bounds, self.rule
            ):
                client = msgspec.structs.replace(
                    trial.client,
                    roofline_events_per_s=known.roofline_events_per_s,
                    ttft_error_s=known.ttft_error_s,
                )
                return msgspec.structs.replace(trial, client=client)
        return None

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
        if self.found is not None:
            notes.append(
                f"{self.name}: found with confidence {self.found.confidence:.0%} in "
                f"{len(self.trials)} trials of {self.found.requests_sent} requests"
            )
            if self.found.capped:
                notes.append(
                    f"{self.name}: the highest load that is tried still keeps the limits, so the "
                    "true maximum may be higher"
                )
        if point.cached_share > CACHED_SHARE_TOLD:
            notes.append(
                f"{self.name}: by its own word the server had {point.cached_share:.0%} of the prompts' "
                "tokens in a cache, so its first tokens came sooner than those of new prompts"
            )
        if point.tokens_per_event > TOKENS_PER_EVENT_TOLD:
            notes.append(
                f"{self.name}: {point.tokens_per_event:.1f} tokens came in an event, so single tokens "
                "were held back"
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


def searched(
    empty: WorkloadLoads,
    store: Store,
    record_of: Callable[[LoadPlan], Record],
    configuration: Configuration,
    workload: Workload,
    repeat: int,
) -> WorkloadLoads:
    """
    Search, then run the whole workload at what was found, and a little lower if that breaks a limit.

    ``record_of`` measures a plan, or looks it up: the search is a function of the outcomes, so
    recorded ones lead it the same way again.
    """

    def plan(concurrency: int, trial: Trial | None = None) -> LoadPlan:
        return LoadPlan(
            configuration=configuration,
            workload=workload,
            concurrency=concurrency,
            repeat=repeat,
            trial=trial,
        )

    loads = _with_trials(
        msgspec.structs.replace(empty, challenged=store.challenge is not None),
        store,
        workload,
        lambda trial: record_of(plan(trial.concurrency, trial)),
    )
    assert loads.found is not None
    for concurrency in _downwards(max(loads.found.max_concurrency, workload.concurrency_start)):
        record = record_of(plan(concurrency))
        point = read_load(store, record, workload, loads.rule)
        lengths = lengths_by_prompt(read_result(store, record), workload, store.challenge)
        loads = loads.with_point(point, record, lengths)
        if not broken_limits(point, loads.bounds, loads.rule):
            break
    return loads


def _with_trials(
    loads: WorkloadLoads, store: Store, workload: Workload, record_of: Callable[[Trial], Record]
) -> WorkloadLoads:
    from pytest_ernie.load.limit import outcome_of

    steps, trials = _steps(loads, workload), []
    deaths: list[str] = []
    try:
        trial = next(steps)
        while True:
            record = record_of(trial)
            trials.append(read_load(store, record, workload, loads.rule))
            deaths += record.deaths
            trial = steps.send(outcome_of(read_result(store, record), trial.concurrency))
    except StopIteration as end:
        return msgspec.structs.replace(
            loads, found=end.value, trials=tuple(trials), deaths=tuple(deaths)
        )


def _steps(loads: WorkloadLoads, workload: Workload) -> Generator[Trial, TrialOutcome, Found]:
    from pytest_ernie.load.search import Limits, SearchSettings, search

    limits = Limits(
        ttft_s=loads.bounds.ttft_s,
        decode_tokens_per_s=loads.bounds.decode_tokens_per_s,
        failed_share_max=loads.rule.failed_share_max,
    )
    settings = SearchSettings(
        start=workload.concurrency_start,
        most=workload.concurrency_most,
        confidence=loads.rule.search_confidence,
        requests_max=loads.rule.search_requests_max,
        output_tokens=workload.output_tokens_mean,
    )
    return search(limits, settings)


def _downwards(highest: int) -> Iterator[int]:
    """Yield the load that was found, then lower ones by 1, 2 and 4 steps of a hundredth."""
    step = max(1, highest // 100)
    lower = [highest, *(highest - step * 2**n for n in range(WHOLE_RUNS_MAX - 1))]
    return (load for load in lower if load >= 1)
