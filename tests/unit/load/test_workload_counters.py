"""
Counting tokens with a model's own tokenizer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import pytest_ernie
from pytest_ernie.errors import SiteError
from pytest_ernie.load.workloads import counter_of

TOKENIZER = Path(pytest_ernie.__file__).parent / "rehearsal" / "checkpoint" / "tokenizer.json"


def test_a_tokenizer_counts_its_tokens() -> None:
    """The rehearsal's knows these words; nothing is added."""
    count = counter_of(TOKENIZER)

    assert count("") == 0
    assert count("old river road") == 3
    assert count("old river road " * 5000) > 14_999


@pytest.mark.parametrize("content", [None, b"{", b'{"model": 3}'])
def test_what_is_no_tokenizer_is_named(tmp_path: Path, content: bytes | None) -> None:
    """With what the package says of it."""
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SiteError, match=r"tokenizer\.json: no tokenizer; got "):
        counter_of(path)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is needed for this alone."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(SiteError) as caught:
        counter_of(TOKENIZER)

    assert str(caught.value).startswith(
        f"{TOKENIZER}: counting tokens needs the package tokenizers; got "
    )
    assert str(caught.value).endswith(". pip install tokenizers")
