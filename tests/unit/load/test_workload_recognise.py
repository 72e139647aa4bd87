"""
Which format a file or folder has; each format's own tests read theirs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.workloads import read_workload

FORMATS = (
    "a ShareGPT array, prepared lines, lines of requests, lines with image and question, parquet, or "
    "a saved dataset"
)


@pytest.mark.parametrize("name", ["prompts.json", "prompts.parquet", "prompts"])
def test_a_name_says_nothing(tmp_path: Path, name: str) -> None:
    """What is in it does."""
    path = tmp_path / name
    path.write_text('{"text": "a", "output_tokens": 9}')

    assert [prompt.text for prompt in read_workload(path)] == ["a"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n \n", b"\xef\xbb\xbf", b"[]", b" [ ] "])
def test_a_file_without_prompts_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever it would have been."""
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(content)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value) == f"{path}: there is no prompt"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"question,answer\n", "1: no prompt; got JSON is malformed: invalid character (byte 0)"),
        (b"\n17", "2: no prompt; got Expected `object`, got `int`"),
        (b'{\n"text": "a"}', "1: no prompt; got Input data was truncated"),
        (b"\xff\xfe{\x00", "1: no prompt; got JSON is malformed: invalid character (byte 0)"),
        (b'{"b": 1, "a": 2}', "1: no workload that is known; got the keys a, b"),
        (
            b"{%s}" % b", ".join(b'"%c": 0' % key for key in b"jihgfedcba"),
            "1: no workload that is known; got the keys a, b, c, d, e, f, g, h",
        ),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """With all that would have been."""
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(content)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value) == f"{path}:{message}; wanted {FORMATS}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    with pytest.raises(SiteError, match=r"nowhere: the workload can't be read; got FileNotFound"):
        read_workload(tmp_path / "nowhere")


@pytest.mark.parametrize("files", [(), ("a.jsonl", "b.jsonl"), ("a.png",)])
def test_a_folder_needs_one_file_of_questions(tmp_path: Path, files: tuple[str, ...]) -> None:
    """Or tables, which have tests of their own."""
    for name in files:
        (tmp_path / name).write_bytes(b"")
    lines = sum(name.endswith(".jsonl") for name in files)

    with pytest.raises(SiteError) as caught:
        read_workload(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path}: no workload that is known; got {lines} files of lines (*.jsonl) and no "
        "parquet; wanted parquet files, a saved dataset, or images with one *.jsonl"
    )
