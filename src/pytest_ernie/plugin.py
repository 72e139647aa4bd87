"""
Hooks: options, markers, one test item for each criterion, order, and the words of verdicts.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.clauses import MARK, MARKERS, criterion_of, marks_of
from pytest_ernie.options import add_options, refuse_clash
from pytest_ernie.session import PLUGIN_NAME, ErnieSession, get_session
from pytest_ernie.standard import Criterion, criteria
from pytest_ernie.standard.starts import place
from pytest_ernie.workers import SIDE_NAME, side_of

pytest_plugins = ["pytest_ernie.fixtures"]

_taken: tuple[str, ...] = ()


@pytest.hookimpl(trylast=True)
def pytest_addoption(parser: pytest.Parser) -> None:
    """Come last, so that another plugin's option of the same name is seen instead of broken."""
    global _taken
    _taken = add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None, None, None]:
    """Say in one line that a conftest's option has the name of ours, where argparse would show a stack."""
    try:
        yield
    except argparse.ArgumentError as error:
        refuse_clash(parser, _taken, str(error))
        raise
    refuse_clash(parser, _taken)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from pytest_ernie import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Come before pytest-html, which reads its settings when it is configured."""
    for name, help in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {help}")
    config.addinivalue_line("markers", f"{MARK}(id): binds a test to a clause of the standard")
    session = ErnieSession(config, taken_options=_taken)
    config.pluginmanager.register(session, PLUGIN_NAME)
    _make_html_self_contained(config)
    if session.asked:
        side = side_of(config, lambda: session.settings.edition, session.check_chosen)
        if side is not None:
            config.pluginmanager.register(side, SIDE_NAME)
        if not hasattr(config, "workerinput"):  # under -n the controller sees every verdict
            from pytest_ernie.bundles.runs import RunKeeper

            config.pluginmanager.register(RunKeeper(session), "ernie-runs")


def _make_html_self_contained(config: pytest.Config) -> None:
    """A report that is handed in must be one file; plain --html writes an assets folder."""
    if getattr(config.option, "htmlpath", None):
        config.option.self_contained_html = True
        if config.pluginmanager.hasplugin("html"):
            from pytest_ernie.report.html import HtmlReport

            config.pluginmanager.register(HtmlReport(get_session(config)), "ernie-html")


def pytest_sessionstart(session: pytest.Session) -> None:
    ernie = get_session(session.config)
    if ernie.asked:
        ernie.watch()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Multiply a clause's test by the criteria that the edition has for it."""
    if metafunc.definition.get_closest_marker("preflight") and "check" in metafunc.fixturenames:
        _generate_preflight(metafunc)
    mark = metafunc.definition.get_closest_marker(MARK)
    if mark is None:
        return
    if len(mark.args) != 1 or mark.kwargs:
        raise pytest.UsageError(f'{metafunc.definition.nodeid}: write @clause("training.loss")')
    edition = get_session(metafunc.config).settings.edition
    known = [clause.id for clause in edition.clauses if not clause.unspecified]
    if mark.args[0] not in known:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid}: the edition has no clause {mark.args[0]!r}; "
            f"it has {', '.join(known)}"
        )
    metafunc.parametrize(
        "criterion",
        [
            pytest.param(criterion, id=criterion.id, marks=marks_of(criterion))
            for criterion in criteria(edition)
            if criterion.clause == mark.args[0]
        ],
    )


def _generate_preflight(metafunc: pytest.Metafunc) -> None:
    """Multiply preflight's test by what the chosen device and site ask of a host."""
    from pytest_ernie.preflight import Lab, checks_for

    session = get_session(metafunc.config)
    settings = session.settings
    kind = settings.device_kind
    device = session.registry.find_device(kind) if kind else None
    checks = checks_for(Lab(device, settings.site, edition=settings.edition))
    metafunc.parametrize("check", checks, ids=[check.name.replace(" ", "_") for check in checks])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Training before serving, and together what shares a server or a run, so that each starts once."""
    shown = [(criterion, item) for item in items if (criterion := criterion_of(item)) is not None]
    if shown:
        session = get_session(config)
        edition = session.settings.edition
        shown = _in_shard(session, shown)
        shown.sort(key=lambda pair: place(edition, pair[0]))
        others = [item for item in items if criterion_of(item) is None]
        items[:] = [*others, *(item for _, item in shown)]


def _in_shard(
    session: ErnieSession, shown: list[tuple[Criterion, pytest.Item]]
) -> list[tuple[Criterion, pytest.Item]]:
    """Deselect what other shards show; what -m and -k chose is what is split."""
    own = session.names_in_shard(tuple(criterion for criterion, _ in shown))
    if own is None:
        return shown
    others = [item for criterion, item in shown if criterion.name not in own]
    session.config.hook.pytest_deselected(items=others)
    return [(criterion, item) for criterion, item in shown if criterion.name in own]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop before anything is measured if something is missing that no measurement can mend."""
    if not session.config.pluginmanager.hasplugin(SIDE_NAME):  # a worker tells its controller
        chosen = [c for c in (criterion_of(item) for item in session.items) if c]
        get_session(session.config).check_chosen(tuple(chosen))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Turn whatever ends a criterion's test into a verdict."""
    criterion = criterion_of(pyfuncitem)
    if criterion is None:
        return (yield)
    session = get_session(pyfuncitem.config)
    with session.outcomes.deciding(pyfuncitem, criterion):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    criterion = criterion_of(item)
    if criterion is not None:
        get_session(item.config).outcomes.describe(item, criterion, report, call)
    return report


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Say the verdict's own word where pytest would say passed or failed."""
    from pytest_ernie.outcomes import status_of

    return status_of(report)


def pytest_report_header(config: pytest.Config, start_path: Path) -> list[str]:
    return get_session(config).header()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from pytest_ernie.report.terminal import write_summary

    write_summary(terminalreporter, get_session(terminalreporter.config))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    get_session(session.config).close()
