"""
``pytest-ernie audit``: measure some criteria of a bundle again, by lot.
"""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_ernie.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_ernie.audit.plausible import Finding
    from pytest_ernie.registry import Registry
    from pytest_ernie.settings import Settings

FOLDER = "ernie-audit"
EXIT_CODES = {"plausible": 0, "implausible": 1, "not measured": 2}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand ``audit``."""
    parser = commands.add_parser(
        "audit",
        help="measure criteria again, by lot, and say whether the recorded figures are plausible",
    )
    parser.add_argument("bundle", type=Path, help="or evidence folder")
    parser.add_argument("--device", required=True, help="as pytest's --device")
    for name in ("site", "edition", "models", "endpoint"):
        parser.add_argument(f"--{name}", help=f"as pytest's --{name}")
    parser.add_argument("-m", dest="markers", metavar="EXPRESSION", default="training or inference")
    parser.add_argument("--count", type=int, default=3, help="how many criteria (default: 3)")
    parser.add_argument("--seed", type=int, help="of the lot; drawn and printed if none is given")
    parser.add_argument(
        "--evidence", default=FOLDER, help=f"where the audit measures into (default: {FOLDER})"
    )
    parser.add_argument("--json", action="store_true", help="say it as JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Return 0 if all old figures are plausible, 1 if one isn't, 2 if one couldn't be measured."""
    from pytest_ernie.registry import Registry

    return audit(options, Registry())


def audit(options: argparse.Namespace, registry: Registry) -> int:
    """Draw, measure, compare and tell; ``registry`` knows devices, engines and trainers."""
    from pytest_ernie.audit.measuring import audited, drawn, other_state, recorded
    from pytest_ernie.evidence import Store
    from pytest_ernie.evidence.writing import check_writable
    from pytest_ernie.measurements import candidate_of
    from pytest_ernie.planned import chosen_by
    from pytest_ernie.standard import criteria

    store = Store.existing(options.bundle)
    settings = _settings(options)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    chosen = [c for c in criteria(settings.edition) if chosen_by(options.markers, c)]
    there = recorded(settings.edition, store, chosen)
    if not there or options.count < 1:
        raise UsageProblem(
            "there is nothing to audit", where=options.bundle, got=f"{len(there)} criteria measured"
        )
    check_writable(settings.evidence)
    lot = drawn(there, options.count, seed)
    if not options.json:
        print(f"seed {seed}: {len(lot)} of {len(there)} measured criteria")  # noqa: T201 (a command's output)
    old = candidate_of(
        msgspec.structs.replace(settings, evidence=options.bundle, offline=True), registry
    )
    new = candidate_of(settings, registry)
    findings: dict[str, Finding] = {}
    try:
        for criterion in lot:
            findings[criterion.name] = audited(criterion, old, new, settings.edition)
            if not options.json:
                _tell(criterion.name, findings[criterion.name])
        notes = other_state(old, new)
    finally:
        new.close()
    if options.json:
        told = {"seed": seed, "findings": msgspec.to_builtins(findings), "notes": notes}
        print(json.dumps(told, indent=2))  # noqa: T201 (a command's output)
    else:
        for note in notes:
            print(f"note: {note}")  # noqa: T201 (a command's output)
    words = {finding.word for finding in findings.values()}
    return next(
        EXIT_CODES[word] for word in ("implausible", "not measured", "plausible") if word in words
    )


def _tell(name: str, finding: Finding) -> None:
    from pytest_ernie.report.text import line

    print(f"{finding.word.upper():13} {name}")  # noqa: T201 (a command's output)
    print(line(f"{'':13} then {finding.old}, now {finding.new}: {finding.message}"))  # noqa: T201 (a command's output)


def _settings(options: argparse.Namespace) -> Settings:
    """Return settings that measure; the challenge of old evidence isn't the audit's."""
    from pytest_ernie.settings import read_settings

    names = ("device", "site", "edition", "models", "endpoint", "evidence")
    settings = read_settings({name: getattr(options, name) for name in names}, Path.cwd())
    if settings.evidence.resolve() == options.bundle.resolve():
        raise UsageProblem(
            "an audit measures into a folder of its own", where="--evidence", got=settings.evidence
        )
    if settings.evidence.exists() and any(settings.evidence.iterdir()):
        raise UsageProblem(
            "this folder holds an earlier audit, whose measurements would be found again",
            where=settings.evidence,
            fix="Name another one with --evidence",
        )
    return msgspec.structs.replace(settings, reference=None)
