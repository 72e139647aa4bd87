"""
The JSON Schema of a bundle's manifest: ``python -m pytest_ernie.evidence.bundle_schema`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from pytest_ernie.evidence.bundle import Manifest
from pytest_ernie.standard.json_schema import schema_text

PATH = Path(__file__).with_name("bundle.schema.json")


def generated() -> str:
    """Return the schema as it is committed."""
    return schema_text(Manifest, "The manifest of a bundle of evidence")


if __name__ == "__main__":
    PATH.write_text(generated(), encoding="utf-8")
