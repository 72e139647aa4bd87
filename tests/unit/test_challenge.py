"""
What a nonce decides: always the same from the same one, and nothing without one.
"""

from __future__ import annotations

import pytest

from pytest_ernie.challenge import checked_challenge, in_challenged_order, seed_of
from pytest_ernie.errors import UsageProblem


def test_without_a_challenge_everything_stays_as_it_was() -> None:
    """
    The seed that references were recorded with, and the edition's order.
    """
    assert seed_of(None, "needles") == "0"
    assert in_challenged_order("abc", None, "text") == ("a", "b", "c")


def test_a_challenge_decides_seed_and_order() -> None:
    """
    Pinned: evidence of today is judged by releases of tomorrow.
    """
    assert seed_of("nonce-0001", "needles").startswith("d2e8bf3dd03445b76c79")
    assert in_challenged_order(range(8), "nonce-0001", "text") == (0, 7, 1, 6, 2, 4, 3, 5)
    assert seed_of("nonce-0001", "needles") != seed_of("nonce-0002", "needles")
    assert seed_of("nonce-0001", "needles") != seed_of("nonce-0001", "text")


@pytest.mark.parametrize(
    "text", ["short", "", "a b c d e f g", "x" * 129, "nonce-0001\n", "nonce/../1"]
)
def test_what_is_no_challenge_is_refused(text: str) -> None:
    """
    Too short to be unforeseeable, too long, or not to be typed.
    """
    with pytest.raises(
        UsageProblem, match=r"--challenge: this is no challenge; got .*; wanted 8 to"
    ):
        checked_challenge(text)
    assert checked_challenge("A.b_c-0123") == "A.b_c-0123"
