"""
docs/devices.md: its tables are what the code says.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ernie.devices import KINDS, shipped
from pytest_ernie.devices.accelerator import Accelerator

PAGE = (Path(__file__).parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
DEVICES = [device for kind in KINDS if isinstance(device := shipped(kind), Accelerator)]


def tool_row(device: Accelerator) -> str:
    """The first table's row."""
    assert device.tool is not None
    chosen = f"`{device.visible_variable}`" if device.visible_variable else "–"
    return (
        f"| {device.kind} | {device.title} | `{device.tool.names[0]}` | {device.tool.tested_on} "
        f"| {chosen} |"
    )


def needs_row(device: Accelerator) -> str:
    """The second table's row."""
    needs = []
    for need in device.needs:
        text = f"{need.title} ≥ {need.at_least}"
        text += f" ({need.newer})" if need.newer else ""
        needs.append(text + (" – a note only" if need.advice else ""))
    source = f" ({device.needs[0].source})" if needs else ""
    return f"| {device.kind} | {'; '.join(needs) or 'nothing documented'}{source} |"


def environment_row(device: Accelerator) -> str:
    """The third table's row."""
    shown = ", ".join(f"`{name}={value}`" for name, value in device.engine_environment.items())
    return f"| {device.kind} | {shown} |"


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.kind)
def test_the_tables_are_what_the_code_says(device: Accelerator) -> None:
    """
    A tool, a variable or a version that changes in the code changes on the page.
    """
    assert tool_row(device) in PAGE.splitlines()
    assert needs_row(device) in PAGE.splitlines()
    assert not device.engine_environment or environment_row(device) in PAGE.splitlines()


def test_the_tables_have_no_other_rows() -> None:
    """
    Eight accelerators in each of the first two tables, in the third those with variables.
    """
    rows = [
        line for line in PAGE.splitlines() if line.startswith("| ") and "`--device`" not in line
    ]

    assert len(rows) == 2 * 8 + sum(bool(device.engine_environment) for device in DEVICES)
