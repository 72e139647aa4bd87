"""
What the options of ``pytest-ernie load`` make of a load; nothing is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from doubles.load_client import load_run
from pytest_ernie.cli import main
from pytest_ernie.engines import endpoint
from pytest_ernie.engines.dialects import FASTDEPLOY
from pytest_ernie.load import calibration, client, limit
from pytest_ernie.load.arrivals import Arrivals, closed
from pytest_ernie.load.calibration import Calibration
from pytest_ernie.load.protocol import LoadResult, Prompt
from pytest_ernie.load.search import Found, Limits, SearchSettings
from pytest_ernie.load.workloads import digest_of, random_words

URL = "http://127.0.0.1:9/v1"


class Asked:
    """What stands in for the server and the client: notes what it is asked."""

    def __init__(self) -> None:
        self.attached: dict[str, Any] = {}
        self.target: Any = None
        self.prompts: Sequence[Prompt] = ()
        self.arrivals: Arrivals | None = None
        self.processes = 0
        self.calibrated: tuple[int, int] | None = None
        self.searched: tuple[Limits, SearchSettings, int] | None = None
        self.found = 3
        self.error: str | None = None

    def attach(self, base_url: str, **more: Any) -> Any:
        self.attached = {"base_url": base_url, **more}
        return SimpleNamespace(base_url=base_url, model="m", dialect=FASTDEPLOY)

    def run_load(
        self, target: Any, prompts: Sequence[Prompt], arrivals: Arrivals, **more: Any
    ) -> LoadResult:
        self.target, self.prompts, self.arrivals = target, prompts, arrivals
        self.processes = more["processes"]
        return load_run(arrivals.concurrency or 1, len(prompts), error=self.error)

    def calibrate(self, concurrency: int, *, processes: int, progress: Any) -> Calibration:
        self.calibrated = (concurrency, processes)
        return Calibration(
            concurrency=concurrency,
            processes=processes,
            roofline_events_per_s=1.0,
            cpu_s_per_event=1.0,
            ttft_error_mean_s=0.0,
            ttft_error_p99_s=0.0,
            tpot_error_share=0.0,
            lateness_mean_s=0.0,
            in_flight_share=1.0,
        )

    def find_limit(
        self, target: Any, prompts: Any, limits: Limits, settings: SearchSettings, **more: Any
    ) -> Found:
        self.searched = (limits, settings, more["processes"])
        self.prompts = tuple(islice(prompts, 5))
        return Found(
            max_concurrency=self.found, confidence=0.9, curve=(), requests_sent=70, capped=False
        )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Nothing is sent."""
    noted = Asked()
    # By object: a name would import limit and calibration just now, with what is put into client.
    monkeypatch.setattr(endpoint, "attach", noted.attach)
    monkeypatch.setattr(client, "run_load", noted.run_load)
    monkeypatch.setattr(calibration, "calibrate", noted.calibrate)
    monkeypatch.setattr(limit, "find_limit", noted.find_limit)
    return noted


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command; return its exit code and the JSON that it wrote."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "out.json"
        code = main(["load", URL, "--json", str(out), "--quiet", *words])
        return code, json.loads(out.read_text())

    return run


Load = Callable[..., tuple[int, dict[str, Any]]]


@pytest.mark.parametrize(
    ("words", "arrivals"),
    [
        (("--concurrency", "3"), closed(3)),
        (("--rate", "40"), Arrivals(kind="constant", rate_per_s=40.0)),
        (("--rate", "40", "--poisson"), Arrivals(kind="poisson", rate_per_s=40.0)),
        (
            ("--rate", "40", "--poisson", "--seed", "7"),
            Arrivals(kind="poisson", rate_per_s=40.0, seed=7),
        ),
    ],
)
def test_arrivals_are_those_that_were_asked_for(
    asked: Asked, load: Load, words: tuple[str, ...], arrivals: Arrivals
) -> None:
    """By kind, rate and seed; 512 requests unless told otherwise."""
    code, _ = load(*words)

    assert code == 0
    assert asked.arrivals is not None
    assert asked.arrivals.kind == arrivals.kind
    assert asked.arrivals.due_s(9) == arrivals.due_s(9)
    assert len(asked.prompts) == 512


