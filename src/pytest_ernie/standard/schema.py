"""
The JSON Schema of an edition file: ``python -m pytest_ernie.standard.schema`` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from pytest_ernie.standard.json_schema import schema_text
from pytest_ernie.standard.model import Edition

PATH = Path(__file__).with_name("edition.schema.json")


def generated() -> str:
    """Return the schema as it is committed."""
    return schema_text(Edition, "An edition of the certification standard")


if __name__ == "__main__":
    PATH.write_text(generated(), encoding="utf-8")
