"""
The JSON Schema of a bundle's manifest: ``python -m pytest_ernie.evidence.bundle_schema`` writes it anew.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import msgspec

from pytest_ernie.evidence.bundle import Manifest

PATH = Path(str(resources.files("pytest_ernie.evidence"))) / "bundle.schema.json"


def generated() -> str:
    """Return the schema that the types give, as JSON text with a final newline."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The manifest of a bundle of evidence",
        **msgspec.json.schema(Manifest),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(generated(), encoding="utf-8")
