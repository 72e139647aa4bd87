"""
Enflame S60; no variable to choose cards is documented.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="gcu",
    title="Enflame GCU",
    paddle_name="gcu",
    visible_variable=None,
    engine_environment={},
)
