"""
Pictures and questions about them: a folder with images and lines of JSON.

    {"image": "receipts/17.png", "question": "What is the total?"}

An image is sent as it is on disk: encoding it anew would change the work.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import msgspec

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt

from .candidates import OnDemand
from .json_lines import decode, lines_of

ANSWER_TOKENS = 128
"""Length of every answer about an image (R9)."""
SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"BM"), "image/bmp"),
)
"""How the bytes of each type begin."""
LINE = '{"image": .., "question": ..}'


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One question; the image's path is relative to the folder."""

    question: str
    image: str | None = None
    file_name: str | None = None
    """What the ``metadata.jsonl`` of an image folder calls it."""


def data_address(image: bytes, where: object) -> str:
    """Return the image's ``data:`` address; its type is told by its first bytes, never by its name."""
    types = (media_type for signature, media_type in SIGNATURES if signature.match(image))
    media_type = next(types, None)
    if media_type is None:
        raise SiteError(
            "no image that is known",
            where=where,
            got=f"{len(image)} bytes that begin with {image[:8]!r}",
            wanted="PNG, JPEG, WebP, GIF or BMP",
        )
    return f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"


def read_pictures(questions: Path) -> OnDemand:
    """
    Return the questions in the file's order; each image is read when it is drawn.

    SiteError with the line that is wrong, or whose image isn't there.
    """
    lines = [(number, _line(line, f"{questions}:{number}")) for number, line in lines_of(questions)]

    def read(index: int) -> Prompt:
        number, (image, question) = lines[index]
        where = f"{questions}:{number}"
        try:
            content = (questions.parent / image).read_bytes()
        except OSError as problem:
            raise SiteError("its image can't be read", where=where, got=problem) from problem
        return Prompt(
            text=question, output_tokens=ANSWER_TOKENS, images=(data_address(content, where),)
        )

    return OnDemand(length=len(lines), read=read)


def _line(content: bytes, where: str) -> tuple[str, str]:
    """Return the path of the image and the question."""
    line = decode(content, Line, where=where, wanted=LINE)
    image = line.image or line.file_name
    if image is None:
        raise SiteError("no image", where=where, wanted=LINE)
    return image, line.question
