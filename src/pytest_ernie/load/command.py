"""
``pytest-ernie load URL``: measure any OpenAI-compatible endpoint, without pytest.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.errors import UsageProblem
from pytest_ernie.progress import Progress, silent

if TYPE_CHECKING:
    from .arrivals import Arrivals
    from .client import Target
    from .protocol import LoadResult, Prompt
    from .report import LoadReport
    from .search import Found


COUNTS = ("concurrency", "requests", "processes", "input_tokens", "output_tokens")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand; imports nothing that measures."""
    parser = commands.add_parser("load", help="measure TPS and latencies of a running endpoint")
    parser.set_defaults(run=run)
    parser.add_argument("url", help="address of the API, with /v1")
    parser.add_argument("--model", help="name of the model; needed if the server lists several")
    load = parser.add_argument_group("load")
    load.add_argument("--concurrency", type=int, help="requests in flight (closed loop)")
    load.add_argument("--rate", type=float, help="requests a second instead (open loop)")
    load.add_argument("--poisson", action="store_true", help="with --rate: as users come")
    load.add_argument("--requests", type=int, default=512, help="how many (default 512)")
    load.add_argument("--processes", type=int, default=1, help="client processes (default 1)")
    work = parser.add_argument_group("workload")
    work.add_argument(
        "--workload", type=Path, help="file or folder of prompts, in any known format"
    )
    work.add_argument("--input-tokens", type=int, help="random prompts of about this length")
    work.add_argument("--output-tokens", type=int, help="exact length of every answer")
    work.add_argument("--seed", type=int, default=0)
    find = parser.add_argument_group("search")
    find.add_argument("--search", action="store_true", help="find the highest load in the limits")
    find.add_argument("--ttft-limit", type=float, help="mean first token below, seconds")
    find.add_argument("--decode-limit", type=float, help="mean decode speed at least, tokens/s")
    find.add_argument("--max-concurrency", type=int, default=1024, help="try no higher load")
    find.add_argument(
        "--confidence", type=float, default=0.95, help="of each finding (default 0.95)"
    )
    find.add_argument("--search-requests", type=int, help="spend no more requests on the search")
    more = parser.add_argument_group("more")
    more.add_argument("--api-key-env", help="variable with the key (default PYTEST_ERNIE_API_KEY)")
    more.add_argument(
        "--completions", action="store_true", help="ask /completions, the older API, not the chat"
    )
    more.add_argument(
        "--timeout",
        type=float,
        help="a request fails after so many seconds of silence (default 600)",
    )
    more.add_argument("--json", type=Path, help="write the figures to this file")
    more.add_argument("--records", type=Path, help="write a record of each request to this file")
    more.add_argument(
        "--event-times", action="store_true", help="with --records: when each event arrived, too"
    )
    more.add_argument(
        "--no-calibration", action="store_true", help="don't measure the client first"
    )
    more.add_argument("--quiet", action="store_true", help="no progress")


def run(options: argparse.Namespace) -> int:
    """Measure and print; 0 if something was answered, 1 if nothing was (or no load holds)."""
    from . import report

    _check(options)
    progress = silent if options.quiet else _progress()
    target = _target(options)
    measured = (
        _search(options, target, progress) if options.search else _load(options, target, progress)
    )
    if not options.quiet:
        sys.stderr.write("\r\x1b[K" if sys.stderr.isatty() else "")
    sys.stdout.write(report.table(measured) + "\n")
    if options.json is not None:
        import msgspec

        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(measured)) + b"\n")
    return 0 if measured.completed and measured.max_concurrency != 0 else 1


