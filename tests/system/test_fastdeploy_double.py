"""
The double of FastDeploy has the ways that make FastDeploy hard to drive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from doubles.fastdeploy import install, plant
from pytest_ernie.engines.ports import free_ports
from pytest_ernie.toolchains.process import Running, start

PATIENCE_S = 20
Start = Callable[..., "Double"]


class Double:
    """A running double."""

    def __init__(self, running: Running, port: int, logs: Path) -> None:
        self.running, self.port, self.logs = running, port, logs

    def log(self) -> str:
        return self.running.output_tail(400)

    def ready(self) -> Double:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.running.poll() is None:
            try:
                self.get("/v1/models")
                return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(self.log())

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False)

    def ask(self, prompt: str, **fields: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": 8, **fields}
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        return httpx.post(url, json=body, timeout=PATIENCE_S, trust_env=False)


@pytest.fixture
def start_double(tmp_path: Path) -> Iterator[Start]:
    """Start the double in a toolchain of its own: flags, faults and the version are given."""
    checkpoint = tmp_path / "model"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    started: list[Running] = []

    def start_it(*flags: str, faults: tuple[str, ...] = (), version: str = "2.3.0") -> Double:
        python = install(tmp_path / "toolchain", version=version)
        plant(python, "load_s=0", *faults)
        port, queue, cache, metrics = free_ports(4).ports.numbers
        logs = tmp_path / "logs"
        module = "fastdeploy.entrypoints.openai.api_server"
        own = ("--model", str(checkpoint), "--host", "127.0.0.1", "--port", str(port))
        queues = ("--engine-worker-queue-port", str(queue))
        queues += ("--cache-queue-port", str(cache), "--metrics-port", str(metrics))
        running = start(
            [str(python), "-m", module, *own, *queues, *flags],
            env={"PATH": os.environ["PATH"], "FD_LOG_DIR": str(logs)},
            cwd=tmp_path,
            log=tmp_path / "server.log",
        )
        started.append(running)
        return Double(running, port, logs)

    yield start_it
    for running in started:
        running.stop()


def test_every_worker_has_a_session_of_its_own(start_double: Start) -> None:
    """Two workers, their launcher and the cache's mover are out of reach of the server's group."""
    double = start_double("--tensor-parallel-size", "2").ready()

    family = psutil.Process(double.running.pid).children(recursive=True)

    assert len(family) == 4
    assert len({os.getsid(process.pid) for process in family} - {double.running.pid}) == 4


def test_it_takes_prefixes_and_replaces_a_wrong_number_of_ports(start_double: Start) -> None:
    """A flag's beginning will do; two ports in place of one are ignored, with a warning."""
    double = start_double("--max-mod", "64", "--pd-comm-port", "1,2").ready()

    assert double.get("/v1/models").json()["data"][0]["max_model_len"] == 64
    assert "Ignore them and assign new ones" in double.log()


@pytest.mark.parametrize(
    ("version", "flags"),
    [
        ("2.1.0", ("--served-model-name", "m")),
        ("2.2.0", ("--load-choices", "default_v1")),
        ("2.3.0", ("--use-cudagraph",)),
    ],
)
def test_it_refuses_what_its_version_does_not_know(
    start_double: Start, version: str, flags: tuple[str, ...]
) -> None:
    """A flag that came later, or went, ends the start."""
    double = start_double(*flags, version=version)

    assert double.running.wait(PATIENCE_S) == 2
    assert "unrecognized arguments" in double.log()


def test_any_word_is_a_quantization_until_the_engine_is_built(start_double: Start) -> None:
    """The command line takes it, the engine doesn't."""
    double = start_double("--quantization", "wint99")

    assert double.running.wait(PATIENCE_S) == 1
    assert "Invalid quantization method: wint99" in double.log()


def test_a_worker_that_dies_is_only_named_in_its_own_log(start_double: Start) -> None:
    """The exit code is 0, the main log points elsewhere, workerlog.0 has the cause."""
    double = start_double(faults=("out_of_memory",))

    assert double.running.wait(PATIENCE_S) == 0
    assert "check log/workerlog.*" in double.log()
    assert "Out of memory" not in double.log()
    assert "Out of memory" in (double.logs / "workerlog.0").read_text()


def test_health_is_good_before_anything_is_loaded(start_double: Start) -> None:
    """/health and /v1/models say nothing about whether it can answer."""
    double = start_double(faults=("early_port", "hang_loading")).ready()

    assert double.get("/health").status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"http://127.0.0.1:{double.port}/v1/chat/completions",
            json={"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1},
            timeout=0.3,
            trust_env=False,
        )


def test_an_over_long_prompt_is_an_internal_error(start_double: Start) -> None:
    """It is cut to one token less than the window and then refused with 500."""
    double = start_double("--max-model-len", "16").ready()

    answer = double.ask("word " * 40)

    assert answer.status_code == 500
    assert "Input text is too long, length of prompt token(15)" in answer.text


def test_temperature_zero_is_not_greedy(start_double: Start) -> None:
    """Only top_k 1 or top_p 0 gives the same answer again and again."""
    double = start_double().ready()

    def text(**fields: Any) -> str:
        return str(
            double.ask("What is 2 + 3?", **fields).json()["choices"][0]["message"]["content"]
        )

    assert text(top_k=1) == text(top_p=0) == "5"
    assert text(temperature=0) != "5"


def test_a_stream_begins_with_a_role_and_may_hold_several_tokens_in_a_chunk(
    start_double: Start,
) -> None:
    """Six tokens come in two events after an empty one; usage comes in an event without choices."""
    double = start_double().ready()

    lines = double.ask(
        "Hello",
        stream=True,
        stream_options={"include_usage": True},
        max_streaming_response_tokens=3,
        min_tokens=6,
        max_tokens=6,
    ).text.split("\n\n")

    assert '"content": ""' in lines[0]
    assert [line.count('"delta"') for line in lines[1:3]] == [3, 3]
    assert '"completion_tokens": 6' in lines[3]
    assert lines[4].strip() == "data: [DONE]"


def test_faults_begin_and_end_with_a_questions_number(start_double: Start) -> None:
    """A fault of the second question spares the first and the third."""
    double = start_double(faults=("http_429@2-2",)).ready()

    assert [double.ask("Hello").status_code for _ in range(3)] == [200, 429, 200]


def test_a_dead_worker_ends_the_server(start_double: Start) -> None:
    """FastDeploy interrupts itself when a worker is gone."""
    double = start_double(faults=("worker_dies@1",)).ready()

    with pytest.raises(httpx.TransportError):
        double.ask("Hello")

    assert double.running.wait(PATIENCE_S) == 0
