"""
Reading question sets.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.accuracy.tasks import load_questions
from pytest_ernie.errors import SiteError

ONE = '{"id": "a1", "question": "What is 1 + 1?", "answer": "2"}'
TWO = '{"id": "a2", "question": "用汉字写出 12。", "answer": "十二"}'


def write(folder: Path, *lines: str) -> Path:
    """A file of these lines."""
    path = folder / "questions.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_questions_come_in_the_files_order(tmp_path: Path) -> None:
    """Empty lines don't matter, to the digest either."""
    spaced = load_questions(write(tmp_path, TWO, "", ONE, ""))
    tight = load_questions(write(tmp_path, TWO, ONE))

    assert [question.id for question in spaced.questions] == ["a2", "a1"]
    assert spaced.questions[0].answer == "十二"
    assert spaced.digest == tight.digest


def test_the_digest_changes_with_any_answer(tmp_path: Path) -> None:
    """So that two sides can't compare different sets."""
    asked = load_questions(write(tmp_path, ONE))
    changed = load_questions(write(tmp_path, ONE.replace('"2"', '"3"')))

    assert asked.digest != changed.digest
    assert asked.questions[0].digest != changed.questions[0].digest


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((ONE, "{"), ":2: no question; got Input data was truncated"),
        (('{"id": "a"}',), ":1: no question; got Object missing required field `question`"),
        ((ONE, TWO, ONE), ":3: an id appears twice; got a1"),
        (("", ""), ": there is no question"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    """Nothing is skipped, and an empty set is no set."""
    path = write(tmp_path, *lines)

    with pytest.raises(SiteError) as caught:
        load_questions(path)

    assert str(caught.value) == f"{path}{words}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what the system says."""
    with pytest.raises(SiteError, match=r"none\.jsonl: the questions can't be read; got FileNotF"):
        load_questions(tmp_path / "none.jsonl")
