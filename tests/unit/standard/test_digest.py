"""
Digests: equal content gives equal bytes, unequal content doesn't.
"""

from __future__ import annotations

import math

import pytest

from pytest_ernie.standard import canonical, digest


def test_the_order_of_keys_changes_nothing() -> None:
    """
    Two writers of the same facts get the same digest, at every depth.
    """
    one = {"b": {"y": 1, "x": [1, 2]}, "a": None}
    two = {"a": None, "b": {"x": [1, 2], "y": 1}}

    assert digest(one) == digest(two)


def test_the_order_of_lists_does() -> None:
    """
    A list is an order: of prompts, of cards, of depths.
    """
    assert digest([1, 2]) != digest([2, 1])


def test_the_bytes_are_the_shortest_json() -> None:
    """
    Others can compute the digest too: sorted keys, no spaces, UTF-8 as it is.
    """
    value = {"title": "认证", "b": 0.1, "a": [True, None, 1]}

    assert '{"a":[true,null,1],"b":0.1,"title":"认证"}'.encode() == canonical(value)


def test_the_digest_is_the_sha256_of_those_bytes() -> None:
    """
    Known value, computed with sha256sum.
    """
    expected = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

    assert expected == digest({})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_becomes_null(value: float) -> None:
    """
    JSON has no NaN; null is never mistaken for a measured 0.
    """
    assert canonical({"loss": value}) == b'{"loss":null}'


@pytest.mark.parametrize(
    ("one", "two"), [(1, 1.0), (1, True), (0, None), ("1", 1), ([], {}), ("", None)]
)
def test_what_looks_alike_is_told_apart(one: object, two: object) -> None:
    """
    A card count of 1 is not the text "1", and nothing is not zero.
    """
    assert digest({"x": one}) != digest({"x": two})
