"""
Intel Gaudi 2.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="hpu",
    title="Intel Gaudi",
    paddle_name="intel_hpu",
    visible_variable="HPU_VISIBLE_DEVICES",
    engine_environment={"PADDLE_XCCL_BACKEND": "intel_hpu", "FD_ATTENTION_BACKEND": "HPU_ATTN"},
)
