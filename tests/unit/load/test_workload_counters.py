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


def test_what_a_tokenizer_would_do_to_texts_is_not_counted(tmp_path: Path) -> None:
    """To cut them, to fill them up, to add a mark: no token of the text is lost, and none is made up."""
    from tokenizers import Tokenizer
    from tokenizers.processors import TemplateProcessing

    told = Tokenizer.from_file(str(TOKENIZER))
    told.enable_truncation(2)
    told.enable_padding(length=50)
    token = told.id_to_token(0)
    told.post_processor = TemplateProcessing(single=f"{token} $A", special_tokens=[(token, 0)])
    told.save(str(tmp_path / "tokenizer.json"))

    assert len(told.encode("old river road").ids) == 50
    assert counter_of(tmp_path / "tokenizer.json")("old river road") == 3


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
