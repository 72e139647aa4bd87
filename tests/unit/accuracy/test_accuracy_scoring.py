"""
Which answers count as the same.
"""

from __future__ import annotations

import pytest

from pytest_ernie.accuracy.scoring import extracted, score


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("42", "42"),
        (" 42\n", "42"),
        ("\n\n42", "42"),
        ("42.", "42"),
        ("４２", "42"),
        ("十二。", "十二"),
        ("Apple  Lemon", "apple lemon"),
        ("12,35, 7", "12, 35, 7"),
        ("12， 35，7", "12, 35, 7"),
        ("42\nWhat is 3 + 4?", "42"),
    ],
)
def test_form_does_not_matter(answer: str, wanted: str) -> None:
    """Width, case, spaces, a full stop, and what comes after the first line."""
    assert score(answer, wanted) == 1.0


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("", "42"),
        (" ", "42"),
        ("43", "42"),
        ("142", "42"),
        ("4 2", "42"),
        ("The answer is 42", "42"),
        ("-42", "42"),
        ("4.2", "42"),
        ("lemon apple", "apple lemon"),
        ("12, 35", "12, 35, 7"),
    ],
)
def test_anything_else_is_wrong(answer: str, wanted: str) -> None:
    """Exact match forgives form only."""
    assert score(answer, wanted) == 0.0


def test_what_was_scored_is_kept_beside_the_raw_answer() -> None:
    """So that a doubtful score can be looked at."""
    assert extracted("\n １２ , 35。\nand more") == "12,35"
