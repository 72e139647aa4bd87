"""
The data types of the standard, and what a server of one must show (R13).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from pytest_ernie.standard.fields import Data, Sentence

DataType = Literal["bf16", "wint8", "wint4", "w4a8"]


class DataTypeRule(Data, frozen=True, kw_only=True):
    """
    What a server of a data type must show (R13).

    Weight types are those of matrices: ``int8``, ``int4``, ``bfloat16``, ``float16``, ``float32``.
    """

    name: DataType
    dense: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Types that the matrices of a dense model may have."""
    experts: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Types that expert matrices of a MoE model may have."""
    beside_experts: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Types that the other matrices of a MoE model may have (FastDeploy's wint4 keeps them WINT8)."""
    activations: Annotated[tuple[Sentence, ...], Meta(min_length=1)]
    """Types of the quantized layers' activations."""
    kept: tuple[Sentence, ...]
    """Parts of the names of matrices that may stay as they are (embedding, output, router)."""
