"""
Runs of a workload: what is asked, what is kept, and what is read back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from doubles.load_client import load_run
from pytest_ernie.engines.dialects import VLLM
from pytest_ernie.engines.lifecycle.pool import ServerPool
from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.errors import EngineError
from pytest_ernie.evidence import Record, Recording, Store, Subject, What
from pytest_ernie.load import calibration, client, limit
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.calibration import Calibration
from pytest_ernie.load.client import Target
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.search import Limits, Trial
from pytest_ernie.load.search.statistics import Evidence
from pytest_ernie.load.workloads import draw
from pytest_ernie.measurements.challenged import lengths_by_prompt
from pytest_ernie.measurements.equipment import Equipment
from pytest_ernie.measurements.load_runs import LoadPlan, read_load
from pytest_ernie.measurements.serving import Configuration
from pytest_ernie.progress import silent
from pytest_ernie.standard import Workload, load
from pytest_ernie.verdicts import LoadPoint

EDITION = load("ernie-4.5")
(TEXT,) = load("rehearsal").workloads
DRAWN = draw(TEXT)
CALIBRATION = Calibration(
    concurrency=4,
    processes=2,
    roofline_events_per_s=50_000.0,
    cpu_s_per_event=5e-6,
    ttft_error_mean_s=0.0,
    ttft_error_p99_s=0.0,
    tpot_error_share=0.0,
    lateness_mean_s=0.0,
    in_flight_share=1.0,
)


class Asked:
    """What stands in for the client and the calibration: notes what it is asked."""

    def __init__(self) -> None:
        self.target: Target | None = None
        self.prompts: tuple[Prompt, ...] = ()
        self.processes = 0
        self.calibrated: tuple[int, int] | None = None
        self.prompt_tokens = 99

    def run_load(self, target: Target, prompts: Any, load: Any, **more: Any) -> LoadResult:
        assert load in (closed(4), closed(2))
        assert len(more["run"]) == 8
        self.target, self.prompts, self.processes = target, tuple(prompts), more["processes"]
        return load_run(4, len(prompts), prompt_tokens=self.prompt_tokens)

    def run_trial(
        self, target: Target, prompts: Any, trial: Trial, processes: int, progress: Any
    ) -> LoadResult:
        self.target, self.prompts, self.processes = target, tuple(prompts), processes
        return load_run(trial.concurrency, len(prompts), prompt_tokens=self.prompt_tokens)

    def calibrate(self, concurrency: int, *, processes: int, progress: Any) -> Calibration:
        self.calibrated = (concurrency, processes)
        return CALIBRATION


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Nothing is sent."""
    noted = Asked()
    # By object: a name would import limit and calibration just now, with what is put into client.
    monkeypatch.setattr(client, "run_load", noted.run_load)
    monkeypatch.setattr(limit, "run_trial", noted.run_trial)
    monkeypatch.setattr(calibration, "calibrate", noted.calibrate)
    return noted


class Kept:
    """A recording that keeps what it is given."""

    def __init__(self) -> None:
        self.blobs: dict[str, Any] = {}
        self.data: dict[str, Any] | None = None

    def blob(self, name: str, content: Any) -> None:
        self.blobs[name] = content

    def finish(self, data: dict[str, Any]) -> None:
        self.data = data


def plan(trial: Trial | None = None, workload: Workload = TEXT) -> LoadPlan:
    """Four in flight."""
    return LoadPlan(
        configuration=Configuration(edition="e", model="m", datatype="wint4", window=8),
        workload=workload,
        concurrency=4,
        repeat=2,
        trial=trial,
    )


def trial(number: int, requests_max: int) -> Trial:
    """A trial of the search."""
    return Trial(
        number=number,
        concurrency=4,
        requests_max=requests_max,
        limits=Limits(ttft_s=0.3, decode_tokens_per_s=None),
        error_rate=0.05,
        precision=0.1,
        earlier=Evidence(concurrency=4),
    )


def measured(
    one: LoadPlan,
    monkeypatch: pytest.MonkeyPatch,
    *,
    alive: bool = True,
    log: Path | None = None,
    source: Path | None = None,
    kept: Kept | None = None,
    challenge: str | None = None,
    counts: Callable[[], float | None] | None = None,
) -> Kept:
    """Measure a plan against a server of which only the end of its life is known."""
    launch = Launch(
        engine="e", model="m", checkpoint="w", datatype="wint4", window=8, max_num_seqs=4
    )
    server = SimpleNamespace(
        base_url="http://127.0.0.1:9/v1",
        model="served",
        dialect=VLLM,
        api_key="sk-1",
        other_urls=(),
        log=log,
        trouble=lambda: None if alive else "it answers no question",
        kept_logs=lambda: {log.name: log.read_bytes()} if log else {},
        left_behind=(),
        stop=lambda: None,
        **({"output_tokens": counts} if counts else {}),
    )
    monkeypatch.setattr(Configuration, "launch", lambda self, equipment: launch)
    equipment = SimpleNamespace(
        pool=ServerPool(lambda asked: cast(Server, server)),
        site=SimpleNamespace(load_processes=3, load_event_times=False),
        settings=SimpleNamespace(challenge=challenge),
        workload_source=lambda workload: source,
        progress=silent,
    )
    kept = kept or Kept()
    one.measure(cast(Equipment, equipment), cast(Recording, kept))
    return kept


