"""
Prepared prompts: what is written is what is read, and what is cut or changed is found out.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt
from pytest_ernie.load.workloads import Header, prepare, read_workload
from pytest_ernie.load.workloads.prepared import read_prepared

SHAREGPT = [
    {
        "conversations": [
            {"from": "human", "value": f"is {index} - 你好 - an even number"},
            {"from": "gpt", "value": f"no\r\n{index} is odd \U0001f600"},
        ]
    }
    for index in range(1, 8, 2)
]


def count(text: str) -> int:
    """One token a word."""
    return len(text.split())


def made_of(path: Path) -> Path:
    """The ShareGPT file beside a prepared one."""
    return path.with_name("sharegpt.json")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Header, Path]:
    """A prepared file and the header that was returned."""
    source = tmp_path / "sharegpt.json"
    source.write_bytes(msgspec.json.encode(SHAREGPT))
    path = tmp_path / "prepared.jsonl"
    return prepare(source, path, count, tokenizer="words"), path


def test_what_is_written_is_read(made: tuple[Header, Path]) -> None:
    """And the header says what it was made of."""
    header, path = made

    prompts = read_workload(path)

    assert header.prompts == len(prompts) == 4
    assert header.source == "sharegpt.json"
    assert header.source_sha256 == hashlib.sha256(made_of(path).read_bytes()).hexdigest()
    assert header.sha256 == "af71727048f56c65b55c2f12b00013b09ae5a25da01308b124e406a04f5b4182"
    assert header.tokenizer == "words"
    assert prompts[1] == Prompt(
        text="is 3 - 你好 - an even number", output_tokens=5, prompt_tokens=8
    )
    assert [file.name for file in sorted(path.parent.iterdir())] == [
        "prepared.jsonl",
        "sharegpt.json",
    ]


def test_editors_may_have_been_there(made: tuple[Header, Path]) -> None:
    """A byte order mark, carriage returns and blank lines change nothing."""
    _, path = made
    plain = read_workload(path)

    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))

    assert read_workload(path) == plain


def test_a_cut_file_is_found_out(made: tuple[Header, Path]) -> None:
    """A copy that ended early would otherwise be another workload."""
    _, path = made
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value) == f"{path}: not the prompts that were prepared; got 3; wanted 4"


def test_a_changed_file_is_found_out(made: tuple[Header, Path]) -> None:
    """Also a length that was made shorter."""
    header, path = made
    path.write_bytes(path.read_bytes().replace(b'"output_tokens":5', b'"output_tokens":4', 1))

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value).startswith(f"{path}: not the prompts that were prepared; got SHA-256 ")
    assert str(caught.value).endswith(f"; wanted {header.sha256}")


@pytest.mark.parametrize(
    "header", [b'{"prepared": 2}', b'{"prepared":1}', b'{"prepared":1,"sha":2}']
)
def test_a_header_of_another_kind_is_refused(tmp_path: Path, header: bytes) -> None:
    """Of another version, or with less in it."""
    path = tmp_path / "prepared.jsonl"
    path.write_bytes(header + b"\n")

    with pytest.raises(SiteError, match=r"prepared\.jsonl:1: no prompt; got .*; wanted a header"):
        read_workload(path)


def test_two_files_in_one_are_refused(made: tuple[Header, Path]) -> None:
    """A header belongs to what follows it, and to nothing before."""
    _, path = made
    path.write_bytes(path.read_bytes() * 2)

    with pytest.raises(
        SiteError, match=r"prepared\.jsonl:6: no prompt; got Object contains unknown"
    ):
        read_workload(path)


def test_nothing_is_overwritten(made: tuple[Header, Path]) -> None:
    """Counting takes minutes, and the other side may have the file already."""
    _, path = made

    with pytest.raises(SiteError) as caught:
        prepare(made_of(path), path, count, tokenizer="words")

    assert str(caught.value) == f"{path}: there is already a file, and it stays"


def test_a_folder_that_is_not_there_is_named(made: tuple[Header, Path]) -> None:
    """Where the file should have gone."""
    _, path = made
    destination = path.parent / "nowhere" / "prepared.jsonl"

    with pytest.raises(SiteError, match=r"nowhere/prepared\.jsonl: can't be written; got "):
        prepare(made_of(path), destination, count, tokenizer="words")


def test_a_source_without_prompts_is_refused(tmp_path: Path) -> None:
    """Nothing is written then."""
    source = tmp_path / "sharegpt.json"
    source.write_bytes(b"[]")

    with pytest.raises(SiteError, match=r"sharegpt\.json: there is no usable prompt"):
        prepare(source, tmp_path / "prepared.jsonl", count, tokenizer="words")

    assert list(tmp_path.iterdir()) == [source]


def test_a_prompt_that_comes_again_counts_once(tmp_path: Path) -> None:
    """The first stays, in its place; another image makes it another prompt."""
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(
        b'{"text": "a", "output_tokens": 1}\n'
        b'{"text": "b", "output_tokens": 2}\n'
        b'{"text": "a", "output_tokens": 3}\n'
        b'{"text": "a", "output_tokens": 4, "images": ["data:image/png;base64,AA=="]}\n'
    )

    assert [prompt.output_tokens for prompt in read_workload(path)] == [1, 2, 4]


def test_a_line_may_be_huge(tmp_path: Path) -> None:
    """An image of many megabytes."""
    path = tmp_path / "prompts.jsonl"
    image = "data:image/png;base64," + "A" * 8_000_000
    path.write_bytes(
        msgspec.json.encode({"text": "what is it", "output_tokens": 9, "images": [image]})
    )

    (prompt,) = read_workload(path)

    assert prompt.images == (image,)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "Input data was truncated"),
        (b"17", "Expected `object`, got `int`"),
        (b'{"text": "no length"}', "Object missing required field `output_tokens`"),
        (b'{"text": "a", "output_tokens": 0}', "Expected `int` >= 1 - at `$.output_tokens`"),
        (
            b'{"text": "a", "output_tokens": "9"}',
            "Expected `int`, got `str` - at `$.output_tokens`",
        ),
        (
            b'{"text": "a", "output_tokens": 9, "prompt_tokens": 0}',
            "Expected `int` >= 1 - at `$.prompt_tokens`",
        ),
        (b'{"text": "\xff", "output_tokens": 9}', "'utf-8' codec can't decode byte 0xff"),
        (
            b'{"text": "a", "output_tokens": 9, "image": "x"}',
            "Object contains unknown field `image`",
        ),
        (
            b'{"text": "a", "output_tokens": 9, "images": ["http://x"]}',
            "Expected `str` matching regex '^data:' - at `$.images[0]`",
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    """By its number in the file, blank lines counted."""
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b'{"text": "a", "output_tokens": 9}\n\n' + line)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value).startswith(f"{path}:3: no prompt; got {message}")
    assert str(caught.value).endswith('; wanted {"text": .., "output_tokens": .., "images": [..]}')


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    with pytest.raises(SiteError, match=r"x\.jsonl: the workload can't be read; got FileNotFound"):
        read_prepared(tmp_path / "x.jsonl")
