"""
The kinds of values that an edition's data are made of.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Method = Literal["sft", "sft_lora"]
Modality = Literal["text", "multimodal"]

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
NaturalNumber = Annotated[int, Meta(ge=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Sentence = Annotated[str, Meta(min_length=1)]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything read from an edition: immutable, and strict about its keys."""


def fraction(value: float | None, name: str) -> None:
    """Raise ValueError unless a value is above 0 and at most 1, or None."""
    if value is None or 0 < value <= 1:
        return
    hint = f", so give {value / 100:g}" if 1 < value <= 100 else " above 0 and at most 1"
    raise ValueError(f"{name} is {value:g}; it is a fraction{hint}")