def _check(options: argparse.Namespace) -> None:
    chosen = [name for name in ("concurrency", "rate") if getattr(options, name) is not None]
    if options.search and chosen:
        raise UsageProblem(f"--search finds the load, and --{chosen[0]} gives one")
    if not options.search and len(chosen) != 1:
        raise UsageProblem("which load?", wanted="one of --concurrency, --rate and --search")
    if options.search and options.ttft_limit is None and options.decode_limit is None:
        raise UsageProblem(
            "--search needs a limit", wanted="--ttft-limit or --decode-limit, or both"
        )
    if options.event_times and options.records is None:
        raise UsageProblem("--event-times are written to a file", wanted="--records FILE")
    if not 0.5 <= options.confidence < 1:
        raise UsageProblem(f"--confidence is {options.confidence:g}", wanted="0.5 to 0.999")
    for name in (*COUNTS, "max_concurrency", "search_requests"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageProblem(f"--{name.replace('_', '-')} is {value}", wanted="at least 1")
    for path in (options.json, options.records):
        if path is not None and not path.parent.is_dir():
            raise UsageProblem("there is no such folder to write to", got=path.parent)
    if options.rate is not None and not 0 < options.rate < float("inf"):
        raise UsageProblem(f"--rate is {options.rate}", wanted="requests a second, above 0")
    if options.poisson and options.rate is None:
        raise UsageProblem("--poisson is how requests come at a --rate", wanted="--rate")
    if options.timeout is not None and not 0 < options.timeout < float("inf"):
        raise UsageProblem(f"--timeout is {options.timeout}", wanted="seconds, above 0")
    if options.workload is not None and options.input_tokens is not None:
        raise UsageProblem("--workload has its prompts, and --input-tokens makes others")


def _target(options: argparse.Namespace) -> Target:
    from pytest_ernie.engines.address import checked_address
    from pytest_ernie.engines.endpoint import attach

    from .client import Target

    variable = options.api_key_env or "PYTEST_ERNIE_API_KEY"
    key = os.environ.get(variable)
    if options.api_key_env is not None and not key:
        raise UsageProblem("this variable isn't set", where="--api-key-env", got=variable)
    address = checked_address(options.url, where="URL")
    server = attach(address, model=options.model, api_key=key)
    return Target(
        base_url=server.base_url,
        model=server.model,
        dialect=server.dialect,
        api_key=key,
        chat=not options.completions,
    )


def _prompts(options: argparse.Namespace) -> tuple[str, tuple[Prompt, ...]]:
    """Return the workload's name and its prompts, as many as requests are asked for."""
    import random

    import msgspec

    from .workloads import random_words, read_workload
    from .workloads.synthetic import SHAREGPT_BOUNDS, synthetic

    if options.workload is not None:
        name, found = str(options.workload.name), read_workload(options.workload)
    elif options.input_tokens is not None:
        name = f"random, {options.input_tokens} tokens"
        found = random_words(
            options.requests,
            input_tokens=options.input_tokens,
            output_tokens=options.output_tokens or 128,
            seed=options.seed,
        )
    else:
        name = "lengths like ShareGPT's"
        least, most = SHAREGPT_BOUNDS
        found = synthetic(
            options.requests,
            output_tokens_min=least,
            output_tokens_max=most,
            draw_from=random.Random(options.seed),
        )
    if options.output_tokens is not None:
        found = tuple(
            msgspec.structs.replace(prompt, output_tokens=options.output_tokens) for prompt in found
        )
    repeated = (found[number % len(found)] for number in range(options.requests))
    return name, tuple(repeated)


def _load(options: argparse.Namespace, target: Target, progress: Progress) -> LoadReport:
    from .arrivals import Arrivals, closed

    if options.concurrency is not None:
        arrivals = closed(options.concurrency)
    else:
        arrivals = Arrivals(
            kind="poisson" if options.poisson else "constant",
            rate_per_s=options.rate,
            seed=options.seed,
        )
    name, prompts = _prompts(options)
    return _measured(options, target, name, prompts, arrivals, None, progress)


def _search(options: argparse.Namespace, target: Target, progress: Progress) -> LoadReport:
    from .arrivals import closed
    from .limit import find_limit
    from .search import Limits, SearchSettings

    name, prompts = _prompts(options)
    limits = Limits(ttft_s=options.ttft_limit, decode_tokens_per_s=options.decode_limit)
    settings = SearchSettings(
        most=options.max_concurrency,
        confidence=options.confidence,
        requests_max=options.search_requests or SearchSettings().requests_max,
        output_tokens=sum(prompt.output_tokens for prompt in prompts) / len(prompts),
    )
    found = find_limit(
        target, endless(prompts), limits, settings, processes=options.processes, progress=progress
    )
    arrivals = closed(max(1, found.max_concurrency))
    return _measured(options, target, name, prompts, arrivals, found, progress)


def endless(prompts: Sequence[Prompt]) -> Iterator[Prompt]:
    """Yield prompts again and again; each run makes them its own, so none is cached."""
    return (prompts[number % len(prompts)] for number in count())


def _measured(
    options: argparse.Namespace,
    target: Target,
    name: str,
    prompts: Sequence[Prompt],
    arrivals: Arrivals,
    found: Found | None,
    progress: Progress,
) -> LoadReport:
    import secrets

    from .calibration import calibrate
    from .client import SILENCE_TIMEOUT_S, run_load
    from .report import LoadReport, found_in
    from .summary import summarise
    from .workloads import digest_of

    calibration = None
    if not options.no_calibration:
        calibration = calibrate(
            arrivals.concurrency or 64, processes=options.processes, progress=progress
        )
    result: LoadResult = run_load(
        target,
        prompts,
        arrivals,
        run=secrets.token_hex(4),
        processes=options.processes,
        silence_timeout_s=options.timeout or SILENCE_TIMEOUT_S,
        text_times=options.event_times,
        progress=progress,
    )
    if options.records is not None:
        import msgspec

        options.records.write_bytes(msgspec.json.encode(result) + b"\n")
    summary = summarise(result)
    fields = {name: getattr(summary, name) for name in summary.__struct_fields__}
    return LoadReport(
        **fields,
        base_url=target.base_url,
        model=target.model,
        workload=name,
        workload_digest=digest_of(tuple(prompts)),
        processes=options.processes,
        calibration=calibration,
        **(found_in(found) if found is not None else {}),
    )


def _progress() -> Progress:
    """Return progress on one line of a terminal, nothing where there is none."""
    if not sys.stderr.isatty():
        return silent

    def tell(stage: str, *, done: float = 0, total: float | None = None, detail: str = "") -> None:
        of = f"{done:.0f} of {total:.0f}  " if total is not None else ""
        sys.stderr.write(f"\r\x1b[K{stage}: {of}{detail}"[:100])
        sys.stderr.flush()

    return tell
