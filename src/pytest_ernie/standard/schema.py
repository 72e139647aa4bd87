"""
The JSON Schema of an edition file: ``python -m pytest_ernie.standard.schema`` writes it anew.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import msgspec

from pytest_ernie.standard.model import Edition

PATH = Path(str(resources.files("pytest_ernie.standard"))) / "edition.schema.json"


def generated() -> str:
    """Return the schema that the types give, as JSON text with a final newline."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An edition of the certification standard",
        **msgspec.json.schema(Edition),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(generated(), encoding="utf-8")
