"""
The token count: the parts of a sample, their tokens, and what cutting leaves.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ernie.trainers.inside.count_inside import Length, as_turns, measure, remembering
from pytest_ernie.trainers.tokens import cut


def count(sample: dict[str, Any], length: Length, sequence_length: int) -> int:
    """What is trained of a sample at a length."""
    return cut(*measure(sample, length), sequence_length)


def characters(text: str) -> int:
    """Count a character as a token, and a mark of the template as one."""
    return 1 if text in ("<|begin_of_sentence|>", "<|end_of_sentence|>", "</s>") else len(text)


FRAME = len("User: ") + len("\nAssistant: ")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ({"src": ["abc"], "tgt": ["de"]}, 1 + FRAME + 3 + 2 + 1),
        ({"src": "abc", "tgt": "de"}, 1 + FRAME + 3 + 2 + 1),
        ({"src": ["a", "b"], "tgt": ["c", "d"]}, 1 + 2 * FRAME + 4 + 1 + 1),
        ({"src": ["a"], "tgt": ["b"], "system": "be"}, 1 + 3 + FRAME + 2 + 1),
        ({"src": ["be", "a"], "tgt": ["-", "b"], "is_system": 1}, 1 + 3 + FRAME + 2 + 1),
    ],
)
def test_the_template_is_counted(sample: dict[str, Any], expected: int) -> None:
    """Start, frame of each question, separator between turns, end."""
    assert count(sample, characters, 1000) == expected


def test_a_long_sample_is_cut() -> None:
    """It counts the sequence length, at and above it."""
    sample = {"src": ["abc"], "tgt": ["x" * 100]}
    whole = count(sample, characters, 1000)

    assert [count(sample, characters, whole + by) for by in (1, 0, -1)] == [whole, whole, whole - 1]


def test_a_sample_whose_answer_is_cut_off_is_not_trained() -> None:
    """One token of the answer must be left to learn from."""
    sample = {"src": ["abc"], "tgt": ["de"]}
    before_answer = 1 + FRAME + 3

    assert count(sample, characters, before_answer + 1) == before_answer + 1
    assert count(sample, characters, before_answer) == 0


@pytest.mark.parametrize("sample", [{"src": [" "], "tgt": ["a"]}, {"src": [], "tgt": []}])
def test_an_empty_text_is_not_trained(sample: dict[str, Any]) -> None:
    """The trainer leaves such samples out."""
    assert count(sample, characters, 1000) == 0


def test_unequal_turns_are_refused() -> None:
    """Such a line is a mistake in the data, not a short sample."""
    with pytest.raises(ValueError, match="2 src and 1 tgt"):
        count({"src": ["a", "b"], "tgt": ["c"]}, characters, 1000)


VISION = {
    "image_info": [
        {"image_url": "b.png", "matched_text_index": 2},
        {"image_url": "a.png", "matched_text_index": 0},
    ],
    "text_info": [
        {"text": "what?", "tag": "mask"},
        {"text": "this", "tag": "no_mask"},
        {"text": "and", "tag": "mask"},
        {"text": " that?", "tag": "mask"},
        {"text": "a cat", "tag": "no_mask"},
    ],
}


def test_a_sample_with_pictures_becomes_turns() -> None:
    """Each picture stands before its text, numbered in their order; neighbours of a tag are one message."""
    turns, tokens = as_turns(VISION, {"a.png": 64, "b.png": 100}.__getitem__)

    assert tokens == 164
    assert turns["src"] == [
        "Picture 1:<|IMAGE_START|><|IMAGE_END|>what?",
        "Picture 2:<|IMAGE_START|><|IMAGE_END|>and that?",
    ]
    assert turns["tgt"] == ["this", "a cat"]
    assert measure(turns, characters)[0] > 0


def test_an_answer_without_thoughts_gets_empty_ones() -> None:
    """The template of multimodal models writes them before each such answer; that of text models doesn't."""
    turns = {"src": ["a", "b"], "tgt": ["c", "<think>\nwhy\n</think>\n\nd"]}
    text, vision = (measure(turns, characters, multimodal=own) for own in (False, True))

    assert vision == (text[0] + len("<think>\n\n</think>\n\n"), text[1])


def test_each_text_is_tokenised_once() -> None:
    """Long samples are a data set's turns over and over; the count stays the same."""
    asked: list[str] = []

    def slow(text: str) -> int:
        asked.append(text)
        return characters(text)

    sample = {"src": ["a", "bc", "a"], "tgt": ["d", "é\ud800", "d"]}
    quick = remembering(slow)

    assert measure(sample, quick) == measure(sample, characters) == measure(sample, quick)
    assert len(asked) == len(set(asked)) == 7


def test_videos_are_not_guessed() -> None:
    """Nobody measured how many tokens they are."""
    with pytest.raises(ValueError, match="videos can't be counted"):
        as_turns({"text_info": [], "video_info": [{}]}, {}.__getitem__)
