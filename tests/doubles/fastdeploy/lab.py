"""
A laboratory with the double: a small edition of the standard, a site, and a run of its conformance.

As a pytest plugin (``-p doubles.fastdeploy.lab``) it shortens what only waits: a request that gets no
answer is given up after seconds, and the load client isn't calibrated anew for every run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from pytest_ernie import rehearsal
from pytest_ernie.engines.asking import ready
from pytest_ernie.engines.fastdeploy import FastDeploy
from pytest_ernie.engines.lifecycle import started
from pytest_ernie.registry import Registry
from pytest_ernie.standard import load

EDITION = Path(rehearsal.__file__).parents[1] / "standard/editions/rehearsal.toml"
ENGINE = "fastdeploy-double"
MODEL = "ERNIE-4.5-tiny"
PATIENCE_S = 1.5
"""What a request gets in which nothing comes."""
CHANGES = {
    'name = "rehearsal"': 'name = "faults"',
    "contexts = [8192, 32768, 131072]": "contexts = [4096, 8192]",
    "contexts = [8192, 32768] ": "contexts = [4096]",
    "prompts = 256": "prompts = 8",
    "output_tokens_min = 16": "output_tokens_min = 8",
    "output_tokens_max = 64": "output_tokens_max = 8",
    "output_tokens_mean = 32": "output_tokens_mean = 8",
    "concurrency_start = 1": "concurrency_start = 2",
    "concurrency_most = 16": "concurrency_most = 2",
    "search_requests_max = 20000": "search_requests_max = 8",
    "ttft_s = 2.0": "ttft_s = 0.8",
    "client_cpu_share_max = 0.8": "client_cpu_share_max = 1.0",
    "client_waited_share_max = 0.1": "client_waited_share_max = 1.0",
    "client_roofline_share_max = 0.5": "client_roofline_share_max = 1.0",
    "client_lateness_share_max = 0.05": "client_lateness_share_max = 1.0",
    "client_in_flight_share_min = 0.95": "client_in_flight_share_min = 0.01",
}
"""What makes the rehearsal's edition small, and the client's load no matter on a busy machine."""


def furnish(folder: Path, python: Path) -> None:
    """Put edition, site and questions into a folder."""
    text = EDITION.read_text(encoding="utf-8")
    for old, new in CHANGES.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "edition.toml").write_text(text, encoding="utf-8")
    names = [dataset.name for dataset in load("rehearsal").datasets]
    for name in names:
        sums = [(a, a + 1) for a in range(1, 25)]
        rows = [
            {"id": f"{name}-{a}", "question": f"What is {a} + {b}?", "answer": str(a + b)}
            for a, b in sums
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    datasets = "\n".join(f'{name} = "{name}.jsonl"' for name in names)
    (folder / "site.toml").write_text(
        f'[engine]\nkind = "{ENGINE}"\npython = "{python}"\ntensor_parallel = 1\n'
        f"max_num_seqs = 16\n\n"
        f'[models."{MODEL}"]\ncheckpoint = "{rehearsal.checkpoint()}"\n\n[datasets]\n{datasets}\n',
        encoding="utf-8",
    )


def arguments(folder: Path, conformance: Path, *more: str) -> list[str]:
    """Return the arguments of a pytest that runs tier II's inference."""
    return [
        str(conformance / "test_inference.py"),
        *("--rootdir", str(folder), "-p", "doubles.fastdeploy.lab", "-p", "no:cacheprovider"),
        *("--device=cpu", f"--edition={folder / 'edition.toml'}", f"--site={folder / 'site.toml'}"),
        *("-m", "tier2", f"--junitxml={folder / 'junit.xml'}"),
        *more,
    ]


def verdicts(folder: Path) -> dict[str, tuple[str, str]]:
    """Return word and message by criterion, as a vendor's CI reads them."""
    found = {}
    for case in ElementTree.parse(folder / "junit.xml").iter("testcase"):
        properties = {p.get("name"): str(p.get("value")) for p in case.iter("property")}
        judgement = json.loads(properties["ernie"])["verdict"]
        found[properties["criterion"]] = (judgement["word"], judgement["message"])
    return found


def ports_in(evidence: Path) -> set[int]:
    """Return the ports that the servers of a run were given."""
    text = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in evidence.glob("scratch/server-*/**/*.log")
        if not path.is_symlink()
    )
    apis = re.findall(r"'port': (\d+)", text)
    return {int(number) for number in [*apis, *re.findall(r"Using `\w+`: \[(\d+)\]", text)]}


class Impatient(FastDeploy):
    """The suite's own FastDeploy, which gives up after seconds instead of quarters of an hour."""

    name = ENGINE

    def __init__(self) -> None:
        super().__init__(start_timeout_s=20)
        self._how = msgspec.structs.replace(
            self._how, quiet_s=3, worker_gone_s=2, port_conflict_s=2
        )


def pytest_ernie_register(registry: Registry) -> None:
    registry.engine(ENGINE, Impatient)


def pytest_configure(config: pytest.Config) -> None:
    impatient = _impatient()
    impatient.__enter__()
    config.add_cleanup(lambda: impatient.__exit__(None, None, None))


@contextmanager
def _impatient() -> Iterator[None]:
    from pytest_ernie.accuracy.ask import ask

    # Named by their modules: pytest within pytest forgets modules, not their packages' attributes.
    from pytest_ernie.engines.asking.context import probe
    from pytest_ernie.load.client import run_load

    calibration = import_module("pytest_ernie.load.calibration")

    with pytest.MonkeyPatch.context() as patch:
        for function, name in (
            (ask, "timeout_s"),
            (probe, "timeout_s"),
            (run_load, "silence_timeout_s"),
        ):
            patch.setitem(function.__kwdefaults__, name, PATIENCE_S)
        patch.setattr(ready, "STILL_ANSWERS_TIMEOUT_S", PATIENCE_S)
        patch.setattr(ready.first_answer, "__defaults__", (2 * PATIENCE_S,))
        patch.setattr(ready.listed_models, "__defaults__", (PATIENCE_S,))
        patch.setattr(started, "ENDING_S", PATIENCE_S)
        patch.setattr(started.StartedServer.stop, "__defaults__", (2 * PATIENCE_S,))
        patch.setattr(calibration, "calibrate", _calibrated)
        yield


def _calibrated(concurrency: int, *, processes: int = 1, **_: object) -> object:
    from pytest_ernie.load.calibration import Calibration

    return Calibration(
        concurrency=concurrency,
        processes=processes,
        roofline_events_per_s=100_000.0,
        cpu_s_per_event=1e-5,
        ttft_error_mean_s=0.0,
        ttft_error_p99_s=0.0,
        tpot_error_share=0.0,
        lateness_mean_s=0.0,
        in_flight_share=1.0,
    )
