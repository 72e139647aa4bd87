"""
Devices: one file per kind of accelerator.
"""

from __future__ import annotations

from importlib import import_module

from pytest_ernie.devices.protocol import Device

KINDS = ("cpu", "gpu", "xpu", "npu", "iluvatar", "gcu", "metax", "dcu", "hpu")
"""What ``--device`` takes, before a chip maker's own package adds to it."""


def shipped(kind: str) -> Device:
    """Return the device of a shipped kind (or ``endpoint``)."""
    device: Device = import_module(f"pytest_ernie.devices.{kind}").DEVICE
    return device


__all__ = ["KINDS", "Device", "shipped"]
