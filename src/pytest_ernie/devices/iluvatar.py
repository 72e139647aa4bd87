"""
Iluvatar CoreX BI150; it listens to CUDA's variable.
"""

from __future__ import annotations

from pytest_ernie.devices.accelerator import Accelerator

DEVICE = Accelerator(
    kind="iluvatar",
    title="Iluvatar GPU",
    paddle_name="iluvatar_gpu",
    visible_variable="CUDA_VISIBLE_DEVICES",
    engine_environment={"PADDLE_XCCL_BACKEND": "iluvatar_gpu", "FD_SAMPLING_CLASS": "rejection"},
)
