"""
Huawei Ascend.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="npu",
    title="Ascend NPU",
    paddle_name="npu",
    visible_variable="ASCEND_RT_VISIBLE_DEVICES",
    engine_environment={},
)
