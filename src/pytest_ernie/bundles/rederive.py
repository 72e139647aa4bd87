"""
Every verdict formed anew by the same conformance tests, offline, in a process of its own.

The process sees no configuration, plugin or variable of whoever calls it but Python's own, works in an empty
folder, and gets the evidence as data only: no conftest, no ini file and no module of a bundle can be found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

import pytest_ernie
from pytest_ernie.errors import BundleUnusable
from pytest_ernie.outcomes import Judgement, judgement_of

PASSED_ON = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
TIMEOUT_S = 600.0
MOST_MEMORY = 2 * 2**30
"""Bytes of a process that verifies or judges: hostile input ends there at the latest."""
WANTING = (0, 1)
"""Exit codes of a pytest run that came to its end: all pass, or some don't."""


class Question(Struct, frozen=True, kw_only=True):
    """Whose evidence is judged, against what, by which edition; ``criteria`` None: all of them."""

    evidence: str
    reference: str | None
    edition: str
    criteria: tuple[str, ...] | None = None
    as_reference: bool = False
    """Nothing is compared: is all of it recorded that a reference needs?"""


def rederive(question: Question, timeout_s: float = TIMEOUT_S) -> dict[str, Judgement]:
    """
    Return each criterion's verdict by its name.

    BundleUnusable if the run doesn't come to its end.
    """
    with tempfile.TemporaryDirectory(prefix="pytest-ernie-verify-") as folder:
        work = Path(folder)
        (work / "question.json").write_bytes(msgspec.json.encode(question))
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest_ernie.bundles.rederive", folder]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**kept, **one_thread, **own, "PYTHONSAFEPATH": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BundleUnusable(
                f"judging took longer than {timeout_s:.0f} s", where=question.evidence
            ) from None
        answer = work / "answer.json"
        if done.returncode not in WANTING or not answer.is_file():
            told = (done.stderr + done.stdout).decode(errors="replace").strip()[-600:]
            raise BundleUnusable(
                f"judging broke off with exit code {done.returncode} ({told!a})",
                where=question.evidence,
            )
        judged = msgspec.json.decode(answer.read_bytes(), type=tuple[Judgement, ...])
    return {judgement.criterion.name: judgement for judgement in judged}


def conformance_folder() -> Path:
    """Return where the conformance tests are: in the installed package, or in its checkout."""
    spec = find_spec("pytest_ernie.conformance")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(pytest_ernie.__file__).parents[2] / "conformance"


def limit_memory() -> int:
    """Let this process take no more than ``MOST_MEMORY``; return the limit that it had."""
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    return before


class _Collector:
    """Keeps the chosen criteria and their judgements."""

    def __init__(self, criteria: tuple[str, ...] | None) -> None:
        self._wanted = None if criteria is None else set(criteria)
        self.judged: dict[str, Judgement] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """What is derived here is nobody's claim, and isn't written into the evidence."""
        session.config.pluginmanager.unregister(name="ernie-runs")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        from pytest_ernie.clauses import criterion_of

        shown = [(item, criterion_of(item)) for item in items]
        items[:] = [
            item
            for item, criterion in shown
            if criterion and (self._wanted is None or criterion.name in self._wanted)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        judgement = judgement_of(report)
        if judgement is not None:
            self.judged[judgement.criterion.name] = judgement


def main(folder: Path) -> int:
    """Judge as the question in ``folder`` asks, and leave the answer there."""
    limit_memory()
    question = msgspec.json.decode((folder / "question.json").read_bytes(), type=Question)
    (folder / "pytest.ini").write_text("[pytest]\n")
    tests = conformance_folder()
    arguments: list[Any] = [
        str(tests),
        "-c",
        str(folder / "pytest.ini"),
        "--rootdir",
        str(folder),
        "--confcutdir",
        str(tests),
        "-p",
        "pytest_ernie.plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "--ernie-offline",
        "--ernie-evidence",
        question.evidence,
        "--ernie-edition",
        question.edition,
    ]
    if question.as_reference:
        arguments.append("--ernie-record-reference")
    if question.reference is not None:
        arguments += ["--ernie-reference", question.reference]
    collector = _Collector(question.criteria)
    code = pytest.main(arguments, plugins=[collector])
    answer = msgspec.json.encode(tuple(collector.judged.values()))
    (folder / "answer.json").write_bytes(answer)
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
