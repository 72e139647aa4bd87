"""
How many tokens a text has, by the model's own tokenizer.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ernie.errors import SiteError

Counter = Callable[[str], int]
"""Tokens of a text, without those that a chat template or a beginning-of-text mark adds."""


def counter_of(tokenizer_json: Path) -> Counter:
    """
    Return a counter from a model's ``tokenizer.json``; any other callable serves as well.

    SiteError if the package ``tokenizers`` isn't installed or the file isn't a tokenizer's.
    """
    try:
        tokenizers = importlib.import_module("tokenizers")
    except ImportError as problem:
        raise SiteError(
            "counting tokens needs the package tokenizers",
            where=tokenizer_json,
            got=problem,
            fix="pip install tokenizers",
        ) from problem
    try:
        tokenizer: Any = tokenizers.Tokenizer.from_file(str(tokenizer_json))
    except Exception as problem:  # the package raises nothing narrower
        raise SiteError("no tokenizer", where=tokenizer_json, got=problem) from problem
    # A tokenizer may be told to cut or to fill up texts; a count must do neither.
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
