"""
Serving throughput: which loads are tried, and what is said of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from doubles.load_client import SOUND, load_point, load_run
from pytest_ernie.evidence import Record, Store, Subject
from pytest_ernie.load.protocol import LoadResult
from pytest_ernie.load.search import Found, Limits, SearchSettings, Trial, TrialOutcome
from pytest_ernie.measurements.load_runs import LoadPlan
from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.measurements.throughput import Throughput, WorkloadLoads, searched
from pytest_ernie.standard import Workload, criteria, load
from pytest_ernie.verdicts import Bounds

OFFICIAL = load("ernie-4.5")
(TEXT,) = load("rehearsal").workloads
FOUND = Found(max_concurrency=4, confidence=0.962, curve=(), requests_sent=720, capped=False)
Serves = Callable[[LoadPlan], LoadResult]


def loads(**changed: Any) -> WorkloadLoads:
    """No load yet, under limits of 0.3 s and 40 tok/s, unless told otherwise."""
    facts: dict[str, Any] = {
        "name": "text",
        "bounds": Bounds(ttft_s=0.3, decode_tokens_per_s=40.0),
        "rule": OFFICIAL.rulings.serving_throughput,
    }
    return WorkloadLoads(**{**facts, **changed})


def record(plan: LoadPlan | None = None, **data: Any) -> Record:
    """A record of a run; its requests lie under its id."""
    plan = plan or plan_of(TEXT, 1)
    name = f"{plan.concurrency} {plan.trial.number if plan.trial else 'whole'}"
    return Record(
        id=name,
        what=plan.what,
        subject=Subject(device={}, toolchain=None, checkpoint=None),
        edition_digest="",
        started_unix_s=0.0,
        ended_unix_s=0.0,
        data={"prompt_problems": [], "calibration": None, **data},
        samples=(),
        blobs={"requests": name},
    )


def plan_of(workload: Workload, concurrency: int) -> LoadPlan:
    """The whole workload at a load."""
    return LoadPlan(
        configuration=Configuration(edition="e", model="m", datatype="wint4", window=8),
        workload=workload,
        concurrency=concurrency,
        repeat=1,
    )


def tried(
    serves: Serves, empty: WorkloadLoads | None = None, **workload: Any
) -> tuple[WorkloadLoads, list[tuple[int, bool]]]:
    """Search on a server; return what was found, and each load with whether it was a trial."""
    asked: list[tuple[int, bool]] = []
    blobs: dict[str, bytes] = {}

    def record_of(plan: LoadPlan) -> Record:
        asked.append((plan.concurrency, plan.trial is not None))
        made = record(plan)
        blobs[made.blobs["requests"]] = msgspec.json.encode(serves(plan))
        return made

    store = cast(
        Store, SimpleNamespace(blobs=SimpleNamespace(get=blobs.__getitem__), challenge=None)
    )
    asks = msgspec.structs.replace(TEXT, **{"concurrency_most": 16, **workload})
    plan = plan_of(asks, 1)
    return searched(empty or loads(), store, record_of, plan.configuration, asks, 1), asked


def up_to(load: int, whole: int) -> Serves:
    """A server whose first tokens are in time up to a load; of the whole workload up to another."""

    def serve(plan: LoadPlan) -> LoadResult:
        limit, requests = (load, plan.trial.requests_max) if plan.trial else (whole, 100)
        return load_run(
            plan.concurrency, requests, ttft_s=0.1 if plan.concurrency <= limit else 3.0
        )

    return serve


def test_the_whole_workload_is_run_at_what_the_search_found() -> None:
    """Once, last, and only it counts."""
    found, asked = tried(up_to(8, whole=8))

    assert asked[-1] == (8, False)
    assert all(trial for _, trial in asked[:-1])
    assert found.found is not None
    assert found.found.max_concurrency == 8
    assert [point.concurrency for point in found.trials] == [load for load, _ in asked[:-1]]
    assert [point.concurrency for point in found.points] == [8]
    assert found.peak == found.points[0]
    assert [record.blobs["requests"] for record in found.records] == ["8 whole"]


def test_the_search_keeps_to_the_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of the model, confidence and failures of the rulings, loads and lengths of the workload."""
    told: list[tuple[Limits, SearchSettings]] = []

    def search(limits: Limits, settings: SearchSettings) -> Generator[Trial, TrialOutcome, Found]:
        told.append((limits, settings))
        return FOUND
        yield  # it is a generator that asks for nothing

    monkeypatch.setattr("pytest_ernie.load.search.search", search)
    rule = msgspec.structs.replace(
        OFFICIAL.rulings.serving_throughput,
        search_confidence=0.9,
        search_requests_max=777,
        failed_share_max=0.02,
    )

    found, asked = tried(
        up_to(4, whole=4), loads(rule=rule), concurrency_start=2, output_tokens_mean=33.0
    )

    assert told == [
        (
            Limits(ttft_s=0.3, decode_tokens_per_s=40.0, failed_share_max=0.02),
            SearchSettings(start=2, most=16, confidence=0.9, requests_max=777, output_tokens=33.0),
        )
    ]
    assert (found.found, found.trials, asked) == (FOUND, (), [(4, False)])


