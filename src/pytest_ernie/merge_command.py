"""
``pytest-ernie merge``: the evidence of several machines, or shards, as one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand ``merge``."""
    merge = commands.add_parser("merge", help="join evidence of several shards or machines")
    merge.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="or bundle")
    merge.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER")
    merge.add_argument("--json", action="store_true", help="say what was joined as JSON")
    merge.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Return 0, or 1 if something stands in the merged evidence that must be known."""
    from pytest_ernie.evidence.merging import merge

    merged = merge(options.folders, options.output)
    if options.json:
        print(msgspec.json.encode(merged).decode())  # noqa: T201 (a command's output)
        return 1 if merged.conflicts else 0
    for part in merged.parts:
        print(f"part      {part.name}: {part.entries} entries, the last {part.head[:12]}")  # noqa: T201 (a command's output)
    for conflict in merged.conflicts:
        print(f"CONFLICT  {conflict}")  # noqa: T201 (a command's output)
    print(f"{merged.measurements} measurements in {options.output}")  # noqa: T201 (a command's output)
    return 1 if merged.conflicts else 0
