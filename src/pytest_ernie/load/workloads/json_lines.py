"""
Lines of JSON, as people's editors leave them, and errors that name the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from pytest_ernie.errors import SiteError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Type = TypeVar("Type")


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """
    Yield the lines that aren't blank with their numbers, from 1; SiteError if there is no file.

    A byte order mark and carriage returns are no part of them.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                content = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip()
                if content:
                    yield number, content
    except OSError as problem:
        raise unreadable(path, problem) from problem


def decode(content: bytes | msgspec.Raw, type: type[Type], *, where: object, wanted: str) -> Type:
    """Return the content as this type; SiteError if it isn't JSON, or JSON of another shape."""
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise SiteError("no prompt", where=where, got=problem, wanted=wanted) from problem


def unreadable(path: Path, problem: Exception) -> SiteError:
    """Return the error for a workload that can't be opened at all."""
    return SiteError(
        "the workload can't be read", where=path, got=f"{type(problem).__name__}: {problem}"
    )
