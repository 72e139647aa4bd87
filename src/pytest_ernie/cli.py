"""
The command ``pytest-ernie``: what needs no pytest run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_ernie import __version__
from pytest_ernie.errors import ErnieError
from pytest_ernie.standard import criteria, edition_digest, editions, load

READER_LEFT = 141
"""Exit code where nobody read to the end: the shell's for SIGPIPE, and no answer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; 0 if all is well, 1 if something was found wanting, 2 for a wrong call."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        result: int = options.run(options)
        sys.stdout.flush()
    except ErnieError as error:
        print(f"pytest-ernie: {error}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    except BrokenPipeError:  # whoever read along (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_LEFT
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-ernie", description="Beside pytest: look at the standard, prepare, check."
    )
    parser.add_argument("--version", action="version", version=f"pytest-ernie {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    show = commands.add_parser("show", help="show editions, criteria or recorded evidence")
    things = show.add_subparsers(required=True, metavar="THING")
    things.add_parser("editions", help="the shipped editions").set_defaults(run=_show_editions)
    listed = things.add_parser("criteria", help="every criterion of an edition")
    listed.add_argument("--edition", default="ernie-4.5")
    listed.set_defaults(run=_show_criteria)
    evidence = things.add_parser("evidence", help="what an evidence folder holds")
    evidence.add_argument("folder", type=Path)
    evidence.set_defaults(run=_show_evidence)
    from pytest_ernie.launch_command import add_parser as add_launch

    add_launch(things)

    from pytest_ernie.audit.command import add_parser as add_audit
    from pytest_ernie.bundles.commands import add_parsers as add_bundles
    from pytest_ernie.certificate_command import add_parser as add_certificate
    from pytest_ernie.load.command import add_parser
    from pytest_ernie.merge_command import add_parser as add_merge
    from pytest_ernie.planned import add_parser as add_plan
    from pytest_ernie.slurm.command import add_parser as add_submit

    add_parser(commands)
    add_plan(commands)
    add_merge(commands)
    add_submit(commands)
    add_audit(commands)
    add_bundles(commands)
    add_certificate(commands)
    doctor = commands.add_parser(
        "doctor", help="check the host and print the mend for each finding"
    )
    doctor.add_argument("--device", metavar="KIND", help="also what this chip's documents require")
    doctor.add_argument("--site", metavar="FILE", type=Path, help="also what this lab has")
    doctor.add_argument("--data", metavar="FOLDER", type=Path, help="where accuracy data sets lie")
    doctor.set_defaults(run=_doctor)

    prepare = commands.add_parser(
        "provision", help="make the CPU toolchains now, for example before the network is gone"
    )
    prepare.add_argument(
        "names",
        nargs="*",
        default=["trainer-cpu", "server-cpu"],
        help="trainer-cpu, server-cpu (vLLM), transformers-cpu, trainer-torch-cpu, evaluator (scores "
        "accuracy data sets); the first two if none is named",
    )
    prepare.set_defaults(run=_provision)
    return parser


def _say(text: str) -> None:
    print(text)  # noqa: T201 (a command's output)


def _show_editions(_: argparse.Namespace) -> int:
    for name in editions():
        edition = load(name)
        count = len(criteria(edition))
        kind = "certifies" if edition.certifies else "rehearses"
        _say(
            f"{name:12} {count:4} criteria  {kind}  {edition_digest(edition)[:12]}  {edition.title}"
        )
    return 0


def _show_criteria(options: argparse.Namespace) -> int:
    for criterion in criteria(load(options.edition)):
        tiers = ", ".join("I" * tier for tier in criterion.tiers)
        _say(f"{criterion.name:72} tiers {tiers}")
    return 0


def _show_evidence(options: argparse.Namespace) -> int:
    import msgspec

    from pytest_ernie.evidence import Store, What

    problems = []
    for chain in Store.existing(options.folder).chains:
        for begin in chain.of_type.get("begin", ()):
            ends = (e for e in chain.of_id[begin.id] if e.type in ("result", "failure"))
            end = next(ends, None)
            state = end.type if end else "interrupted"
            _say(f"{state:12} {msgspec.convert(begin.body['spec'], What).title}")
        problems += [*chain.gaps, *(f"entry {n}: {why}" for n, why in chain.altered.items())]
    for problem in problems:
        _say(f"ALTERED      {problem}")
    return 1 if problems else 0


def _doctor(options: argparse.Namespace) -> int:
    from pytest_ernie.preflight import Lab, checks_for
    from pytest_ernie.registry import Registry
    from pytest_ernie.site import read_site

    device = Registry().find_device(options.device) if options.device else None
    site = read_site(options.site) if options.site else None
    findings = []
    for check in checks_for(Lab(device, site, options.data)):
        findings.append(check.run())
        _say(f"{findings[-1].word:8} {findings[-1]}")
    return 0 if all(finding.passes for finding in findings) else 1


def _provision(options: argparse.Namespace) -> int:
    from pytest_ernie.toolchains import provision

    for name in options.names:
        toolchain = provision(name, progress=_printed)
        _say(f"{name}: {toolchain.python}")
    return 0


def _printed(stage: str, *, done: float = 0, total: float | None = None, detail: str = "") -> None:
    if detail:
        _say(f"{stage}: {detail}")


if __name__ == "__main__":
    raise SystemExit(main())
