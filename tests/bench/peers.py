"""
Other clients, driven by their own command lines, at the same loads against the same server.

Each gets as many requests as streams, started a millisecond apart where it has an option for that
(a burst at once makes every one of them look worse), token counts from the server's usage, and its
start-up left out: processor time is that of its processes from the first request's arrival at the
server until its own word's end of the run. Its figures are its own JSON's.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import processes
import venvs
from measured import Load, Row, Told, row, whole

from pytest_ernie.load.known.schedule import MODEL, Truth
from pytest_ernie.rehearsal import checkpoint

RUN_TIMEOUT_S = 300.0
RATE_PER_S = 1000
FLOOR = "uvloop floor"
WORDS = 32
"""Of a prompt; what clients want to tokenize is tokenized by the rehearsal's tokenizer."""


class Peer(msgspec.Struct, frozen=True):
    """A client: what to install, how to run it in a folder, and how to read what it leaves."""

    name: str
    requirement: str | None
    """None: an interpreter that has it must be given."""
    command: Callable[[Path, Load, str, Path], list[str]]
    """Of the interpreter, the load, the server's address and the folder."""
    read: Callable[[Path], Told]


def prepared(peer: Peer, folder: Path, given: Mapping[str, Path]) -> Path:
    """Return an interpreter that has the peer; Failed if there is none."""
    if peer.name in given:
        return given[peer.name].absolute()
    if peer.requirement is None:
        raise processes.Failed(f"not installed: --{peer.name}-python names no interpreter")
    return venvs.installed(peer.name.replace(" ", "-"), peer.requirement, folder)


def measure(peer: Peer, python: Path, load: Load, core: set[int]) -> Row:
    """Measure one run; Failed if it doesn't come to its end, or to its figures."""
    with (
        processes.server_on(core, load.schedule()) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        out = Path(folder)
        words = peer.command(python, load, server.base_url.removesuffix("/v1"), out)
        watch = processes.run(words, _environment(), out, RUN_TIMEOUT_S)
        try:
            told, truth = peer.read(out), server.truth()
            if told.cpu_s is None:
                told = _with_cpu(told, watch, load, truth)
            return row(peer.name, load, told, truth)
        except (OSError, LookupError, ValueError, TypeError) as problem:
            raise processes.Failed(f"no figures: {type(problem).__name__} {problem}") from problem


def _with_cpu(told: Told, watch: processes.CpuWatch, load: Load, truth: Truth) -> Told:
    requests = whole(truth, load)
    start_s = min(r.received_s for r in requests)
    # One that lags behind still reads when the server has long finished.
    end_s = max(start_s + told.duration_s, *(r.last_s or r.received_s for r in requests))
    begun_s, ended_s = watch.until(start_s), watch.until(end_s)
    return msgspec.structs.replace(
        told, cpu_s=ended_s - begun_s, after_cpu_s=watch.until(float("inf")) - ended_s
    )


def _environment() -> dict[str, str]:
    """Return this process's environment less what leads to this package, and without proxies."""
    foreign = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "DO_NOT_TRACK": "1"}


