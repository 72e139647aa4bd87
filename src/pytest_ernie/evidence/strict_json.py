"""
JSON that strangers wrote, read so that it means one thing only.

What this suite writes itself is canonical: read and written again it is the same bytes. That leaves no
room for keys that stand twice, for NaN, or for numbers that two readers take differently.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from pytest_ernie.errors import BundleUnusable
from pytest_ernie.standard.digest import canonical

T = TypeVar("T")


def decode_canonical(content: bytes, type: type[T], *, where: object) -> T:
    """
    Return ``content`` as that type; BundleUnusable unless it is exactly how this suite writes it.
    """
    try:
        plain = msgspec.json.decode(content)
        if canonical(plain) != content:
            refuse_ambiguous(content, where=where)
            raise BundleUnusable("the JSON isn't as this suite writes it", where=where)
        return msgspec.convert(plain, type)
    except RecursionError:
        raise BundleUnusable("the JSON is nested too deeply", where=where) from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BundleUnusable(f"the JSON can't be used ({error})", where=where) from None


def refuse_ambiguous(content: bytes, *, where: object) -> None:
    """
    Raise BundleUnusable for a key that stands twice in one object, NaN or infinities, or nesting that no
    record has.
    """
    try:
        json.loads(content, object_pairs_hook=_each_once, parse_constant=_no_constant)
    except _AmbiguousError as why:
        raise BundleUnusable(f"the JSON is ambiguous: {why}", where=where) from None
    except RecursionError:
        raise BundleUnusable("the JSON is nested too deeply", where=where) from None
    except ValueError as error:
        raise BundleUnusable(f"the JSON can't be read ({error})", where=where) from None


class _AmbiguousError(Exception):
    pass


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _AmbiguousError(f"{twice[:80]!a} stands twice in one object")


def _no_constant(name: str) -> None:
    raise _AmbiguousError(f"{name} is no number of JSON")
