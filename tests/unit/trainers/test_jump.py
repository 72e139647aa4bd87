"""
Jumping ahead in the random numbers gives what drawing them one by one gives.
"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_ernie.trainers.inside.ernie_torch import draws, jump
from pytest_ernie.trainers.inside.ernie_torch.draws import Draws


@pytest.mark.parametrize("drawn", [0, 1, 311, 312, 500])
@pytest.mark.parametrize("count", [1_000, 20_000, 123_457])
def test_a_jump_ends_where_drawing_ends(
    monkeypatch: pytest.MonkeyPatch, drawn: int, count: int
) -> None:
    """Wherever in a block it begins, and whatever comes after it."""
    one_by_one, jumping = Draws(23), Draws(23)
    for stream in (one_by_one, jumping):
        stream.uniform(drawn, 0, 1)
    one_by_one.skip(count)
    monkeypatch.setattr(draws, "WORTH_A_JUMP", 0)
    jumping.skip(count)

    assert np.array_equal(jumping.uniform(1000, 0, 1), one_by_one.uniform(1000, 0, 1))


def test_a_distance_as_of_the_largest_model_is_jumped() -> None:
    """Two halves make a whole: 10^12 numbers would take a day to draw."""
    whole, halves = Draws(7), Draws(7)
    whole.skip(1_000_000_000_000)
    halves.skip(400_000_000_000)
    halves.skip(600_000_000_000)

    assert np.array_equal(whole.uniform(400, -1, 1), halves.uniform(400, -1, 1))
    assert not np.array_equal(whole.uniform(400, -1, 1), Draws(7).uniform(400, -1, 1))


def test_the_words_have_the_recurrence_of_the_published_generator() -> None:
    """Its degree is the exponent of the Mersenne prime that it is named after."""
    assert draws.characteristic().bit_length() - 1 == jump.DEGREE


@pytest.mark.parametrize(
    ("polynomial", "first"),
    [(0b111, (0, 1)), (0b1011, (0, 0, 1)), (0b11001, (1, 0, 0, 0)), (0b100000111, (0,) * 7 + (1,))],
)
def test_the_shortest_recurrence_of_bits_is_found(polynomial: int, first: tuple[int, ...]) -> None:
    """Of registers whose feedback is known."""
    degree = polynomial.bit_length() - 1
    bits = list(first)
    while len(bits) < 2 * degree + 6:
        bits.append(sum(bits[-degree + i] for i in range(degree) if polynomial >> i & 1) & 1)

    assert jump.shortest_recurrence(bits) == polynomial


def test_a_power_of_x_is_reduced() -> None:
    """x^2 = x + 1 where x^2 + x + 1 is nothing, so x^3 = 1."""
    assert [jump.power_of_x(n, 0b111) for n in range(1, 6)] == [0b10, 0b11, 0b1, 0b10, 0b11]


@pytest.mark.parametrize("count", [1, 7, 5_000])
def test_normal_numbers_are_passed_over_in_parts_as_in_one(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A whole embedding at once would take gigabytes."""
    whole, parts = Draws(3), Draws(3)
    whole.skip_normal(count)
    monkeypatch.setattr(draws, "PAIRS_AT_ONCE", 3)
    parts.skip_normal(count)

    assert np.array_equal(parts.uniform(50, 0, 1), whole.uniform(50, 0, 1))