@pytest.mark.parametrize(
    ("whole", "loads_tried"),
    [(7, [8, 7]), (6, [8, 7, 6]), (5, [8, 7, 6, 4]), (3, [8, 7, 6, 4])],
)
def test_a_load_that_the_whole_workload_breaks_is_lowered(
    whole: int, loads_tried: list[int]
) -> None:
    """By 1, 2 and 4 steps; what none of them keeps is left to the verdict."""
    found, asked = tried(up_to(8, whole=whole))

    assert [load for load, trial in asked if not trial] == loads_tried
    assert (found.peak is not None) is (whole >= 4)


def test_a_step_is_a_hundredth_of_a_high_load() -> None:
    """As far as the search tells loads apart."""
    _, asked = tried(up_to(0, whole=0), concurrency_start=300, concurrency_most=300)

    assert [load for load, trial in asked if not trial] == [300, 297, 294, 288]


def test_a_server_that_keeps_the_limits_at_no_load_is_run_at_the_first() -> None:
    """Never below one; so there is a figure to show."""
    found, asked = tried(up_to(0, whole=0))

    assert asked == [(1, True), (1, False)]
    assert found.peak is None
    assert found.broken == "1 in flight: mean time to first token 3.000 s, must be < 0.3 s"


def test_a_server_that_keeps_them_at_every_load_is_said_to() -> None:
    """The search stops at the workload's highest load."""
    found, asked = tried(up_to(99, whole=99))

    assert asked[-1] == (16, False)
    assert found.notes[-1] == (
        "text: the highest load that is tried still keeps the limits, so the true maximum may be "
        "higher"
    )


def test_images_have_a_limit_of_their_own() -> None:
    """R7b: four seconds, where text has 0.3."""
    criterion = next(
        c for c in criteria(OFFICIAL) if c.clause == "inference.throughput" and "28B" in c.model
    )
    text, images = (
        WorkloadLoads.empty(OFFICIAL, criterion, workload) for workload in OFFICIAL.workloads
    )

    assert (text.name, text.bounds) == ("text", Bounds(ttft_s=0.3, decode_tokens_per_s=40.0))
    assert (images.name, images.bounds) == ("images", Bounds(ttft_s=4.0, decode_tokens_per_s=40.0))


def test_the_curve_has_each_load_once_and_the_whole_workload_counts() -> None:
    """Ascending; of trials at one load the last."""
    trials = (load_point(8), load_point(2), load_point(4, ttft_mean_s=0.1), load_point(4))
    whole = load_point(8, ttft_mean_s=0.15)

    assert loads(trials=trials, points=(whole,)).curve == (load_point(2), load_point(4), whole)


def test_what_breaks_is_told_of_the_lowest_load_beyond_the_peak() -> None:
    """Below the peak a short trial may have been unlucky."""
    slow = {"ttft_mean_s": 0.4}
    found = loads(
        trials=(load_point(2, **slow), load_point(16, **slow)),
        points=(load_point(4), load_point(8, **slow, failed_share=0.5)),
    )

    assert found.peak == load_point(4)
    assert found.broken == (
        "8 in flight: 50.0 % of the requests failed, at most 0.1 % may; mean time to first token "
        "0.400 s, must be < 0.3 s"
    )
    assert loads(points=(load_point(4),)).broken is None


@pytest.mark.parametrize(("share", "told"), [(1.0, False), (0.99, False), (0.9789, True)])
def test_too_many_short_answers_are_unequal_work(share: float, told: bool) -> None:
    """R9, at and under its threshold; nothing is said where no load counts."""
    short = load_point(full_length_share=share)
    words = "only 97.9 % of the answers reached their fixed length; 99% are required for equal work"

    assert loads(points=(short,)).unequal_work == (words if told else None)
    assert loads(points=(msgspec.structs.replace(short, ttft_mean_s=9.0),)).unequal_work is None


