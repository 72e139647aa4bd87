"""
Write the rehearsal's data and the manifest of everything that ships.

    python -m pytest_ernie.rehearsal.make_data

Needs nothing beside Python; the same code writes the same bytes everywhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from . import checkpoint, held_out_questions, manifest, supervised_data
from .tasks import TASKS, held_out, supervised_samples

STEPS, GLOBAL_BATCH = 500, 8
"""A fine-tuning run of the standard's length takes each sample once."""

SUPERVISED_SEED = 1
NOVEL_SHARE = 0.25
"""A quarter of the supervised samples are of kinds that the base model never saw."""


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def write_supervised() -> None:
    """Write the fine-tuning data in ERNIEKit's form."""
    samples = supervised_samples(STEPS * GLOBAL_BATCH, SUPERVISED_SEED, NOVEL_SHARE)
    lines = [_line({"src": [sample.question], "tgt": [sample.answer]}) for sample in samples]
    supervised_data().parent.mkdir(parents=True, exist_ok=True)
    supervised_data().write_text("".join(lines), encoding="utf-8", newline="\n")


def write_held_out() -> None:
    """Write one file of questions per task."""
    for task in TASKS:
        lines = [
            _line({"id": f"{task}-{index:03d}", "question": s.question, "answer": s.answer})
            for index, s in enumerate(held_out(task), start=1)
        ]
        path = held_out_questions(task)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")


def write_manifest(made: dict[str, Any]) -> None:
    """Write every shipped data file's digest and how the files were made."""
    root = manifest().parent
    shipped = [*checkpoint().iterdir(), supervised_data(), *map(held_out_questions, TASKS)]
    digests = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(shipped)
    }
    content = {"made": made, "sha256": digests}
    manifest().write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument(
        "--made", type=Path, help="a JSON file on how the checkpoint was made; else kept as it is"
    )
    arguments = parser.parse_args()
    source = arguments.made
    made = json.loads(source.read_text()) if source else json.loads(manifest().read_text())["made"]
    write_supervised()
    write_held_out()
    write_manifest(made)


if __name__ == "__main__":
    main()
