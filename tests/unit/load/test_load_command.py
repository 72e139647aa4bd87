"""
``pytest-ernie load``: figures of an endpoint for people and scripts, without pytest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from doubles.openai_server import Behaviour, FakeServer
from pytest_ernie.cli import main
from pytest_ernie.load import command
from pytest_ernie.load.known.schedule import Schedule
from pytest_ernie.load.known.server import KnownServer, known_server
from pytest_ernie.load.protocol import LoadResult
from pytest_ernie.load.report import SCHEMA, LoadReport, schema
from pytest_ernie.load.summary import summarise
from pytest_ernie.progress import silent

SPREAD = {"samples", "mean", "p50", "p90", "p99"}


@pytest.fixture(scope="module")
def server() -> Iterator[KnownServer]:
    """First token after 50 ms, then one every 5 ms; four requests at a time."""
    with known_server(Schedule(slots=4, prefill_s=0.05, interval_s=0.005)) as running:
        yield running


@pytest.fixture
def load(server: KnownServer, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command; return its exit code and the JSON that it wrote."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "out.json"
        code = main(["load", server.base_url, "--json", str(out), "--quiet", *words])
        return code, json.loads(out.read_text())

    return run


def test_a_load_is_measured_for_scripts(
    load: Callable[..., tuple[int, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Every figure that was promised, in the unit that its name ends with.
    """
    code, report = load("--concurrency", "4", "--requests", "12", "--output-tokens", "20")

    assert code == 0
    assert (report["completed"], report["failed"], report["concurrency"]) == (12, {}, 4)
    for name in ("ttft_s", "tpot_s", "decode_tokens_per_s", "latency_s"):
        assert set(report[name]) == SPREAD
    assert 0.045 < report["ttft_s"]["mean"] < 0.15
    assert report["tpot_s"]["p50"] == pytest.approx(0.005, rel=0.3)
    assert report["output_tokens_per_s"] > 100
    assert 3.5 < report["mean_in_flight"] <= 4.0
    assert report["client_cpu_s"] > 0
    assert report["calibration"]["concurrency"] == 4
    assert report["calibration"]["roofline_events_per_s"] > 1000
    assert report["calibration"]["in_flight_share"] == 1.0
    assert msgspec.convert(report, LoadReport).model == "known"
    told = capsys.readouterr().out
    assert "4 in flight: 12 of 12 requests answered" in told
    assert "first token, ms" in told
    assert "events/s of processor time" in told


def test_every_request_can_be_kept_with_the_times_of_its_events(
    load: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path
) -> None:
    """
    The figures can be had from the records again; without the option they hold no event times.
    """
    words = ("--concurrency", "2", "--requests", "4", "--output-tokens", "20", "--no-calibration")
    kept = tmp_path / "records.json"
    _, report = load(*words, "--records", str(kept), "--event-times")
    result = msgspec.json.decode(kept.read_bytes(), type=LoadResult)
    load(*words, "--records", str(kept))

    summary = summarise(result)
    assert summary.ttft_s is not None
    assert report["ttft_s"]["mean"] == summary.ttft_s.mean
    for record in result.records:
        times_s = record.text_times_s
        assert times_s is not None
        assert 20 == len(times_s) == record.chunks
        assert times_s == tuple(sorted(times_s))
        assert (times_s[0], times_s[-1]) == pytest.approx(
            (record.first_token_s, record.last_token_s), abs=1e-6
        )
    assert b"text_times_s" not in kept.read_bytes()


def test_a_search_may_be_short_and_unsure(
    load: Callable[..., tuple[int, dict[str, Any]]],
) -> None:
    """
    With few requests it says what it found so far, and sends no more.
    """
    words = ("--search", "--ttft-limit", "0.12", "--requests", "16", "--output-tokens", "20")
    _, report = load(*words, "--no-calibration", "--search-requests", "40", "--confidence", "0.8")

    assert report["requests_sent"] <= 40


