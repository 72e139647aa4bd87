"""
Prepared prompts: lines of JSON, {"text": .., "output_tokens": .., "images": [..]}.

A site counts a source's tokens once, with the model's tokenizer; later runs and the other side read
what was counted. The first line may be a header, by which a cut or changed file is found out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .counters import Counter
from .json_lines import decode, lines_of
from .sharegpt import read_sharegpt

HEADER_START = b'{"prepared"'
LINE = '{"text": .., "output_tokens": .., "images": [..]}'
DataAddress = Annotated[str, Meta(pattern="^data:")]
Tokens = Annotated[int, Meta(ge=1)]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: what the others were made from, and whether they are all there."""

    prepared: Literal[1]
    source: str
    """Name of the file that was counted."""
    source_sha256: str
    tokenizer: str
    """What counted, in the site's words."""
    prompts: int
    sha256: str
    """Of the prompts, encoded anew: white space and line ends don't count."""


class Line(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One prompt; the answer's length isn't clipped yet."""

    text: str
    output_tokens: Tokens
    images: tuple[DataAddress, ...] = ()
    prompt_tokens: Tokens | None = None


def read_prepared(path: Path) -> tuple[Prompt, ...]:
    """
    Return the prompts in the file's order; one that comes again counts once.

    SiteError with the line that is wrong, or if the prompts aren't those that the header speaks of.
    """
    header = None
    sha256, lines = hashlib.sha256(), 0
    found: dict[tuple[str, tuple[str, ...]], Prompt] = {}
    for number, content in lines_of(path):
        where = f"{path}:{number}"
        if number == 1 and content.startswith(HEADER_START):
            header = decode(content, Header, where=where, wanted="a header")
            continue
        line = decode(content, Line, where=where, wanted=LINE)
        sha256.update(_encoded(line))
        lines += 1
        found.setdefault((line.text, line.images), Prompt(**msgspec.structs.asdict(line)))
    if header is not None:
        _check(path, header, lines, sha256.hexdigest())
    return tuple(found.values())


def prepare(source: Path, destination: Path, count: Counter, *, tokenizer: str) -> Header:
    """
    Count a ShareGPT file's tokens and write its usable prompts; return the header.

    ``tokenizer`` says in words what counts. SiteError if the source is wrong, or if there is
    already something at the destination.
    """
    if destination.exists():
        raise SiteError("there is already a file, and it stays", where=destination)
    prompts = read_sharegpt(source, count)
    if not prompts:
        raise SiteError("there is no usable prompt", where=source)
    lines = [_encoded(Line(**msgspec.structs.asdict(prompt))) for prompt in prompts]
    header = Header(
        prepared=1,
        source=source.name,
        source_sha256=_sha256(_blocks(source)),
        tokenizer=tokenizer,
        prompts=len(lines),
        sha256=_sha256(lines),
    )
    partial = destination.with_name(f"{destination.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(msgspec.json.encode(header) + b"\n")
            file.writelines(lines)
        os.replace(partial, destination)
    except OSError as problem:
        raise SiteError("can't be written", where=destination, got=problem) from problem
    return header


def _check(path: Path, header: Header, lines: int, sha256: str) -> None:
    if lines != header.prompts:
        raise SiteError(
            "not the prompts that were prepared", where=path, got=lines, wanted=header.prompts
        )
    if sha256 != header.sha256:
        raise SiteError(
            "not the prompts that were prepared",
            where=path,
            got=f"SHA-256 {sha256}",
            wanted=header.sha256,
        )


def _encoded(line: Line) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _sha256(parts: Iterable[bytes]) -> str:
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(part)
    return sha256.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block
