"""
The two sides of ``-n``: the controller shares out the work by what each worker says of its items.

Only a worker collects, so it alone knows which criterion an item shows, and whether the chosen ones can
be tried at all. It writes that into a file that the controller names, before it reports its collection.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.clauses import criterion_of
from pytest_ernie.outcomes import Judgement, properties_of
from pytest_ernie.scheduling import GroupScheduling
from pytest_ernie.standard import Criterion, Edition
from pytest_ernie.standard.starts import start_of
from pytest_ernie.verdicts import inconclusive

SIDE_NAME = "ernie-workers"
INPUT = "ernie_items"
"""Name under which xdist hands the file's path to a worker."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What the controller must know of an item that shows a criterion."""

    criterion: Criterion
    start: str
    """What it shares with the other items of its group."""


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of its collection."""

    items: dict[str, Item]
    refusal: str | None = None
    """Why nothing can be measured, in the words of pytest.UsageError."""


class Controller:
    """Hooks of the process that shares out the work; registered under ``-n`` only."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = Path(tempfile.mkdtemp(prefix="pytest-ernie-"))
        self._count = 0

    def pytest_xdist_setupnodes(self, specs: Sequence[object]) -> None:
        self._count = len(specs)

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[INPUT] = str(self._folder / "items.json")

    def pytest_xdist_make_scheduler(self) -> GroupScheduling:
        return GroupScheduling(self._count, self._group_of)

    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Word the end of a criterion at which its worker died."""
        item = self._items.get(crashitem)
        if item is None:
            return
        verdict = inconclusive(
            "the worker that measured it died; what it had kept stays in the evidence, and the next "
            "run goes on from there"
        )
        judgement = Judgement(criterion=item.criterion, verdict=verdict, node=crashitem)
        report.user_properties.extend(properties_of(judgement))
        _into_junit(self._config, report)
        report.longrepr = f"{report.longrepr}\n{item.criterion.name}: {verdict.message}"

    def pytest_unconfigure(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _group_of(self, node_id: str) -> str:
        item = self._items.get(node_id)
        return item.start if item else node_id

    @cached_property
    def _items(self) -> dict[str, Item]:
        """What the workers wrote; pytest.UsageError if they refuse, or it can't be seen from here."""
        path = self._folder / "items.json"
        try:
            collected = msgspec.json.decode(path.read_bytes(), type=Collected)
        except OSError as problem:
            raise pytest.UsageError(
                f"{path}: the workers' list of criteria isn't there ({problem.strerror}). Workers "
                "must run on this machine: they share its devices and one evidence folder"
            ) from None
        if collected.refusal is not None:
            raise pytest.UsageError(collected.refusal)
        return collected.items


class Worker:
    """Hooks of a process that collects and runs items for a controller."""

    def __init__(
        self,
        path: Path,
        edition: Callable[[], Edition],
        check_ready: Callable[[tuple[Criterion, ...]], None],
    ) -> None:
        self._path = path
        self._edition = edition
        self._check_ready = check_ready

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Come before xdist tells the controller that the collection is complete."""
        shown = [
            (item.nodeid, c) for item in session.items if (c := criterion_of(item)) is not None
        ]
        refusal = None
        try:
            self._check_ready(tuple(criterion for _, criterion in shown))
        except pytest.UsageError as problem:  # raised here it would only end this worker
            refusal = str(problem)
        items = {
            node: Item(criterion=criterion, start=start_of(self._edition(), criterion).title)
            for node, criterion in shown
        }
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        part.write_bytes(msgspec.json.encode(Collected(items=items, refusal=refusal)))
        part.replace(self._path)


def side_of(
    config: pytest.Config,
    edition: Callable[[], Edition],
    check_ready: Callable[[tuple[Criterion, ...]], None],
) -> Controller | Worker | None:
    """
    Return this process's side, or None where no work is shared out.

    ``check_ready`` raises pytest.UsageError if criteria can't even be tried.
    pytest.UsageError for ``--dist=each``, which would measure everything once for each worker.
    """
    told = getattr(config, "workerinput", None)
    if told is not None:
        return Worker(Path(told[INPUT]), edition, check_ready) if INPUT in told else None
    mode = getattr(config.option, "dist", "no")
    if mode == "no":
        return None
    if mode == "each":
        raise pytest.UsageError(
            "--dist=each would measure everything once for each worker. Leave it out: -n shares the "
            "criteria out by server and training run"
        )
    return Controller(config)


def _into_junit(config: pytest.Config, report: pytest.TestReport) -> None:
    """
    Put the judgement into junit.xml, too: it takes properties from a teardown only, and a dead worker
    reports none.
    """
    from _pytest.junitxml import xml_key

    xml = config.stash.get(xml_key, None)
    if xml is not None:
        reporter = xml.node_reporter(report)
        for name, value in report.user_properties:
            reporter.add_property(name, str(value))
