"""
Digests of data: equal content gives equal bytes, whatever order it was written in.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")


def canonical(value: Any) -> bytes:
    """Return ``value`` as JSON with sorted keys and no spaces; NaN and infinities become null."""
    return _encoder.encode(value)


def digest(value: Any) -> str:
    """Return the sha256 of the canonical JSON of ``value``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()
