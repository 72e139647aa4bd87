"""
The words of verdicts, and how figures are shown beside their limits.
"""

from __future__ import annotations

import math

import pytest

from pytest_ernie.verdicts import Verdict, Word, inconclusive
from pytest_ernie.verdicts.verdict import passed, shown


@pytest.mark.parametrize(
    ("word", "certifies"),
    [
        ("PASS", True),
        ("FAIL", False),
        ("RECORDED", False),
        ("INCONCLUSIVE", False),
        ("NOT RUN", False),
        ("UNSPECIFIED", True),
    ],
)
def test_only_pass_and_unspecified_certify(word: str, certifies: bool) -> None:
    """
    R15: a reference being recorded, missing evidence and silence never do.
    """
    assert certifies is Word(word).certifies


def test_there_is_no_other_word() -> None:
    """
    A seventh word would certify or not by accident.
    """
    assert len(Word) == 6


def test_what_holds_is_pass_and_what_does_not_is_fail() -> None:
    """
    Two words for two truths.
    """
    assert (passed(True), passed(False)) == (Word.PASS, Word.FAIL)


def test_inconclusive_says_what_is_missing() -> None:
    """
    The message is the caller's, and the table cells stay honest dashes.
    """
    expected = Verdict(
        word=Word.INCONCLUSIVE, message="no log", measured="–", required="steps 401..500"
    )

    assert expected == inconclusive("no log", required="steps 401..500")


def test_verdicts_do_not_share_their_numbers() -> None:
    """
    A default must not carry one criterion's figures over to another.
    """
    first, second = inconclusive("a"), inconclusive("b")
    first.numbers["x"] = 1

    assert second.numbers == {}


@pytest.mark.parametrize(
    ("value", "limit", "digits", "kind", "expected"),
    [
        (49.96, 50, 1, "f", "49.96"),
        (49.94, 50, 1, "f", "49.9"),
        (50.04, 50, 1, "f", "50.04"),
        (50.0, 50, 1, "f", "50.0"),
        (49.9999999, 50, 1, "f", "49.9999999"),
        (0.01004, 0.01, 2, "g", "0.01004"),
        (0.0099996, 0.01, 3, "g", "0.0099996"),
        (0.0123, 0.01, 2, "g", "0.012"),
        (0.01, 0.01, 2, "g", "0.01"),
        (0.010000000000000009, 0.01, 2, "g", "0.01"),
        (0.9955, 0.996, 2, "g", "0.9955"),
        (0.0, 0.01, 2, "g", "0"),
        (12345.6, 0.01, 2, "g", "1.2e+04"),
    ],
)
def test_a_figure_has_the_digits_that_show_its_side_of_the_limit(
    value: float, limit: float, digits: int, kind: str, expected: str
) -> None:
    """
    "50.0 % is below 50 %" would be a sentence that refutes itself.
    """
    assert expected == shown(value, limit, digits, kind)  # type: ignore[arg-type]  # a parametrized literal


@pytest.mark.parametrize(("value", "expected"), [(math.nan, "nan"), (math.inf, "inf")])
def test_what_is_no_number_is_shown_as_such(value: float, expected: str) -> None:
    """
    A NaN must not hang or hide.
    """
    assert expected == shown(value, 1.0, 2)
