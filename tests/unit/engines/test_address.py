"""
Addresses of servers: what is none, and what would put a key into evidence.
"""

from __future__ import annotations

import pytest

from pytest_ernie.engines.address import checked_address
from pytest_ernie.errors import UsageProblem


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8180/v1", "http://127.0.0.1:8180/v1"),
        ("https://box.lab/v1/", "https://box.lab/v1"),
        (" http://[::1]:80/v1 ", "http://[::1]:80/v1"),
    ],
)
def test_an_address_stays_as_it_is(text: str, address: str) -> None:
    """
    But for the slash at its end.
    """
    assert address == checked_address(text, where="--endpoint")


@pytest.mark.parametrize(
    "text",
    ["127.0.0.1:8180", "localhost/v1", "ftp://h/v1", "http:///v1", "http://h:x/v1", "http://h:0/v1",
     "http://[::1/v1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    """
    With an example.
    """
    with pytest.raises(
        UsageProblem, match=r"this is no address.*wanted http://HOST:PORT/v1"
    ) as caught:
        checked_address(text, where="--endpoint")
    assert str(caught.value).startswith("--endpoint: ")


@pytest.mark.parametrize(
    "text", ["http://me:s3cret@h/v1", "http://me@h/v1", "https://h/v1?key=s3cret"]
)
def test_an_address_with_a_key_is_refused_and_not_repeated(text: str) -> None:
    """
    Messages end in logs, too.
    """
    with pytest.raises(UsageProblem, match="would be written down") as caught:
        checked_address(text, where="--endpoint")
    assert "s3cret" not in str(caught.value)
