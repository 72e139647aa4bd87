"""
Folders of pictures with questions about them.
"""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.workloads import candidates_of, read_workload
from pytest_ernie.load.workloads.pictures import data_address

PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize(
    ("image", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 JFIF", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"BM\x46\x00", "image/bmp"),
    ],
)
def test_an_image_is_sent_as_it_is(image: bytes, media_type: str) -> None:
    """Its own bytes, and the type that they tell."""
    head, _, body = data_address(image, "here").partition(",")

    assert head == f"data:{media_type};base64"
    assert base64.b64decode(body) == image


@pytest.mark.parametrize(
    ("image", "got"),
    [
        (b"", "0 bytes that begin with b''"),
        (b"RIFF\n\x00\x00\x00WAVEfmt ", "16 bytes that begin with b'RIFF\\n\\x00\\x00\\x00'"),
        (b"<html>no access</html>", "22 bytes that begin with b'<html>no'"),
    ],
)
def test_what_is_no_image_is_refused(image: bytes, got: str) -> None:
    """An error page that was saved under an image's name, for one."""
    with pytest.raises(SiteError) as caught:
        data_address(image, "here")

    assert str(caught.value) == (
        f"here: no image that is known; got {got}; wanted PNG, JPEG, WebP, GIF or BMP"
    )


def folder_of(folder: Path, *lines: object) -> Path:
    """A folder with an image and these questions."""
    (folder / "images").mkdir()
    (folder / "images" / "17.jpg").write_bytes(PNG)
    (folder / "questions.jsonl").write_bytes(
        b"\r\n".join(msgspec.json.encode(line) for line in lines)
    )
    return folder


@pytest.mark.parametrize("name", ["image", "file_name"])
def test_a_line_is_a_question_about_an_image(tmp_path: Path, name: str) -> None:
    """The folder and its file of lines are the same workload; other keys don't matter."""
    folder = folder_of(tmp_path, {name: "images/17.jpg", "question": "how much", "type": "receipt"})

    (prompt,) = read_workload(folder)

    assert (prompt.text, prompt.output_tokens, prompt.prompt_tokens) == ("how much", 128, None)
    assert prompt.images == (data_address(PNG, ""),)
    assert read_workload(folder / "questions.jsonl") == (prompt,)


def test_an_image_that_is_not_there_is_named_when_it_is_drawn(tmp_path: Path) -> None:
    """Not before: thousands of others may never be."""
    line = {"image": "images/17.jpg", "question": "how much"}
    folder = folder_of(tmp_path, line, {**line, "image": "images/18.jpg"})

    candidates = candidates_of(folder)

    assert len(candidates) == 2
    with pytest.raises(SiteError, match=r"questions\.jsonl:2: its image can't be read; got .*18"):
        candidates[1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "no prompt; got Input data was truncated"),
        (b'{"image": "images/17.jpg"}', "no prompt; got Object missing required field `question`"),
        (b'{"question": "how much"}', 'no image; wanted {"image": .., "question": ..}'),
        (b'{"image": "\xff", "question": ""}', "no prompt; got 'utf-8' codec can't decode byte"),
        (b'{"image": 3, "question": ""}', "no prompt; got Expected `str | null`, got `int`"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    """By its number in the file."""
    folder = folder_of(tmp_path, {"image": "images/17.jpg", "question": "how much"})
    questions = folder / "questions.jsonl"
    questions.write_bytes(questions.read_bytes() + b"\n" + line)

    with pytest.raises(SiteError) as caught:
        read_workload(folder)

    assert str(caught.value).startswith(f"{questions}:2: {message}")
