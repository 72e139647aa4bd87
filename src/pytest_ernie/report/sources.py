"""
On which records the verdicts rest: looked up in the evidence once more, nothing is measured.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ernie.errors import ErnieError, ReferenceBeingRecorded
from pytest_ernie.report.details import Source

if TYPE_CHECKING:
    from pytest_ernie.evidence import Record
    from pytest_ernie.measurements import Bench
    from pytest_ernie.report.matrix import Matrix
    from pytest_ernie.standard import Criterion


def sources(matrix: Matrix, candidate: Bench, page: Path) -> dict[str, tuple[Source, ...]]:
    """
    Return the candidate's records by criterion; one that can't be found has none.

    ``page`` is the folder of the report: what lies in an evidence folder is linked from there.
    """
    found: dict[str, tuple[Source, ...]] = {}
    for row in matrix.rows:
        if row.node is None:
            continue
        try:
            records = _records(candidate, row.criterion)
        except (ErnieError, ReferenceBeingRecorded, KeyError, ValueError, OSError):
            continue
        found[row.criterion.name] = tuple(_source(record, candidate, page) for record in records)
    return found


def _records(bench: Bench, criterion: Criterion) -> tuple[Record, ...]:
    if criterion.clause in ("training.loss", "training.throughput"):
        return (bench.training_run(criterion).record,)
    if criterion.clause == "training.context":
        return (bench.training_context(criterion).record,)
    if criterion.clause == "inference.datatype":
        return (bench.served(criterion).record,)
    if criterion.clause == "inference.context":
        return (bench.context(criterion).record,)
    if criterion.clause == "inference.accuracy":
        return (bench.accuracy(criterion).record,)
    loads = bench.peak_throughput(criterion).by_workload
    return tuple(record for load in loads for record in load.records)


def _source(record: Record, bench: Bench, page: Path) -> Source:
    folder = None if bench.store.bundle else bench.store.folder
    parts = tuple(
        (name, digest, None if folder is None else _link(folder, digest, page))
        for name, digest in sorted(record.blobs.items())
    )
    return Source(title=record.what.title, id=record.id, parts=parts)


def _link(folder: Path, digest: str, page: Path) -> str | None:
    """Return the address of a blob relative to the page, None if it isn't there."""
    path = folder / "blobs" / digest[:2] / digest
    if not path.is_file():
        return None
    from urllib.parse import quote

    return quote(os.path.relpath(path.resolve(), page.resolve()))