def test_the_server_is_asked_as_it_wants_to_be(
    asked: Asked, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the model that is named, with the key of the environment, in the dialect that was found."""
    monkeypatch.setenv("PYTEST_ERNIE_API_KEY", "sk-1")
    load("--concurrency", "1", "--model", "m")

    assert asked.attached == {"base_url": URL, "model": "m", "api_key": "sk-1"}
    assert (asked.target.model, asked.target.dialect, asked.target.api_key) == (
        "m", FASTDEPLOY, "sk-1",
    )  # fmt: skip


def test_random_prompts_have_their_length_and_seed(asked: Asked, load: Load) -> None:
    """128 tokens are answered unless told otherwise; the digest is that of what is sent."""
    words = ("--concurrency", "1", "--requests", "9", "--input-tokens", "8", "--seed", "7")
    _, report = load(*words)

    assert asked.prompts == random_words(9, input_tokens=8, output_tokens=128, seed=7)
    assert report["workload_digest"] == digest_of(asked.prompts)
    load(*words, "--output-tokens", "5")
    assert {prompt.output_tokens for prompt in asked.prompts} == {5}


def test_without_a_workload_lengths_are_like_sharegpts(asked: Asked, load: Load) -> None:
    """From 16 to 1024 tokens, others for another seed."""
    _, report = load("--concurrency", "1")
    first = asked.prompts
    load("--concurrency", "1", "--seed", "1")

    lengths = [prompt.output_tokens for prompt in first]
    assert (min(lengths), max(lengths)) == (16, 1024)
    assert report["workload"] == "lengths like ShareGPT's"
    assert first != asked.prompts


@pytest.mark.parametrize(("requests", "texts"), [(1, ["a"]), (5, ["a", "b", "a", "b", "a"])])
def test_a_workload_is_cut_or_asked_again(
    asked: Asked, load: Load, tmp_path: Path, requests: int, texts: list[str]
) -> None:
    """As many requests as are wanted, in the file's order."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"text": "a", "output_tokens": 3}\n{"text": "b", "output_tokens": 5}\n')
    load("--concurrency", "1", "--requests", str(requests), "--workload", str(path))

    assert [prompt.text for prompt in asked.prompts] == texts


@pytest.mark.parametrize(
    ("words", "calibrated"),
    [
        (("--concurrency", "3"), (3, 1)),
        (("--concurrency", "3", "--processes", "2"), (3, 2)),
        (("--rate", "3"), (64, 1)),
        (("--concurrency", "3", "--no-calibration"), None),
    ],
)
def test_the_client_is_calibrated_as_it_will_be_used(
    asked: Asked, load: Load, words: tuple[str, ...], calibrated: tuple[int, int] | None
) -> None:
    """At the load, or 64 in flight where there is none; with as many processes."""
    _, report = load(*words)

    assert asked.calibrated == calibrated
    assert (report["calibration"] is None) is (calibrated is None)
    assert asked.processes == report["processes"] == (2 if "--processes" in words else 1)


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        (("--ttft-limit", "0.3"), Limits(ttft_s=0.3, decode_tokens_per_s=None)),
        (("--decode-limit", "40"), Limits(ttft_s=None, decode_tokens_per_s=40.0)),
        (
            ("--ttft-limit", "0.3", "--decode-limit", "40"),
            Limits(ttft_s=0.3, decode_tokens_per_s=40.0),
        ),
    ],
)
def test_a_search_keeps_the_limits_that_were_given(
    asked: Asked, load: Load, words: tuple[str, ...], limits: Limits
) -> None:
    """It knows how long answers are; then the whole workload is asked at what was found."""
    more = (
        "--max-concurrency",
        "8",
        "--output-tokens",
        "20",
        "--requests",
        "6",
        "--processes",
        "2",
    )
    code, report = load("--search", *words, *more)

    settings = SearchSettings(most=8, output_tokens=20.0)
    assert asked.searched == (limits, settings, 2)
    assert asked.arrivals == closed(3)
    assert len(asked.prompts) == 6
    assert (code, report["max_concurrency"], report["requests_sent"]) == (0, 3, 70)
    assert asked.calibrated == (3, 2)


def test_a_search_tries_no_load_above_1024_unless_told(asked: Asked, load: Load) -> None:
    """Its prompts never end."""
    load("--search", "--ttft-limit", "0.3", "--requests", "2")

    assert asked.searched is not None
    assert asked.searched[1].most == 1024


def test_a_search_without_a_load_is_run_at_one_and_exits_with_1(asked: Asked, load: Load) -> None:
    """So there is a figure to show."""
    asked.found = 0
    code, report = load("--search", "--ttft-limit", "0.3")

    assert (code, report["max_concurrency"]) == (1, 0)
    assert asked.arrivals == closed(1)


def test_a_run_in_which_nothing_was_answered_exits_with_1(asked: Asked, load: Load) -> None:
    """A script must not take it for a measurement."""
    asked.error = "refused: HTTP 429"
    code, report = load("--concurrency", "3")

    assert code == 1
    assert report["failed"] == {"refused: HTTP 429": 512}


@pytest.mark.parametrize("name", ["--requests", "--processes", "--input-tokens"])
def test_less_than_one_is_refused(
    asked: Asked, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked."""
    assert main(["load", URL, "--concurrency", "1", name, "0"]) == 2
    assert f"{name} is 0; wanted at least 1" in capsys.readouterr().err
    assert asked.attached == {}


def test_without_a_file_only_the_table_is_written(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And on a terminal the line of progress is cleared before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)

    assert main(["load", URL, "--concurrency", "3"]) == 0

    written = capsys.readouterr()
    assert written.out.startswith(f"m at {URL}\n3 in flight: 512 of 512 requests answered in ")
    assert written.err == "\r\x1b[K"
    assert list(tmp_path.iterdir()) == []
