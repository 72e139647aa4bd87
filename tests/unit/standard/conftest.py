"""
Editions to be broken: the text of a shipped one, one change at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import pytest

from pytest_ernie.errors import StandardError
from pytest_ernie.standard import Edition, parse


@pytest.fixture(scope="session")
def official() -> str:
    """The text of the official edition."""
    folder = resources.files("pytest_ernie.standard") / "editions"
    return (folder / "ernie-4.5.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def rehearsal() -> str:
    """The text of the rehearsal's edition."""
    folder = resources.files("pytest_ernie.standard") / "editions"
    return (folder / "rehearsal.toml").read_text(encoding="utf-8")


@pytest.fixture
def changed(official: str, rehearsal: str) -> Callable[..., Edition]:
    """Parse an edition in which one text stands for another, everywhere or once."""

    def parse_changed(
        old: str, new: str, *, edition: str = "official", everywhere: bool = False
    ) -> Edition:
        text = official if edition == "official" else rehearsal
        assert old in text, f"the edition doesn't hold {old!r}"
        return parse(text.replace(old, new, -1 if everywhere else 1), "mine.toml")

    return parse_changed


@pytest.fixture
def refused(changed: Callable[..., Edition]) -> Callable[..., str]:
    """Return the words with which the changed edition is refused."""

    def words(old: str, new: str, **how: object) -> str:
        with pytest.raises(StandardError) as caught:
            changed(old, new, **how)
        return str(caught.value)

    return words
