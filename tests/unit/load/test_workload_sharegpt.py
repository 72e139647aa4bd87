"""
ShareGPT: which conversations are prompts, and which files are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.workloads import read_workload
from pytest_ernie.load.workloads.sharegpt import read_sharegpt

QUESTION = "how far is it"
ANSWER = "not very far at all"


def count(text: str) -> int:
    """One token a word."""
    return len(text.split())


def talk(*turns: tuple[str, str]) -> dict[str, Any]:
    """A conversation, with what ShareGPT_V3 says beside it."""
    return {
        "id": "QWJhYvA_0",
        "conversations": [
            {"from": speaker, "value": value, "markdown": None} for speaker, value in turns
        ],
    }


def file_of(folder: Path, *talks: object) -> Path:
    """A file with these conversations."""
    path = folder / "sharegpt.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(talks)))
    return path


def test_a_prompt_is_the_first_turn_and_its_answer_the_second(tmp_path: Path) -> None:
    """What is said later is no part of the workload; the order is the file's."""
    path = file_of(
        tmp_path,
        talk(("human", QUESTION), ("gpt", ANSWER), ("human", "and back"), ("gpt", "farther")),
        talk(("human", "what is the time now"), ("gpt", "it is half past seven")),
    )

    first, second = read_workload(path, count)

    assert (first.text, first.output_tokens, first.prompt_tokens) == (QUESTION, 5, 4)
    assert first.images == ()
    assert second.text == "what is the time now"


@pytest.mark.parametrize(
    "left_out",
    [
        talk(),
        talk(("human", QUESTION)),
        talk(("gpt", ANSWER), ("human", QUESTION)),
        talk(("system", "be brief and kind"), ("human", QUESTION), ("gpt", ANSWER)),
        talk(("human", QUESTION), ("human", ANSWER)),
        talk(("human", ""), ("gpt", ANSWER)),
        talk(("human", "three words only"), ("gpt", ANSWER)),
        talk(("human", QUESTION), ("gpt", "three words only")),
        talk(("human", "word " * 8193), ("gpt", ANSWER)),
    ],
)
def test_what_is_no_question_with_an_answer_is_left_out(
    tmp_path: Path, left_out: dict[str, Any]
) -> None:
    """Too few turns, other speakers, too short, too long."""
    assert read_sharegpt(file_of(tmp_path, left_out), count) == ()


@pytest.mark.parametrize(("asked", "answered"), [(4, 4), (8192, 4), (4, 50_000)])
def test_what_is_just_long_enough_stays(tmp_path: Path, asked: int, answered: int) -> None:
    """At the bounds; answers have none above, since they are clipped when drawn."""
    question, answer = "word " * asked, "word " * answered
    path = file_of(tmp_path, talk(("human", question), ("gpt", answer)))

    (prompt,) = read_sharegpt(path, count)

    assert (prompt.prompt_tokens, prompt.output_tokens) == (asked, answered)


def test_a_question_that_comes_again_counts_once(tmp_path: Path) -> None:
    """The first that can be used stays."""
    path = file_of(
        tmp_path,
        talk(("human", QUESTION), ("gpt", "no idea")),
        talk(("human", QUESTION), ("gpt", ANSWER)),
        talk(("human", QUESTION), ("gpt", "far " * 9)),
    )

    (prompt,) = read_sharegpt(path, count)

    assert prompt.output_tokens == 5


def test_a_file_may_say_its_tokens(tmp_path: Path) -> None:
    """Counted beforehand; a counter that is given has the last word."""
    question, answer = ({"from": who, "value": "x", "tokens": 40} for who in ("human", "gpt"))
    path = file_of(tmp_path, {"conversations": [question, answer]})

    (prompt,) = read_workload(path)
    (counted,) = read_sharegpt(path, lambda text: 7)

    assert (prompt.prompt_tokens, prompt.output_tokens) == (40, 40)
    assert (counted.prompt_tokens, counted.output_tokens) == (7, 7)


def test_tokens_are_never_guessed(tmp_path: Path) -> None:
    """The message says what to do."""
    path = file_of(tmp_path, talk(), talk(("human", QUESTION), ("gpt", ANSWER)))

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value) == (
        f"{path}, conversation 2: its tokens aren't counted. Prepare the file once with the model's "
        "tokenizer, and name the prepared file"
    )


def test_editors_may_have_been_there(tmp_path: Path) -> None:
    """A byte order mark and carriage returns change nothing."""
    path = file_of(tmp_path, talk(("human", QUESTION), ("gpt", ANSWER)))
    plain = read_workload(path, count)

    path.write_bytes(b"\xef\xbb\xbf\r\n" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert read_workload(path, count) == plain


def test_a_turn_may_be_huge(tmp_path: Path) -> None:
    """One line of many megabytes, as the real file is."""
    path = tmp_path / "sharegpt.json"
    talks = [talk(("human", "x" * 8_000_000), ("gpt", ANSWER))] * 2
    path.write_bytes(msgspec.json.encode(talks))

    (prompt,) = read_workload(path, lambda text: 4)

    assert len(prompt.text) == 8_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'[{"conversations": []}',
            ": no array of conversations; got Input data was truncated; wanted [",
        ),
        (b"[{]", ": no array of conversations; got JSON is malformed: "),
        (b"[17]", ", conversation 1: no prompt; got Expected `object`, got `int`; wanted {"),
        (
            b'[{"conversations": []}, {"items": []}]',
            ", conversation 2: no prompt; got Object missing required field `conversations`",
        ),
        (
            b'[{"conversations": [{"from": "human", "value": 3}, {}]}]',
            ", conversation 1: no prompt; got Expected `str`, got `int` - at `$.value`",
        ),
        (
            b'[{"conversations": [{"from": "human", "value": "\xff"}, {}]}]',
            ", conversation 1: no prompt; got 'utf-8' codec can't decode byte 0xff",
        ),
        (b"[]", ": there is no prompt"),
        (b'[{"conversations": []}]', ": there is no prompt"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """With the conversation, where there is one."""
    path = tmp_path / "sharegpt.json"
    path.write_bytes(content)

    with pytest.raises(SiteError) as caught:
        read_workload(path, count)

    assert str(caught.value).startswith(f"{path}{message}")
    assert len(str(caught.value)) < len(str(path)) + 300


@pytest.mark.parametrize("content", [None, b""])
def test_a_file_with_nothing_in_it_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Or no file at all."""
    path = tmp_path / "sharegpt.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SiteError, match=r"sharegpt\.json: the workload can't be read; got "):
        read_sharegpt(path, count)
