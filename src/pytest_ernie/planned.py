"""
``pytest-ernie plan``: what a run would start, in which order, and about how long that takes.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from pytest_ernie.clauses import MARKERS, marks_of
from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence import Store, What
from pytest_ernie.questions import Question, hours_in_words, seconds_of
from pytest_ernie.settings import CANDIDATE_FOLDER, Settings, read_settings
from pytest_ernie.standard import Criterion, Edition, criteria
from pytest_ernie.standard.starts import Start, in_order


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand ``plan``."""
    plan = commands.add_parser("plan", help="what a run would start, in order, and for how long")
    plan.add_argument("-m", dest="markers", metavar="EXPRESSION", default="training or inference")
    for name in ("device", "site", "edition", "models", "evidence"):
        plan.add_argument(f"--{name}", help=f"as pytest's --{name}")
    plan.add_argument(
        "--card-tflops",
        type=float,
        metavar="T",
        help="estimate what isn't recorded: 1e12 "
        "operations that a card really does each second while it trains",
    )
    plan.add_argument(
        "--streams",
        type=int,
        metavar="N",
        default=64,
        help="for that estimate: requests in flight that the machine holds within the limits (64)",
    )
    plan.add_argument("--shards", type=int, metavar="N", help="split it into N independent runs")
    plan.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the shards, split by known hours"
    )
    plan.add_argument("--json", action="store_true", help="print the plan as JSON")
    plan.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    names = ("device", "site", "edition", "models")
    settings = read_settings({name: getattr(options, name) for name in names}, Path.cwd())
    edition = settings.edition
    chosen = [c for c in criteria(edition) if chosen_by(options.markers, c)]
    folder = Path.cwd() / (options.evidence or CANDIDATE_FOLDER)
    known = known_durations(edition, options.evidence)
    rough = _rough(settings, chosen, options)
    if options.shards is None:
        if options.output is not None:
            raise UsageProblem("--output writes shards, and none were asked for: --shards N")
        said = iter([starts_as_json(edition, chosen, rough | known)]) if options.json else None
        source = folder if known else None
        for line in said or lines(edition, chosen, known, source=source, rough=rough):
            print(line)  # noqa: T201 (a command's output)
        return 0
    from pytest_ernie.shard_plans import as_json, lines_of, plan_shards, write_plan

    plan = plan_shards(settings, chosen, rough | known, options)
    if options.output is not None:
        write_plan(plan, options.output)
    for line in [as_json(plan)] if options.json else lines_of(plan):
        print(line)  # noqa: T201 (a command's output)
    return 0


def _rough(
    settings: Settings, chosen: list[Criterion], options: argparse.Namespace
) -> dict[Question, float]:
    if options.card_tflops is None:
        return {}
    for name in ("card_tflops", "streams"):
        if not getattr(options, name) > 0:
            raise UsageProblem(
                "an estimate needs a number above zero",
                where=f"--{name.replace('_', '-')}",
                got=getattr(options, name),
            )
    from pytest_ernie.rough_hours import Assumed, rough_hours
    from pytest_ernie.site import Site

    site = settings.site or Site()
    assumed = Assumed(
        device=settings.device_kind or "gpu",
        cards=len(site.cards),
        card_tflops=options.card_tflops,
        streams=options.streams,
    )
    return rough_hours(settings.edition, chosen, assumed)


def starts_as_json(edition: Edition, chosen: list[Criterion], known: dict[Question, float]) -> str:
    """Return every start with its criteria and the seconds that are known of it, as JSON."""
    import json

    return json.dumps(
        [
            {
                "start": start.title,
                "seconds": seconds_of(served, known),
                "criteria": [criterion.name for criterion in served],
            }
            for start, served in in_order(edition, chosen)
        ],
        indent=2,
    )


def chosen_by(expression: str, criterion: Criterion) -> bool:
    """
    Tell whether ``-m`` with that expression takes the criterion: markers, and, or, not, parentheses.

    UsageProblem for anything else, a marker that doesn't exist included.
    """
    names = {mark.name for mark in marks_of(criterion)}

    def holds(node: ast.expr) -> bool:
        if isinstance(node, ast.BoolOp):
            values = [holds(value) for value in node.values]
            return all(values) if isinstance(node.op, ast.And) else any(values)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not holds(node.operand)
        if isinstance(node, ast.Name) and node.id in MARKERS:
            return node.id in names
        raise _no_expression(expression)

    try:
        return holds(ast.parse(expression.strip(), mode="eval").body)
    except SyntaxError:
        raise _no_expression(expression) from None


def _no_expression(expression: str) -> UsageProblem:
    return UsageProblem(
        "this chooses nothing",
        where="-m",
        got=expression,
        wanted=f"and, or, not between {', '.join(MARKERS)}",
    )


