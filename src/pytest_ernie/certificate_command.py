"""
``pytest-ernie certificate``: verify a bundle, and print a page for one model and tier of it.

Exit code 0 for a certificate, 1 for a self-assessment, 2 if the bundle is unusable.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ernie.errors import ErnieError, UsageProblem
from pytest_ernie.report.text import line

if TYPE_CHECKING:
    from pytest_ernie.report.certificate import Case

SCOPES = ("both", "training", "inference")


def add_parser(commands: Any) -> None:
    """Add ``certificate``."""
    parser = commands.add_parser(
        "certificate", help="a printed page for one model and tier of a bundle"
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--reference", type=Path, metavar="REF", help="the reference's bundle")
    parser.add_argument("--model", required=True)
    parser.add_argument("--tier", type=int, choices=(1, 2, 3), required=True)
    parser.add_argument("--scope", choices=SCOPES, default="both")
    parser.add_argument("--edition", help="name, or the certifying body's file with its keys")
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("-o", "--output", type=Path, default=Path("certificate.html"))
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pytest_ernie.report.certificate import lacking, page

    try:
        case = case_of(
            options.bundle,
            options.reference,
            options.model,
            options.tier,
            options.scope,
            options.edition,
        )
    except ErnieError as error:
        print(f"UNUSABLE: {line(str(error))}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    options.output.write_text(page(case, options.lang), encoding="utf-8")
    reasons = lacking(case)
    for reason in reasons:
        print(f"missing: {line(reason)}")  # noqa: T201 (a command's output)
    kind = "self-assessment" if reasons else "certificate"
    print(f"{kind} written to {options.output}")  # noqa: T201 (a command's output)
    return 1 if reasons else 0


def case_of(
    bundle: Path,
    reference: Path | None,
    model: str,
    tier: int,
    scope: str = "both",
    edition_name: str | None = None,
) -> Case:
    """Verify a bundle and its reference, and gather what a certificate would rest on."""
    from pytest_ernie import __version__
    from pytest_ernie.bundles.signing import signed, trusted_keys
    from pytest_ernie.bundles.verify import Asked, verify
    from pytest_ernie.evidence import Store
    from pytest_ernie.evidence.bundle import is_bundle, open_bundle
    from pytest_ernie.report.certificate import Case
    from pytest_ernie.standard import edition_digest, editions, load

    found = verify(bundle, Asked(reference=reference, edition=edition_name, every=True))
    edition = load(edition_name or found.edition)
    known = [each.name for each in edition.models]
    if model not in known:
        raise UsageProblem("no such model", where="--model", got=model, wanted=", ".join(known))
    # A key that the caller names vouches for nobody: only those of the edition's own list count.
    keys = trusted_keys(edition)
    opened, store = open_bundle(bundle), Store.existing(bundle)
    other = None
    if reference is not None and is_bundle(reference):
        other = open_bundle(reference)
    problems = [str(finding) for finding in (*found.findings, *found.reference_findings)]
    problems += [found.signed.words] if found.signed.problem else []
    problems += [
        f"{d.criterion}: {d.about} claimed {d.claimed}, derived {d.derived}"
        for d in found.differences
        if d.counts
    ]
    return Case(
        edition=edition,
        edition_digest=edition_digest(edition),
        edition_is_shipped=any(
            edition_digest(load(name)) == edition_digest(edition) for name in editions()
        ),
        model=model,
        tier=tier,
        scope=scope,
        judgements=found.judgements,
        bundle_digest=opened.digest,
        signed=signed(opened, keys),
        subjects=store.subjects(),
        reference_digest=other.digest if other else None,
        reference_signed=signed(other, keys) if other else None,
        reference_subjects=Store.existing(reference).subjects() if reference else (),
        problems=tuple(problems),
        challenge=store.challenge,
        suite=__version__,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
    )
