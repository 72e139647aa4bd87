"""
The load client and vLLM's own benchmark on a real engine: do they say the same where both are right?

    python tests/bench/agreement.py --vllm-python PYTHON [--streams 1,4,16,64] [--rounds 3]

A real vLLM serves the rehearsal's model on this machine's processor; the two clients take turns at it, with
prompts and answers of 64 tokens, four to a stream, both with ``ignore_eos`` (what ``min_tokens`` costs an
engine isn't the clients' affair). A row has the medians of the rounds and their ratio. "Whole run" is all
tokens over all of the time, ramp and drain included, as vLLM's benchmark counts; "steady" is this suite's
own figure, of the window in which the load was there.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from peers import VLLM_BENCH_SERVE

from pytest_ernie.engines.protocol import Launch, Server
from pytest_ernie.engines.vllm import Vllm
from pytest_ernie.load.arrivals import closed
from pytest_ernie.load.client import Target, run_load
from pytest_ernie.load.summary import summarise
from pytest_ernie.load.workloads import random_words
from pytest_ernie.rehearsal import checkpoint
from pytest_ernie.toolchains import adopt

TOKENS = 64
REQUESTS_A_STREAM = 4
REQUESTS_MIN = 16
TIMEOUT_S = 900


class Figures(NamedTuple):
    """What a client says of one run."""

    ttft_s: float
    tpot_s: float
    whole_run_tokens_per_s: float
    steady_tokens_per_s: float | None


def ours(server: Server, streams: int, requests: int) -> Figures:
    """Measure with this suite's client."""
    prompts = random_words(
        requests, input_tokens=TOKENS, output_tokens=TOKENS, seed=secrets.randbits(32)
    )
    target = Target(
        base_url=server.base_url,
        model=server.model,
        dialect=msgspec.structs.replace(server.dialect, min_tokens=False, ignore_eos=True),
        api_key=server.api_key,
    )
    result = run_load(target, prompts, closed(streams), run=secrets.token_hex(4))
    summary = summarise(result)
    assert not summary.failed
    assert summary.ttft_s is not None
    assert summary.tpot_s is not None
    tokens = sum(record.output_tokens or 0 for record in result.records)
    return Figures(
        ttft_s=summary.ttft_s.mean,
        tpot_s=summary.tpot_s.mean,
        whole_run_tokens_per_s=tokens / result.wall_s,
        steady_tokens_per_s=summary.output_tokens_per_s,
    )


def vllms(python: Path, server: Server, streams: int, requests: int) -> Figures:
    """Measure with what ``vllm bench serve`` runs."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            *(str(python), "-c", VLLM_BENCH_SERVE, "--backend", "openai-chat"),
            *("--model", server.model, "--tokenizer", str(checkpoint())),
            *("--base-url", server.base_url.removesuffix("/v1")),
            *("--endpoint", "/v1/chat/completions", "--ignore-eos", "--disable-tqdm"),
            *("--dataset-name", "random", "--seed", str(secrets.randbits(31))),
            *("--random-input-len", str(TOKENS), "--random-output-len", str(TOKENS)),
            *("--num-prompts", str(requests), "--max-concurrency", str(streams)),
            *("--save-result", "--result-dir", folder, "--result-filename", "out.json"),
        ]
        environment = {**os.environ, "OPENAI_API_KEY": server.api_key or "", "DO_NOT_TRACK": "1"}
        subprocess.run(words, env=environment, check=True, timeout=TIMEOUT_S, capture_output=True)
        found = json.loads((Path(folder) / "out.json").read_text())
    assert found["completed"] == requests
    return Figures(
        ttft_s=found["mean_ttft_ms"] / 1e3,
        tpot_s=found["mean_tpot_ms"] / 1e3,
        whole_run_tokens_per_s=found["output_throughput"],
        steady_tokens_per_s=None,
    )


def row(streams: int, mine: list[Figures], other: list[Figures]) -> str:
    """Return a line of the table."""

    def pair(name: str, factor: float) -> str:
        a = statistics.median(getattr(figures, name) for figures in mine) * factor
        b = statistics.median(getattr(figures, name) for figures in other) * factor
        return f"{a:9.2f} {b:9.2f} {a / b:6.2f}  "

    steady = statistics.median(figures.steady_tokens_per_s or 0.0 for figures in mine)
    return (
        f"{streams:7}  {pair('ttft_s', 1e3)}{pair('tpot_s', 1e3)}"
        f"{pair('whole_run_tokens_per_s', 1)}{steady:9.0f}"
    )


def measured(
    python: Path, server: Server, streams: int, rounds: int
) -> Mapping[str, list[Figures]]:
    """Let the clients take turns, the other one first every second time; the first turn warms up."""
    requests = max(REQUESTS_MIN, REQUESTS_A_STREAM * streams)
    found: dict[str, list[Figures]] = {"ours": [], "vllm": []}
    ours(server, streams, requests)
    for turn in range(rounds):
        order = ("ours", "vllm") if turn % 2 == 0 else ("vllm", "ours")
        for client in order:
            figures = (
                ours(server, streams, requests)
                if client == "ours"
                else vllms(python, server, streams, requests)
            )
            found[client].append(figures)
    return found


def main() -> None:
    """Start the engine, let both measure, print the table."""
    parser = argparse.ArgumentParser(description="Does the load client agree with vLLM's own?")
    parser.add_argument("--vllm-python", type=Path, required=True)
    parser.add_argument("--streams", default="1,4,16,64")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    launch = Launch(
        engine="vllm",
        model="rehearsal",
        checkpoint=str(checkpoint()),
        datatype="bf16",
        window=4096,
        max_num_seqs=64,
    )
    with tempfile.TemporaryDirectory() as folder:
        server = Vllm().start(
            launch,
            toolchain=adopt("vllm", options.vllm_python),
            workdir=Path(folder),
            cards=(),
            device_env={},
        )
        try:
            print("streams  first token, ms: ours, vLLM's, ratio; per token, ms; whole run, tok/s;")
            print("         steady, tok/s (ours)")
            for streams in map(int, options.streams.split(",")):
                found = measured(options.vllm_python, server, streams, options.rounds)
                print(row(streams, found["ours"], found["vllm"]), flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
