"""
This package's client: at a load, and where others' verdicts flip.
"""

from __future__ import annotations

import resource
import secrets
import statistics
import time
from collections.abc import Sequence

import msgspec
import processes
from measured import (
    INTERVAL_S,
    TTFT_LIMIT_S,
    TTFT_S,
    Load,
    Row,
    Told,
    row,
    true_ttft_s,
    whole,
)

from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.known.schedule import MODEL, Schedule, Truth
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.summary import LoadSummary, summarise

NAME = "pytest-ernie"
LONG_PROMPT = "word " * 120_000
"""600 KB: about what 128K tokens are."""


def ask(load: Load, schedule: Schedule, core: set[int], text: str = "hello there") -> Answered:
    """Run the load against a server of that schedule."""
    with processes.server_on(core, schedule) as server:
        target = Target(base_url=server.base_url, model=MODEL, dialect=VLLM)
        prompts = [Prompt(text=text, output_tokens=load.tokens)] * load.streams
        before_s = _children_cpu_s()
        result = run_load(target, prompts, closed(load.streams), run=secrets.token_hex(4))
        cpu_s = _children_cpu_s() - before_s
        return Answered(result, summarise(result), server.truth(), cpu_s)


class Answered(msgspec.Struct, frozen=True):
    """A run, what it amounts to, and the truth."""

    result: LoadResult
    summary: LoadSummary
    truth: Truth
    cpu_s: float
    """Of the client's process from its start to its end."""


def startup_cpu_s(core: set[int]) -> float:
    """Return the processor time of a run of next to nothing."""
    return ask(Load(1, 2), Schedule(ttft_s=0.0, interval_s=0.001), core).cpu_s


def measure(load: Load, core: set[int], startup_s: float) -> Row:
    """Measure one run; what the client's process did beside the run, less its start, came after."""
    answered = ask(load, load.schedule(), core)
    return row(NAME, load, _told(answered, startup_s), answered.truth)


def _told(answered: Answered, startup_s: float) -> Told:
    summary, cpu_s = answered.summary, answered.result.client_cpu_s
    if summary.ttft_s is None or summary.tpot_s is None:
        raise processes.Failed(f"no request was answered: {summary.failed}")
    return Told(
        answered=summary.completed,
        duration_s=summary.wall_s,
        ttft_mean_s=summary.ttft_s.mean,
        ttft_p99_s=summary.ttft_s.p99,
        tpot_mean_s=summary.tpot_s.mean,
        cpu_s=cpu_s,
        after_cpu_s=max(0.0, answered.cpu_s - cpu_s - startup_s),
    )


class Flip(msgspec.Struct, frozen=True):
    """A case where clients are known to mislead: what ours says, and whether it may."""

    case: str
    said: str
    right: bool


def flips(core: set[int]) -> list[Flip]:
    """Try what makes other clients flip a verdict."""
    return [_role_at_once(core), _coalesced(core), _long_prompts(core)]


COALESCED_ERROR = 0.005
"""The last write may hold fewer tokens than the others."""


def verdict(rows: Sequence[Row]) -> Flip:
    """Say what the runs at a load say of a limit that the server kept."""
    ttft_s = statistics.median(r.ttft_s for r in rows)
    return Flip(
        f"TTFT {TTFT_S * 1e3:g} ms, limit {TTFT_LIMIT_S * 1e3:g}, {rows[0].load.streams} streams",
        f"mean {ttft_s * 1e3:.1f} ms",
        ttft_s <= TTFT_LIMIT_S,
    )


def _role_at_once(core: set[int]) -> Flip:
    load = Load(64, 64)
    schedule = msgspec.structs.replace(load.schedule(), role_at_once=True)
    answered = ask(load, schedule, core)
    said_s = _told(answered, 0.0).ttft_mean_s
    true_s = statistics.fmean(true_ttft_s(whole(answered.truth, load)))
    return Flip(
        "a role at once, content at 200 ms",
        f"mean TTFT {said_s * 1e3:.2f} ms, true {true_s * 1e3:.2f}",
        abs(said_s - true_s) <= 0.001,
    )


def _coalesced(core: set[int]) -> Flip:
    load = Load(64, 256)
    schedule = msgspec.structs.replace(load.schedule(), coalesce=10)
    answered = ask(load, schedule, core)
    said = 1 / _told(answered, 0.0).tpot_mean_s
    true = 1 / INTERVAL_S  # of the schedule: (n - 1) / (last - first) would be 41.5
    return Flip(
        "ten tokens a write",
        f"{said:.2f} tokens/s, true {true:.2f}",
        abs(said / true - 1) <= COALESCED_ERROR,
    )


def _long_prompts(core: set[int]) -> Flip:
    """
    Compare moments, not durations: half a megabyte takes the server its time to read.

    Both are seconds of the monotonic clock: when the client has the first tokens, on average, and when
    the server wrote them.
    """
    load = Load(32, 16)
    answered = ask(load, load.schedule(), core, LONG_PROMPT)
    records, requests = answered.result.records, whole(answered.truth, load)
    wall_ahead_s = time.time() - time.monotonic()
    start_s = answered.result.started_unix_s - wall_ahead_s
    seen_s = statistics.fmean(start_s + (r.first_token_s or 0.0) for r in records)
    written_s = statistics.fmean(r.first_s or 0.0 for r in requests)
    ttft_s = _told(answered, 0.0).ttft_mean_s
    upload_s = ttft_s - statistics.fmean(true_ttft_s(requests)) - (seen_s - written_s)
    return Flip(
        "prompts of 600 KB, 32 streams",
        f"first tokens seen {(seen_s - written_s) * 1e3:.2f} ms after they were written; "
        f"mean TTFT {ttft_s * 1e3:.1f} ms, {upload_s * 1e3:.1f} of it to send and read the prompts",
        abs(seen_s - written_s) <= 0.001 and ttft_s <= TTFT_LIMIT_S,
    )


def _children_cpu_s() -> float:
    """Return the processor time of all ended children, their own included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