def known_durations(edition: Edition, evidence: str | None) -> dict[Question, float]:
    """Return what earlier evidence tells; nothing if there is none in that place, or the usual one."""
    folder = Path.cwd() / (evidence or CANDIDATE_FOLDER)
    return durations_s(Store.existing(folder), edition) if folder.exists() else {}


def durations_s(store: Store, edition: Edition) -> dict[Question, float]:
    """
    Return how long each question took to answer, as far as it was answered completely.

    Of a measurement that was cut short and continued every attempt counts, each from its first entry
    to its last; of one that was made again, the last. A search is answered once the whole
    workload was run; then its trials count, too, and a reference's further runs don't.
    """
    spent: dict[What, float] = {}
    complete: set[Question] = set()
    begun = [(chain, begin) for chain in store.chains for begin in chain.of_type.get("begin", ())]
    for chain, begin in begun:
        what = msgspec.convert(begin.body["spec"], What)
        if what.edition != edition.name or (what.repeat or 1) > 1:
            continue
        entries = chain.of_id[begin.id]
        took_s = entries[-1].time_unix_s - begin.time_unix_s
        continued = bool(begin.body.get("continues"))
        spent[what] = took_s + (spent.get(what, 0.0) if continued else 0.0)
        if what.trial is None and any(entry.type == "result" for entry in entries):
            complete.add(Question.answered_by(what))
    total: dict[Question, float] = {}
    for what, took_s in spent.items():
        question = Question.answered_by(what)
        if question in complete:
            total[question] = total.get(question, 0.0) + took_s
    return total


def measured_questions(store: Store, edition: Edition) -> set[Question]:
    """Return the questions to which the evidence has a whole answer, and no attempt that is still open."""
    begun: dict[Question, set[What]] = {}
    ended: dict[Question, set[What]] = {}
    for chain in store.chains:
        for begin in chain.of_type.get("begin", ()):
            what = msgspec.convert(begin.body["spec"], What)
            question = Question.answered_by(what)
            begun.setdefault(question, set()).add(what)
            if any(entry.type == "result" for entry in chain.of_id[begin.id]):
                ended.setdefault(question, set()).add(what)
    whole = durations_s(store, edition)
    return {question for question in whole if begun[question] == ended.get(question)}


def lines(
    edition: Edition,
    chosen: list[Criterion],
    known: dict[Question, float],
    *,
    source: Path | None,
    rough: Mapping[Question, float] = MappingProxyType({}),
) -> Iterator[str]:
    """Yield the plan, a line for each start, and what it comes to; ``rough`` estimates stand behind a ~."""
    planned = in_order(edition, chosen)
    width = len(str(len(planned)))
    questions: set[Question] = set()
    for number, (start, served) in enumerate(planned, 1):
        asked = {Question.of(criterion) for criterion in served}
        questions |= asked
        took = _words(asked, known, rough)
        yield f"{number:{width}}  {start.title:<58} {took:>12}  {_clauses(served)}"
    if planned:
        yield ""
    yield _counted(chosen, [start for start, _ in planned])
    yield from _estimated(questions, known, source)
    guessed = [rough[question] for question in questions - known.keys() if question in rough]
    if guessed:
        yield (
            f"of these about {hours_in_words(sum(guessed))} for {len(guessed)} by arithmetic (~), "
            "which may be off by half or double: docs/performance.md"
        )


def _counted(chosen: list[Criterion], starts: list[Start]) -> str:
    servers = sum(start.phase == "serving" for start in starts)
    runs = len(starts) - servers
    return (
        f"{len(chosen)} criteria; servers to start: {servers}, training runs: {runs}. That is one "
        "for each configuration, the fewest there can be"
    )


def _estimated(
    questions: set[Question], known: dict[Question, float], source: Path | None
) -> Iterator[str]:
    answered = [known[question] for question in questions if question in known]
    missing = len(questions) - len(answered)
    if answered:
        yield (
            f"about {hours_in_words(sum(answered))}, one after the other, for {len(answered)} of "
            f"{len(questions)} measurements: what they took in {source}"
        )
    if missing:
        yield f"for {missing} of {len(questions)} measurements nothing tells how long they take"


def _words(
    asked: set[Question], known: Mapping[Question, float], rough: Mapping[Question, float]
) -> str:
    found = [known[question] for question in asked if question in known]
    guessed = [rough[question] for question in asked - known.keys() if question in rough]
    if not found and not guessed:
        return "not known"
    whole = len(found) + len(guessed) == len(asked)
    sign = ("" if whole else "> ") + ("~" if guessed else "")
    return f"{sign}{hours_in_words(sum(found) + sum(guessed))}"


def _clauses(served: tuple[Criterion, ...]) -> str:
    names = [criterion.clause.split(".")[1] for criterion in served]
    return ", ".join(
        name if names.count(name) == 1 else f"{name} x{names.count(name)}"
        for name in dict.fromkeys(names)
    )
