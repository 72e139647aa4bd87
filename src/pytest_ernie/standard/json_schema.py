"""
The text of a committed JSON Schema, made of the types that read what it describes.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(type: Any, title: str) -> str:
    """Return the schema that a type gives, as JSON text with a final newline."""
    schema = {"$schema": DIALECT, "title": title, **msgspec.json.schema(type)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
