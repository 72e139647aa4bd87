"""
Kunlunxin P800 and its kin.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="xpu",
    title="Kunlunxin XPU",
    paddle_name="xpu",
    visible_variable="XPU_VISIBLE_DEVICES",
    engine_environment={},
)