def test_a_search_adds_what_it_found(
    load: Callable[..., tuple[int, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Four slots, 0.145 s a request: from the ninth on, the queue takes the first token's time. How near
    to that a search comes on a busy machine is no matter here.
    """
    words = ("--search", "--ttft-limit", "0.2", "--requests", "16", "--output-tokens", "20")
    code, report = load(*words, "--no-calibration", "--max-concurrency", "64")

    assert code == 0
    assert 1 <= report["max_concurrency"] <= 9
    assert report["concurrency"] == report["max_concurrency"]
    assert report["requests_sent"] == sum(point["requests_sent"] for point in report["curve"])
    assert report["calibration"] is None
    assert not report["capped"]
    assert "the highest load within the limits is" in capsys.readouterr().out


def test_no_load_within_the_limits_is_said_and_exits_with_1(
    load: Callable[..., tuple[int, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Not even one at a time.
    """
    words = ("--search", "--ttft-limit", "0.01", "--requests", "4", "--output-tokens", "4")
    code, report = load(*words, "--no-calibration")

    assert (code, report["max_concurrency"]) == (1, 0)
    assert "no load keeps the limits" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("--rate", "40"), ("--rate", "40", "--poisson")])
def test_an_open_loop(
    load: Callable[..., tuple[int, dict[str, Any]]], words: tuple[str, ...]
) -> None:
    """
    Requests leave by the clock.
    """
    code, report = load(
        *words, "--requests", "20", "--input-tokens", "8", "--output-tokens", "4",
        "--no-calibration",
    )  # fmt: skip

    assert code == 0
    assert (report["concurrency"], report["rate_per_s"]) == (None, 40.0)
    assert report["workload"] == "random, 8 tokens"


def test_a_workload_file(load: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path) -> None:
    """
    Prompts and lengths are its own; asked again if there are fewer than requests.
    """
    path = tmp_path / "mine.jsonl"
    path.write_text(
        '{"text": "how are you", "output_tokens": 30}\n{"text": "so", "output_tokens": 50}\n'
    )
    code, report = load(
        "--workload", str(path), "--concurrency", "2", "--requests", "4", "--no-calibration"
    )

    assert code == 0
    assert (report["workload"], report["output_tokens"]) == ("mine.jsonl", 160)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which load?; wanted one of --concurrency, --rate and --search"),
        (("--concurrency", "1", "--rate", "1"), "which load?"),
        (
            ("--search", "--concurrency", "1"),
            "--search finds the load, and --concurrency gives one",
        ),
        (("--search",), "--search needs a limit; wanted --ttft-limit or --decode-limit, or both"),
        (("--concurrency", "0"), "--concurrency is 0; wanted at least 1"),
        (
            ("--search", "--ttft-limit", "1", "--search-requests", "0"),
            "--search-requests is 0; wanted at least 1",
        ),
        (
            ("--search", "--ttft-limit", "1", "--max-concurrency", "0"),
            "--max-concurrency is 0; wanted at least 1",
        ),
        (
            ("--search", "--ttft-limit", "1", "--confidence", "1"),
            "--confidence is 1; wanted 0.5 to 0.999",
        ),
        (
            ("--concurrency", "1", "--poisson"),
            "--poisson is how requests come at a --rate; wanted --rate",
        ),
        (("--concurrency", "1", "--timeout", "0"), "--timeout is 0.0; wanted seconds, above 0"),
        (
            ("--concurrency", "1", "--api-key-env", "NO_SUCH_KEY"),
            "--api-key-env: this variable isn't set; got NO_SUCH_KEY",
        ),
        (
            ("--concurrency", "1", "--event-times"),
            "--event-times are written to a file; wanted --records FILE",
        ),
        (
            ("--concurrency", "1", "--json", "no/where.json"),
            "there is no such folder to write to; got no",
        ),
        (
            ("--concurrency", "1", "--records", "no/where.json"),
            "there is no such folder to write to; got no",
        ),
        (("--concurrency", "1", "--output-tokens", "0"), "--output-tokens is 0; wanted at least 1"),
        (("--rate", "-1"), "--rate is -1.0; wanted requests a second, above 0"),
        (("--rate", "inf"), "--rate is inf"),
        (
            ("--concurrency", "1", "--workload", "x", "--input-tokens", "1"),
            "--workload has its prompts, and --input-tokens makes others",
        ),
    ],
)
def test_a_wrong_call_is_explained_before_anything_is_asked(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Exit code 2, one line.
    """
    assert main(["load", "http://127.0.0.1:9/v1", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_dead_endpoint_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """
    With its address.
    """
    assert main(["load", "http://127.0.0.1:9/v1", "--concurrency", "1"]) == 2
    assert "http://127.0.0.1:9/v1: no answer" in capsys.readouterr().err


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Neither into the table nor into the JSON.
    """
    monkeypatch.setenv("MY_KEY", "sk-0123456789")
    out = tmp_path / "out.json"
    with FakeServer(Behaviour(api_key="sk-0123456789", token_delay_s=0.002)) as fake:
        code = main(
            [
                *("load", fake.base_url, "--api-key-env", "MY_KEY", "--concurrency", "1"),
                *("--requests", "2", "--no-calibration", "--quiet", "--json", str(out)),
            ]
        )

    assert code == 0
    assert "sk-0123456789" not in out.read_text() + capsys.readouterr().out


def test_the_committed_schema_is_the_one_that_the_types_give() -> None:
    """
    ``python -m pytest_ernie.load.report`` writes it.
    """
    assert SCHEMA.read_text(encoding="utf-8") == schema()


def test_progress_is_one_line_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Silent where nobody looks.
    """
    assert command._progress() is silent
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    command._progress()("load 4", done=1, total=3, detail="2 in flight")
    told = capsys.readouterr().err
    assert "load 4: 1 of 3  2 in flight" in told
    assert "\n" not in told
    command._progress()("load 4", done=1, detail="x" * 200)
    assert capsys.readouterr().err == f"\r\x1b[Kload 4: {'x' * 88}"