def _one(folder: Path, pattern: str) -> Any:
    """Return the content of the JSON file that the pattern finds."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"it left no {pattern}")
    return json.loads(found[0].read_text())


# --- the floor -----------------------------------------------------------------------------------


def _floor(python: Path, load: Load, url: str, out: Path) -> list[str]:
    program = Path(__file__).with_name("floor.py")
    port = url.rpartition(":")[2]
    return [
        *(str(python), str(program), port),
        *(str(load.streams), str(load.tokens), str(out / "out.json")),
    ]


def _read_floor(out: Path) -> Told:
    return msgspec.convert(_one(out, "out.json"), Told)


# --- aiperf --------------------------------------------------------------------------------------


def _aiperf(python: Path, load: Load, url: str, out: Path) -> list[str]:
    return [
        *(str(python.with_name("aiperf")), "profile", "--url", url, "--model", MODEL),
        *("--endpoint-type", "chat", "--streaming", "--ui", "none"),
        *("--tokenizer", str(checkpoint()), "--use-server-token-count"),
        *("--concurrency", str(load.streams), "--request-count", str(load.streams)),
        *("--request-rate", str(RATE_PER_S), "--request-rate-mode", "constant"),
        *("--isl", str(WORDS), "--osl", str(load.tokens)),
        *("--no-gpu-telemetry", "--no-server-metrics", "--artifact-dir", str(out / "out")),
    ]


def _read_aiperf(out: Path) -> Told:
    found = _one(out, "out/*aiperf.json")
    answered = int(found["request_count"]["avg"])
    return Told(
        answered=answered,
        duration_s=answered / found["request_throughput"]["avg"],
        ttft_mean_s=found["time_to_first_token"]["avg"] / 1e3,
        ttft_p99_s=found["time_to_first_token"]["p99"] / 1e3,
        tpot_mean_s=found["inter_token_latency"]["avg"] / 1e3,
    )


# --- evalscope -----------------------------------------------------------------------------------


def _evalscope(python: Path, load: Load, url: str, out: Path) -> list[str]:
    return [
        *(str(python.with_name("evalscope")), "perf", "--api", "openai", "--model", MODEL),
        *("--url", f"{url}/v1/chat/completions", "--stream", "--no-test-connection"),
        *("--parallel", str(load.streams), "--number", str(load.streams)),
        *("--rate", str(RATE_PER_S), "--prompt", " ".join(["word"] * WORDS)),
        *("--max-tokens", str(load.tokens), "--min-tokens", str(load.tokens)),
        *("--outputs-dir", str(out / "out"), "--no-timestamp"),
    ]


def _read_evalscope(out: Path) -> Told:
    found = _one(out, "out/**/benchmark_summary.json")
    rows = {row["Percentiles"]: row for row in _one(out, "out/**/benchmark_percentile.json")}
    return Told(
        answered=found["Success Requests"],
        duration_s=found["Test Duration (s)"],
        ttft_mean_s=found["Avg TTFT (ms)"] / 1e3,
        ttft_p99_s=rows["99%"]["TTFT (ms)"] / 1e3,
        tpot_mean_s=found["Avg TPOT (ms)"] / 1e3,
    )


# --- guidellm ------------------------------------------------------------------------------------


def _guidellm(python: Path, load: Load, url: str, out: Path) -> list[str]:
    ramp_s = load.streams / RATE_PER_S
    return [
        *(str(python.with_name("guidellm")), "run", "--disable-console"),
        *("--backend", f"kind=openai_http,target={url},model={MODEL}"),
        *("--profile", f"kind=concurrent,streams={load.streams},rampup_duration={ramp_s}"),
        *("--constraint", f"kind=max_requests,count={load.streams}"),
        *("--data", f"kind=synthetic_text,prompt_tokens={WORDS},output_tokens={load.tokens}"),
        *("--tokenizer", f"kind=hf_auto,model={checkpoint()}"),
        *("--output", f"kind=json,path={out / 'out.json'}"),
    ]


def _read_guidellm(out: Path) -> Told:
    (found,) = _one(out, "out.json")["benchmarks"]
    said = {
        name: value["successful"]
        for name, value in found["metrics"].items()
        if isinstance(value, dict) and "successful" in value
    }
    return Told(
        answered=said["request_totals"],
        duration_s=found["end_time"] - found["start_time"],
        ttft_mean_s=said["time_to_first_token_ms"]["mean"] / 1e3,
        ttft_p99_s=said["time_to_first_token_ms"]["percentiles"]["p99"] / 1e3,
        tpot_mean_s=said["inter_token_latency_ms"]["mean"] / 1e3,
    )


# --- vllm bench serve ----------------------------------------------------------------------------

VLLM_BENCH_SERVE = """
import argparse
from vllm.benchmarks.serve import add_cli_args, main
parser = argparse.ArgumentParser()
add_cli_args(parser)
main(parser.parse_args())
"""
"""What ``vllm bench serve`` does; the command itself doesn't start under some of vLLM's builds."""


def _vllm(python: Path, load: Load, url: str, out: Path) -> list[str]:
    return [
        *(str(python), "-c", VLLM_BENCH_SERVE, "--backend", "openai-chat", "--model", MODEL),
        *("--base-url", url, "--endpoint", "/v1/chat/completions", "--ignore-eos"),
        *("--tokenizer", str(checkpoint()), "--dataset-name", "random", "--disable-tqdm"),
        *("--random-input-len", str(WORDS), "--random-output-len", str(load.tokens)),
        *("--num-prompts", str(load.streams), "--max-concurrency", str(load.streams)),
        *("--request-rate", str(RATE_PER_S), "--burstiness", "inf"),
        *("--save-result", "--result-dir", str(out), "--result-filename", "out.json"),
    ]


def _read_vllm(out: Path) -> Told:
    found = _one(out, "out.json")
    return Told(
        answered=found["completed"],
        duration_s=found["duration"],
        ttft_mean_s=found["mean_ttft_ms"] / 1e3,
        ttft_p99_s=found["p99_ttft_ms"] / 1e3,
        tpot_mean_s=found["mean_tpot_ms"] / 1e3,
    )


THE_FLOOR = Peer(FLOOR, "uvloop", _floor, _read_floor)
PEERS = {
    peer.name: peer
    for peer in (
        Peer("aiperf", "aiperf", _aiperf, _read_aiperf),
        Peer("evalscope", "evalscope[perf]", _evalscope, _read_evalscope),
        Peer("guidellm", "guidellm", _guidellm, _read_guidellm),
        Peer("vllm", None, _vllm, _read_vllm),
    )
}
