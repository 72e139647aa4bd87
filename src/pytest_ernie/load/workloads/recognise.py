"""
Which format a workload's file or folder has, by what is in it; its name says nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .candidates import Candidates
from .counters import Counter
from .json_lines import BYTE_ORDER_MARK, decode, lines_of, unreadable
from .pictures import read_pictures
from .prepared import read_prepared
from .request_lines import PROMPT_KEYS, read_request_lines
from .sharegpt import read_sharegpt
from .tables import is_saved, parquet_files, read_table

FORMATS = (
    "a ShareGPT array, prepared lines, lines of requests, lines with image and question, parquet, or "
    "a saved dataset"
)
START_BYTES = 64


def read_workload(path: Path, count: Counter | None = None) -> tuple[Prompt, ...]:
    """Return all prompts of a file or folder in its order; SiteError as ``candidates_of``."""
    candidates = candidates_of(path, count)
    return tuple(candidates[index] for index in range(len(candidates)))


def candidates_of(path: Path, count: Counter | None = None) -> Candidates:
    """
    Return what a file or folder holds; ``count`` is for a ShareGPT file that isn't prepared.

    SiteError if it isn't there, is of no known format, is wrong, or is empty.
    """
    candidates = _of_folder(path) if path.is_dir() else _of_file(path, count)
    if len(candidates) == 0:
        raise SiteError("there is no prompt", where=path)
    return candidates


def _of_folder(folder: Path) -> Candidates:
    if is_saved(folder) or parquet_files(folder):
        return read_table(folder)
    questions = sorted(folder.glob("*.jsonl"))
    if len(questions) != 1:
        raise SiteError(
            "no workload that is known",
            where=folder,
            got=f"{len(questions)} files of lines (*.jsonl) and no parquet",
            wanted="parquet files, a saved dataset, or images with one *.jsonl",
        )
    return read_pictures(questions[0])


def _of_file(path: Path, count: Counter | None) -> Candidates:
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES).removeprefix(BYTE_ORDER_MARK).lstrip()
    except OSError as problem:
        raise unreadable(path, problem) from problem
    if start.startswith(b"PAR1"):
        return read_table(path)
    if start.startswith(b"["):
        return read_sharegpt(path, count)
    return _of_lines(path)


def _of_lines(path: Path) -> Candidates:
    number, line = next(lines_of(path), (0, b""))
    if not line:
        return ()
    first = decode(line, dict[str, msgspec.Raw], where=f"{path}:{number}", wanted=FORMATS)
    if "prepared" in first or {"text", "output_tokens"} <= first.keys():
        return read_prepared(path)
    if "question" in first:
        return read_pictures(path)
    if first.keys() & set(PROMPT_KEYS):
        return read_request_lines(path)
    raise SiteError(
        "no workload that is known",
        where=f"{path}:{number}",
        got=f"the keys {', '.join(sorted(first)[:8])}",
        wanted=FORMATS,
    )
