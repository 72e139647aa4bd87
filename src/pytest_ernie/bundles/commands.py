"""
The subcommands that deal with bundles.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.evidence.bundle import SUFFIX
from pytest_ernie.settings import CANDIDATE_FOLDER

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parsers(commands: Commands) -> None:
    """Add ``pack``."""
    pack = commands.add_parser("pack", help="make one file of an evidence folder, to hand in")
    pack.add_argument("--evidence", type=Path, default=Path(CANDIDATE_FOLDER), metavar="FOLDER")
    pack.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"default: FOLDER{SUFFIX}")
    pack.add_argument("--edition", help="the edition's file, where it isn't a shipped one")
    pack.add_argument("--report", type=Path, metavar="FILE", help="the HTML report, to go along")
    pack.set_defaults(run=_pack)


def _pack(options: argparse.Namespace) -> int:
    from pytest_ernie.bundles.pack import Packing, pack

    output = options.output or options.evidence.with_suffix(SUFFIX)
    bundle = pack(options.evidence, output, Packing(edition=options.edition, report=options.report))
    _say(f"{output}: {len(bundle.names)} files, {output.stat().st_size} bytes")
    _say(f"sealed: {bundle.manifest.seal.entries} journal entries")
    _say(f"sha256 of its manifest: {bundle.digest}")
    return 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 (a command's output)
