"""
The search for the highest load within the limits, driven against a live server.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import islice

from pytest_ernie.progress import Progress, silent

from .arrivals import STAGGER_S, closed
from .client import Target, run_load
from .protocol import LoadResult, Prompt, RequestRecord, decode_tokens
from .search import Found, Limits, Sample, SearchSettings, Trial, TrialOutcome, search
from .summary import failure, summarise


def find_limit(
    target: Target,
    prompts: Iterator[Prompt],
    limits: Limits,
    settings: SearchSettings,
    *,
    processes: int = 1,
    progress: Progress = silent,
) -> Found:
    """
    Run trials until the limit is found; ``prompts`` never ends, and no two trials share its prompts.

    EngineError if a client dies.
    """
    steps = search(limits, settings)
    try:
        trial = next(steps)
        while True:
            result = run_trial(
                target, list(islice(prompts, trial.requests_max)), trial, processes, progress
            )
            trial = steps.send(outcome_of(result, trial.concurrency))
    except StopIteration as end:
        found: Found = end.value
        return found


def run_trial(
    target: Target,
    prompts: Sequence[Prompt],
    trial: Trial,
    processes: int = 1,
    progress: Progress = silent,
) -> LoadResult:
    """Run one trial until it is decided, or its prompts have been asked."""

    def decided(records: Sequence[RequestRecord]) -> bool:
        return trial.decided(steady_samples(records, trial.concurrency))

    return run_load(
        target,
        prompts,
        closed(trial.concurrency),
        run=secrets.token_hex(4),
        processes=min(processes, trial.concurrency),
        decided=decided,
        progress=progress,
    )


def outcome_of(result: LoadResult, concurrency: int) -> TrialOutcome:
    """Return what the search is told of a trial; the same from records as from the live run."""
    return TrialOutcome(
        samples=steady_samples(result.records, concurrency),
        requests_sent=result.requests_sent,
        output_tokens_per_s=summarise(result).output_tokens_per_s or 0.0,
    )


def steady_samples(records: Sequence[RequestRecord], concurrency: int) -> tuple[Sample, ...]:
    """
    Return the requests that were due once the load was there, in order of completion.

    Those that only filled the slots saw a server with less to do, or a burst of prefills.
    """
    full_s = (concurrency - 1) * STAGGER_S
    steady = sorted((r for r in records if r.due_s > full_s), key=lambda record: record.done_s)
    return tuple(_sample(record) for record in steady)


def _sample(record: RequestRecord) -> Sample:
    if failure(record) is not None:
        return Sample(float("nan"), float("nan"), True)
    assert record.first_token_s is not None
    assert record.last_token_s is not None
    decode_s = record.last_token_s - record.first_token_s
    return Sample(
        ttft_s=record.first_token_s - record.due_s,
        s_per_token=decode_s / decode_tokens(record),
        decode_s=decode_s,
    )
