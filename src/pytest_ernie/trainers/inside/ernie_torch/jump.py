"""
Jumping ahead in ``std::mt19937_64``: a billion numbers are passed over in a second.

Its words follow a linear recurrence over GF(2), so the word n places on is a fixed sum (exclusive or) of the
next 19937 words: the coefficients are those of x^n modulo the recurrence's characteristic polynomial
(Haramoto, Matsumoto, Nishimura, Panneton, L'Ecuyer, 2008: Efficient jump ahead for F2-linear random number
generators). The polynomial is found from the words themselves by Berlekamp and Massey's algorithm.
Polynomials are ints here: bit i is the coefficient of x^i.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DEGREE = 19937


def shortest_recurrence(bits: Sequence[int]) -> int:
    """
    Return the characteristic polynomial of the shortest linear recurrence that gives these bits.

    2 x DEGREE bits are needed for one of that degree.
    """
    connection, former = 1, 1
    length, since = 0, 1
    seen = 0
    for place, bit in enumerate(bits):
        seen = seen << 1 | bit
        if (connection & seen).bit_count() & 1:
            if 2 * length <= place:
                connection, former = connection ^ former << since, connection
                length, since = place + 1 - length, 1
                continue
            connection ^= former << since
        since += 1
    return _reversed(connection, length)


def _reversed(polynomial: int, degree: int) -> int:
    return int(format(polynomial, f"0{degree + 1}b")[::-1], 2)


def power_of_x(exponent: int, modulus: int) -> int:
    """Return x^exponent modulo a polynomial."""
    top = modulus.bit_length() - 1
    power = 1
    for digit in format(exponent, "b"):
        power = _reduced(_squared(power), modulus, top)
        if digit == "1":
            power <<= 1
            if power >> top:
                power ^= modulus
    return power


def _squared(polynomial: int) -> int:
    """Over GF(2) the mixed terms of a square cancel: its bits stand twice as far apart."""
    return int("0".join(format(polynomial, "b")), 2)


def _reduced(polynomial: int, modulus: int, top: int) -> int:
    while (above := polynomial.bit_length() - 1 - top) >= 0:
        polynomial ^= modulus << above
    return polynomial


@lru_cache(maxsize=64)
def coefficients(distance: int, modulus: int) -> NDArray[np.intp]:
    """Return the places of the words whose sum is the word ``distance`` places on."""
    bits = format(power_of_x(distance, modulus), "b")[::-1]
    return np.flatnonzero(np.frombuffer(bits.encode(), dtype=np.uint8) == ord("1"))
