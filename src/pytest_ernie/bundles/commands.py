"""
The subcommands that deal with bundles.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.bundles.keys import PASSPHRASE_VARIABLE
from pytest_ernie.bundles.verify_command import add_parser as add_verify
from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence.bundle import SUFFIX
from pytest_ernie.report.text import line
from pytest_ernie.settings import CANDIDATE_FOLDER

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parsers(commands: Commands) -> None:
    """Add ``pack``, ``sign``, ``verify`` and ``keys``."""
    pack = commands.add_parser("pack", help="make one file of an evidence folder, to hand in")
    pack.add_argument("--evidence", type=Path, default=Path(CANDIDATE_FOLDER), metavar="FOLDER")
    pack.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"default: FOLDER{SUFFIX}")
    pack.add_argument("--edition", help="the edition's file, where it isn't a shipped one")
    pack.add_argument("--report", type=Path, metavar="FILE", help="the HTML report, to go along")
    pack.add_argument("--key", type=Path, metavar="FILE", help="sign it with this private key")
    pack.set_defaults(run=_pack)
    sign = commands.add_parser("sign", help="sign a bundle, beside others who did")
    sign.add_argument("bundle", type=Path)
    sign.add_argument("--key", type=Path, metavar="FILE", required=True, help="the private key")
    sign.set_defaults(run=_sign)
    add_verify(commands)
    keys = commands.add_parser("keys", help="make a key to sign bundles with")
    things = keys.add_subparsers(required=True, metavar="THING")
    new = things.add_parser("new", help=f"an Ed25519 key; {PASSPHRASE_VARIABLE} locks it")
    new.add_argument("file", type=Path, help="the private key; the public one gets .pub behind it")
    new.set_defaults(run=_new_key)
    _add_references(commands)
    diff = commands.add_parser("diff", help="what changed from one bundle to another")
    diff.add_argument("before", type=Path)
    diff.add_argument("after", type=Path)
    diff.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    diff.add_argument("--lang", choices=("en", "zh"), default="en", help="of that page")
    diff.set_defaults(run=_diff)


def _add_references(commands: Commands) -> None:
    reference = commands.add_parser(
        "reference", help="what references are at hand, and their worth"
    )
    things = reference.add_subparsers(required=True, metavar="THING")
    listed = things.add_parser("list", help="every bundle and evidence folder in a folder")
    listed.add_argument("folder", type=Path, nargs="?", default=Path())
    listed.set_defaults(run=_list_references)
    shown = things.add_parser("show", help="one of them")
    shown.add_argument("path", type=Path)
    shown.add_argument("--trust", type=Path, action="append", default=[], metavar="KEY.pub")
    shown.set_defaults(run=_show_reference)


def _pack(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.pack import Packing, pack

    output = options.output or options.evidence.with_suffix(SUFFIX)
    bundle = pack(options.evidence, output, Packing(edition=options.edition, report=options.report))
    _say(f"{output}: {len(bundle.names)} files, {output.stat().st_size} bytes")
    _say(f"sealed: {bundle.manifest.seal.entries} journal entries")
    _say(f"sha256 of its manifest: {bundle.digest}")
    if options.key:
        from pytest_ernie.bundles.signing import sign_bundle

        _say(f"signed with key {sign_bundle(output, options.key)}")
    else:
        _say("UNSIGNED: --key signs it, pytest-ernie keys new makes a key")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.signing import sign_bundle

    _say(f"{options.bundle}: signed with key {sign_bundle(options.bundle, options.key)}")
    return 0


def _new_key(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.keys import new_key

    public, id = new_key(options.file)
    _say(f"{options.file}: the private key; it stays with you")
    _say(f"{public}: the public key; give it to whoever shall trust you")
    _say(f"key {id}")
    return 0


def _list_references(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.references import in_words, references_in

    if not options.folder.is_dir():
        raise UsageProblem("there is no such folder", where=options.folder)
    for found in references_in(options.folder):
        lines = [f"{found[0].name}: {found[1]}"] if isinstance(found, tuple) else in_words(found)
        for text in lines:
            _say(_kept_in(text))
    return 0


def _show_reference(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.references import in_words, read_reference

    for text in in_words(read_reference(options.path, tuple(options.trust))):
        _say(_kept_in(text))
    return 0


def _diff(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.diff import as_html, compare, print_table

    found = compare(options.before, options.after)
    print_table(found)
    if options.html:
        options.html.write_text(as_html(found, options.lang), encoding="utf-8")
        _say(f"written to {options.html}")
    return 1 if found.changes else 0


def _kept_in(text: str) -> str:
    """Make what others wrote harmless on a terminal; the indent stays."""
    return text[: len(text) - len(text.lstrip())] + line(text)


def _say(text: str) -> None:
    print(text)  # noqa: T201 (a command's output)
