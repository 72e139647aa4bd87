"""
How far two honest runs of one recipe differ because the global batch was split in another way.
"""

from __future__ import annotations

from pytest_ernie.standard.fields import Data, NonNegative


class LayoutNoise(Data, frozen=True, kw_only=True):
    """Largest difference over the window, measured from a trained base (docs/training-numerics.md)."""

    float32: NonNegative
    """Replicas, accumulation or cards of a replica differ: the same sums in another order."""
    bfloat16: NonNegative
    """The same of runs in bfloat16."""
    micro_batch: NonNegative
    """Micro batches differ: each is a mean of its own, so another objective is trained."""
