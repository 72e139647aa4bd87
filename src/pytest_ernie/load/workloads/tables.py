"""
Pictures and questions in a table: parquet files, or a folder that ``datasets`` saved.

Columns ``image`` and ``question``, as OCRBench_v2 is published. It is published in several packings, of
which some hold the images encoded anew: the digest tells them apart.
"""

from __future__ import annotations

import glob
import importlib
import re
from pathlib import Path
from typing import Any

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .candidates import OnDemand
from .pictures import ANSWER_TOKENS, data_address

COLUMNS = ["image", "question"]
SHARD = re.compile(r"(?P<split>.+)-\d+-of-(?P<shards>\d+)")


def is_saved(folder: Path) -> bool:
    """Say whether ``datasets`` saved this folder."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def parquet_files(folder: Path) -> list[Path]:
    """
    Return the parquet files of a folder, or of its folder ``data``, by name.

    SiteError if they are of several splits, or if one of a split is missing.
    """
    files = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    shards = [match for file in files if (match := SHARD.fullmatch(file.stem))]
    if splits := sorted({shard["split"] for shard in shards}):
        if len(splits) > 1 or len(shards) != len(files):
            raise SiteError(
                "more than one split",
                where=folder,
                got=", ".join(splits),
                fix="Leave the files of one in the folder",
            )
        wanted = int(shards[0]["shards"])
        if len(files) != wanted:
            raise SiteError("files are missing", where=folder, got=len(files), wanted=wanted)
    return files


def read_table(path: Path) -> OnDemand:
    """
    Return the rows in the table's order; an image is read when it is drawn.

    ``path`` is a parquet file, a folder of such, or a saved folder. The package keeps a copy of
    parquet files in its cache (HF_HOME says where). SiteError if the package is missing, or if the
    table can't be read or has other columns.
    """
    datasets = _datasets(path)
    table = _table(datasets, path)
    if missing := [column for column in COLUMNS if column not in table.column_names]:
        raise SiteError(
            f"no column {missing[0]}", where=path, got=", ".join(sorted(table.column_names))
        )
    table = table.select_columns(COLUMNS)
    if isinstance(table.features["image"], datasets.Image):
        # Not decoded: the bytes that were published are sent.
        table = table.cast_column("image", datasets.Image(decode=False))

    def read(index: int) -> Prompt:
        row = table[index]
        image = row["image"]
        content = image.get("bytes") if isinstance(image, dict) else image
        where = f"{path}, row {index + 1}"
        if not isinstance(content, bytes) or not isinstance(row["question"], str):
            raise SiteError("no image with a question", where=where)
        return Prompt(
            text=row["question"],
            output_tokens=ANSWER_TOKENS,
            images=(data_address(content, where),),
        )

    return OnDemand(length=len(table), read=read)


def _datasets(path: Path) -> Any:
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as problem:
        raise SiteError(
            "reading a table needs the package datasets",
            where=path,
            got=problem,
            fix="pip install 'pytest-ernie[datasets]'",
        ) from problem
    datasets.disable_progress_bars()
    return datasets


def _table(datasets: Any, path: Path) -> Any:
    """Return the one table that is there."""
    try:
        if path.is_dir() and is_saved(path):
            table = datasets.load_from_disk(str(path))
        else:
            files = parquet_files(path) if path.is_dir() else [path]
            # The package takes paths for patterns. Its load_dataset would do the same, but tells the
            # hub of it first, which takes its time where there is no way out.
            names = [glob.escape(str(file)) for file in files]
            table = datasets.Dataset.from_parquet(names)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as problem:
        raise SiteError("the table can't be read", where=path, got=problem) from problem
    if isinstance(table, datasets.DatasetDict):
        splits = sorted(table)
        if len(splits) > 1:
            raise SiteError(
                "more than one split",
                where=path,
                got=", ".join(splits),
                fix="Name the folder of one",
            )
        table = table[splits[0]]
    return table