def test_the_whole_workload_is_asked_once_after_a_calibration(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the server that the configuration starts, and by as many processes as the site says."""
    kept = measured(plan(), monkeypatch)

    assert asked.target == Target(
        base_url="http://127.0.0.1:9/v1", model="served", dialect=VLLM, api_key="sk-1"
    )
    assert (asked.prompts, asked.processes) == (DRAWN.prompts, 3)
    assert asked.calibrated == (4, 3)
    assert kept.data == {
        "prompts_sha256": DRAWN.digest,
        "requests": len(DRAWN.prompts),
        "calibration": msgspec.to_builtins(CALIBRATION),
        "prompt_problems": (),
        "server_counters": None,
    }
    assert len(msgspec.json.decode(kept.blobs["requests"], type=LoadResult).records) == 256


@pytest.mark.parametrize(
    ("told", "kept_of_it"),
    [
        ((0.0, 90.0), {"before": {"output_tokens": 0.0}, "after": {"output_tokens": 90.0}}),
        ((None, 90.0), None),
        ((0.0, None), None),
    ],
)
def test_what_the_server_counts_itself_is_kept(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, told: tuple[float | None, ...], kept_of_it: Any
) -> None:
    """From before and after the requests; half of it says nothing."""
    moments = []

    def counts() -> float | None:
        moments.append(asked.target)
        return told[len(moments) - 1]

    kept = measured(plan(), monkeypatch, counts=counts)

    assert kept.data is not None
    assert kept.data["server_counters"] == kept_of_it
    assert moments == [None, asked.target]


def test_a_trial_begins_elsewhere_in_the_workload(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Round and round, and without a calibration; its number is a part of the key."""
    kept = measured(plan(trial(1, 300)), monkeypatch)
    first = asked.prompts
    measured(plan(trial(2, 300)), monkeypatch)

    assert kept.data is not None
    assert (kept.data["requests"], kept.data["calibration"]) == (300, None)
    assert asked.calibrated is None
    assert first[0] == DRAWN.prompts[7919 % 256]
    assert first[256:] == first[: 300 - 256]
    assert set(first) == set(DRAWN.prompts)
    assert asked.prompts[0] == DRAWN.prompts[2 * 7919 % 256]
    assert plan(trial(2, 300)).what.title == "serving.load of m, wint4, 4 in flight, run 2, trial 2"
    assert plan().what.title == "serving.load of m, wint4, 4 in flight, run 2"


def test_a_challenge_sends_the_same_prompts_in_its_own_order(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal work (R9), in an order that nobody knew: each prompt is found again at its place."""
    kept = measured(plan(), monkeypatch, challenge="nonce-0001")
    first = asked.prompts
    measured(plan(), monkeypatch, challenge="nonce-0002")

    assert kept.data is not None
    assert kept.data["prompts_sha256"] == DRAWN.digest
    assert DRAWN.prompts != first != asked.prompts
    assert sorted(first, key=repr) == sorted(DRAWN.prompts, key=repr)
    told = load_run(4, len(first))
    sent = msgspec.structs.replace(
        told,
        records=tuple(
            msgspec.structs.replace(record, wanted_tokens=prompt.output_tokens)
            for record, prompt in zip(told.records, first, strict=True)
        ),
    )
    in_order = {place: prompt.output_tokens for place, prompt in enumerate(DRAWN.prompts)}
    assert lengths_by_prompt(sent, TEXT, "nonce-0001") == in_order
    assert lengths_by_prompt(sent, TEXT, "nonce-0002") != in_order
    assert lengths_by_prompt(sent, TEXT, None) != in_order


def test_a_load_has_no_more_processes_than_requests_in_flight(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three are allowed, and two have something to do."""
    measured(msgspec.structs.replace(plan(), concurrency=2), monkeypatch)

    assert (asked.processes, asked.calibrated) == (2, (2, 2))


def test_another_workload_is_another_measurement() -> None:
    """Whatever its name."""
    other = msgspec.structs.replace(TEXT, seed=TEXT.seed + 1)

    assert plan().what.digest == plan().what.digest != plan(workload=other).what.digest


def test_prompts_that_were_cut_are_noted(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the site counted their tokens (R9)."""
    path = tmp_path / "prompts.jsonl"
    line = {"text": "a", "output_tokens": 20, "prompt_tokens": 500}
    path.write_bytes(msgspec.json.encode(line))
    mine = msgspec.structs.replace(TEXT, source="mine", prompts=1)

    kept = measured(plan(workload=mine), monkeypatch, source=path)

    assert kept.data is not None
    assert kept.data["prompt_problems"] == (
        "1 of 1 prompts reached the model shorter than they were sent; worst is request 0: 500 "
        "tokens counted, 99 read, where a chat template adds 0",
    )


def test_a_server_that_died_has_measured_nothing(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its log is kept, and says more."""
    log = tmp_path / "server.log"
    log.write_text("CUDA error")
    kept = Kept()

    with pytest.raises(EngineError) as caught:
        measured(plan(), monkeypatch, alive=False, log=log, kept=kept)

    assert (kept.blobs, kept.data) == ({"server.log": b"CUDA error"}, None)
    assert str(caught.value).startswith(f"{log}: the server died at 4 requests in flight; got it")


def point_of(result: LoadResult, percentile: int = 90, **data: Any) -> LoadPoint:
    """What is read back of a run."""
    record = Record(
        id="1",
        what=What(kind="serving.load", edition="e", model="m"),
        subject=Subject(device={}, toolchain=None, checkpoint=None),
        edition_digest="",
        started_unix_s=0.0,
        ended_unix_s=0.0,
        data=data,
        samples=(),
        blobs={"requests": "r"},
    )
    blobs = {"r": msgspec.json.encode(result)}
    store = cast(Store, SimpleNamespace(blobs=SimpleNamespace(get=blobs.__getitem__)))
    rule = msgspec.structs.replace(
        EDITION.rulings.serving_throughput, latency_percentile_shown=percentile
    )
    return read_load(store, record, TEXT, rule)


def test_a_load_is_read_back_from_its_requests() -> None:
    """Two in flight, 0.1 s to the first token, 10 more in 0.2 s; eleven tokens and events each."""
    calibration = msgspec.to_builtins(CALIBRATION)
    point = point_of(load_run(2, 40), calibration=calibration)

    assert (point.workload, point.concurrency) == ("text", 2)
    assert point.ttft_mean_s == pytest.approx(0.1)
    assert point.ttft_percentile_s == pytest.approx(0.1)
    assert point.decode_mean_tokens_per_s == pytest.approx(50.0)
    assert point.decode_percentile_tokens_per_s == pytest.approx(50.0)
    assert point.output_tokens_per_s == pytest.approx(22 / 0.3, rel=0.02)
    assert (point.failed_share, point.full_length_share) == (0.0, 1.0)
    assert point.client.cpu_share == pytest.approx(0.1)
    assert point.client.events_per_s == pytest.approx(22 / 0.3, rel=0.02)
    assert point.client.roofline_events_per_s == 50_000.0
    assert (point.client.waited_share, point.client.lateness_mean_s) == (0.0, 0.0)
    assert point.client.in_flight_share == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(("percentile", "ttft_s", "tokens_per_s"), [(50, 0.1, 50), (90, 0.9, 10)])
def test_the_percentile_is_the_rulings(percentile: int, ttft_s: float, tokens_per_s: float) -> None:
    """Of the waiting and of the time per token, whose slow end is that of the speed."""
    fast, slow = load_run(1, 16), load_run(1, 4, ttft_s=0.9, s_per_token=0.1)
    end_s = fast.records[-1].done_s
    later = [
        msgspec.structs.replace(
            one,
            index=one.index + 16,
            due_s=one.due_s + end_s,
            sent_s=one.sent_s + end_s,
            first_token_s=(one.first_token_s or 0) + end_s,
            last_token_s=(one.last_token_s or 0) + end_s,
            done_s=one.done_s + end_s,
        )
        for one in slow.records
    ]
    point = point_of(
        msgspec.structs.replace(fast, records=(*fast.records, *later)), percentile=percentile
    )

    assert point.ttft_percentile_s == pytest.approx(ttft_s)
    assert point.decode_percentile_tokens_per_s == pytest.approx(tokens_per_s)
    assert point.decode_mean_tokens_per_s < 50


def test_what_nobody_could_measure_is_not_a_number() -> None:
    """Then it breaks every limit: no answers, no calibration, a kernel that counts no waiting."""
    run = load_run(2, 3, error="refused: HTTP 429", chunks=0)
    silent_kernel = [msgspec.structs.replace(client, waited_s=None) for client in run.clients]
    point = point_of(msgspec.structs.replace(run, clients=tuple(silent_kernel)))

    assert (point.failed_share, point.output_tokens_per_s) == (1.0, 0.0)
    for figure in (
        point.ttft_mean_s,
        point.ttft_percentile_s,
        point.decode_mean_tokens_per_s,
        point.decode_percentile_tokens_per_s,
        point.full_length_share,
        point.client.roofline_events_per_s,
        point.client.ttft_error_s,
        point.client.waited_share,
    ):
        assert math.isnan(figure)


def test_a_run_too_small_for_a_window_has_its_load_by_definition() -> None:
    """Two requests, two in flight: they can't have been there all the time."""
    assert point_of(load_run(2, 2)).client.in_flight_share == 1.0
