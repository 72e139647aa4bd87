"""
MetaX C550.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="metax",
    title="MetaX GPU",
    paddle_name="metax_gpu",
    visible_variable="MACA_VISIBLE_DEVICES",
    engine_environment={},
)
