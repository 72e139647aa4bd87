"""
Planted in a server's environment: ``transformers serve`` answers at most so many requests at once.

Python imports a module of this name from PYTHONPATH when it starts. ERNIE_PLANTED_BATCH says how many.
"""

from __future__ import annotations

import os
import sys

if "serve" in sys.orig_argv:
    from transformers.generation.configuration_utils import ContinuousBatchingConfig

    ContinuousBatchingConfig.max_requests_per_batch = int(os.environ["ERNIE_PLANTED_BATCH"])
    _before = ContinuousBatchingConfig.__post_init__

    def _limited(self: ContinuousBatchingConfig) -> None:
        _before(self)
        self.max_requests_per_batch = int(os.environ["ERNIE_PLANTED_BATCH"])

    ContinuousBatchingConfig.__post_init__ = _limited
