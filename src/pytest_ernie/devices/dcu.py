"""
Hygon K100AI; no variable to choose cards is documented.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="dcu",
    title="Hygon DCU",
    paddle_name="gpu",
    visible_variable=None,
    engine_environment={"FD_ATTENTION_BACKEND": "BLOCK_ATTN"},
)