def test_prompts_that_were_not_read_are_told() -> None:
    """The first problem of any whole run."""
    problems = ["1 of 3 prompts reached the model shorter", "another"]
    records = (record(), record(prompt_problems=problems))

    assert loads(records=records).unread_prompts == problems[0]
    assert loads(records=records[:1]).unread_prompts is None
    assert loads().unread_prompts is None


def test_the_client_is_judged_where_it_matters() -> None:
    """R15: at the peak; without one, at the lowest load, where it should have had the least to do."""
    busy = msgspec.structs.replace(SOUND, cpu_share=0.95)
    at_4, at_8 = load_point(4, client=busy), load_point(8, client=busy)

    told = loads(points=(load_point(4), at_8)).saturated_client
    assert told is not None
    assert told.startswith("the load client may have been the bottleneck at 8 in flight: ")
    assert loads(points=(at_4, load_point(8))).saturated_client is None
    slow = [msgspec.structs.replace(point, ttft_mean_s=9.0) for point in (at_8, at_4)]
    told = loads(points=tuple(slow)).saturated_client
    assert told is not None
    assert "at 4 in flight" in told
    assert loads().saturated_client is None


def test_a_client_that_starved_where_the_search_ended_is_said_to() -> None:
    """A trial that a starved client broke would make the maximum too low, on either side."""
    starved = msgspec.structs.replace(SOUND, waited_share=0.5, roofline_events_per_s=math.nan)
    held, broke = load_point(4), load_point(5, client=starved, ttft_mean_s=9.0)
    sound = load_point(
        5, client=msgspec.structs.replace(starved, waited_share=0.01), ttft_mean_s=9.0
    )

    told = loads(points=(held,), trials=(broke, load_point(4))).saturated_client
    assert told is not None
    assert "at 5 in flight: it waited for a processor 50.0 % of the time" in told
    assert loads(points=(held,), trials=(sound,)).saturated_client is None
    lower = msgspec.structs.replace(broke, concurrency=3)
    assert loads(points=(held,), trials=(lower,)).saturated_client is None
    kept = msgspec.structs.replace(broke, ttft_mean_s=0.1)
    assert loads(points=(held,), trials=(kept,)).saturated_client is None


def test_the_client_is_judged_by_the_workloads_own_limit() -> None:
    """15 ms late are 5 % of 0.3 s, and nothing of 4 s."""
    late = load_point(client=msgspec.structs.replace(SOUND, lateness_mean_s=0.02))

    assert loads(points=(late,)).saturated_client is not None
    images = Bounds(ttft_s=4.0, decode_tokens_per_s=40.0)
    assert loads(points=(late,), bounds=images).saturated_client is None


def test_notes_stand_beside_the_figure() -> None:
    """The load, its latencies, how it was found, and whether P90 would have decided otherwise."""
    found = loads(points=(load_point(),), trials=(load_point(2), load_point()), found=FOUND)

    assert found.notes == (
        "text: 4 in flight, mean first token 0.200 s (P90 0.250 s), mean decode speed 50.0 tok/s",
        "text: found with confidence 96% in 2 trials of 720 requests",
    )
    at_the_limit = load_point(ttft_percentile_s=0.3)
    assert loads(points=(at_the_limit,)).notes[1:] == (
        "text: under P90 this load would break the first-token limit",
    )
    cached = load_point(cached_share=0.37, tokens_per_event=3.96)
    assert loads(points=(cached,)).notes[1:] == (
        "text: by its own word the server had 37% of the prompts' tokens in a cache, so its first "
        "tokens came sooner than those of new prompts",
        "text: 4.0 tokens came in an event, so single tokens were held back",
    )
    assert len(loads(points=(load_point(cached_share=0.1, tokens_per_event=1.5),)).notes) == 1
    unknown = load_point(ttft_percentile_s=math.nan)
    assert len(loads(points=(unknown,)).notes) == 2
    assert loads(points=(load_point(ttft_mean_s=9.0),)).notes == ()


def test_the_weakest_workload_decides() -> None:
    """R7b; one without a load within its limits makes it nothing."""
    fast, slow = (
        loads(points=(load_point(output_tokens_per_s=speed),)) for speed in (900.0, 100.0)
    )

    assert Throughput(by_workload=(fast, slow)).tokens_per_s == 100.0
    assert Throughput(by_workload=(fast, loads())).tokens_per_s == 0.0
    assert math.isnan(Throughput(by_workload=()).tokens_per_s)
