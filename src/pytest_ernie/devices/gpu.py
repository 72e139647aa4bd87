"""
NVIDIA GPUs, the benchmark's own kind (A100, A800).
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="gpu",
    title="NVIDIA GPU",
    paddle_name="gpu",
    visible_variable="CUDA_VISIBLE_DEVICES",
    engine_environment={},
)
