"""
``pytest-ernie verify``: exit code 0 if a bundle holds what it claims, 1 if not, 2 if it is unusable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_ernie.errors import ErnieError
from pytest_ernie.questions import ATTEMPTS
from pytest_ernie.report.text import line
from pytest_ernie.verdicts import Word

if TYPE_CHECKING:
    from pytest_ernie.bundles.verify import Verification


def add_parser(commands: Any) -> None:
    """Add ``verify``."""
    verify = commands.add_parser("verify", help="judge a bundle anew from its raw evidence")
    verify.add_argument("bundle", type=Path)
    verify.add_argument("--reference", type=Path, metavar="REF", help="a bundle or a folder")
    verify.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="KEY.pub",
        help="a key that must have signed it; several: one of them",
    )
    verify.add_argument(
        "--challenge", metavar="NONCE", help="what it must answer, as the certifying body issued it"
    )
    verify.add_argument("--edition", help="name or file, where the evidence names no shipped one")
    verify.add_argument(
        "--every", action="store_true", help="all criteria, and not only those that are claimed"
    )
    verify.add_argument("--json", action="store_true", help="everything that was found, as JSON")
    verify.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.verify import Asked, verify

    asked = Asked(
        reference=options.reference,
        trust=tuple(options.trust),
        edition=options.edition,
        every=options.every,
    )
    try:
        with _limited_memory():
            found = verify(options.bundle, asked)
            if options.challenge is not None:
                _check_challenge(options.bundle, options.challenge)
    except ErnieError as error:
        if options.json:
            _say(msgspec.json.encode({"usable": False, "problem": str(error)}).decode())
        print(f"UNUSABLE: {line(str(error))}", file=sys.stderr)  # noqa: T201 (a command's output)
        return 2
    _say(as_json(found) if options.json else "\n".join(line(text) for text in in_words(found)))
    return 0 if found.holds else 1


def _check_challenge(bundle: Path, challenge: str) -> None:
    """Raise EvidenceError if the evidence answers another challenge, or none."""
    from pytest_ernie.challenge import checked_challenge
    from pytest_ernie.evidence import Store

    Store(bundle, challenge=checked_challenge(challenge)).check_challenge()


def as_json(found: Verification) -> str:
    """Return everything that was found as one JSON object."""
    plain = msgspec.to_builtins(found)
    answer = {"usable": True, "holds": found.holds, "why_not": found.why_not, **plain}
    return msgspec.json.encode(answer).decode()


def in_words(found: Verification) -> Iterator[str]:
    """Yield the lines that a person reads, the answer last."""
    yield f"bundle {found.bundle}, sha256 of its manifest {found.digest}"
    yield found.signed.words
    if found.as_reference:
        yield "it was recorded as a reference, and is verified as one"
    elif found.reference is None:
        yield "reference: none was given, so what must be compared with one is INCONCLUSIVE"
    elif found.reference_signed is not None:
        yield f"reference {found.reference}: {found.reference_signed.words}"
        if not found.reference_signed.trusted:
            yield "no trusted key signed the reference: good for comparing, and nothing that certifies (R14)"
    if found.challenge is not None:
        yield f"recorded under the challenge {found.challenge}"
    for judgement in found.judgements:
        verdict = judgement.verdict
        told = "".join(f" ({note})" for note in verdict.notes if note.startswith(ATTEMPTS))
        yield f"{verdict.word.value:<13}{judgement.criterion.name}: {verdict.measured}{told}"
    for difference in found.differences:
        yield (
            f"DIFFERS {difference.criterion}: the bundle claims {difference.claimed}, its evidence gives "
            f"{difference.derived}" + (f" ({difference.message})" if difference.message else "")
        )
    for finding in (*found.findings, *found.reference_findings):
        yield f"FOUND {finding}"
    for note in found.notes:
        yield f"note: {note}"
    for reason in found.why_not:
        yield f"why not: {reason}"
    count = len(found.judgements)
    if found.holds and found.as_reference:
        whole = sum(judgement.verdict.word is Word.RECORDED for judgement in found.judgements)
        yield (
            f"HOLDS AS A REFERENCE: {whole} of {found.edition_criteria} criteria are recorded whole, by "
            f"edition {found.edition}; nothing was compared, and nothing is certified"
        )
    elif found.holds:
        yield (
            f"HOLDS: {count} verdicts come out again as claimed; edition {found.edition} has "
            f"{found.edition_criteria} criteria"
        )
    else:
        yield f"DOES NOT HOLD: {len(found.why_not)} reasons, by edition {found.edition}"


@contextmanager
def _limited_memory() -> Iterator[None]:
    import resource

    from pytest_ernie.bundles.rederive import limit_memory

    before = limit_memory()
    try:
        yield
    finally:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _say(text: str) -> None:
    print(text)  # noqa: T201 (a command's output)
