"""
The learning rate of each step, by PaddleFormers' rule (trainer/trainer_utils.py).
"""

from __future__ import annotations

import math

from .job import Job


def learning_rate(job: Job, step: int) -> float:
    """
    Return the rate by which step ``step`` (from 1) is taken: the first of a warm-up is 0.

    What PaddleFormers logs beside a step is the next step's rate.
    """
    done = step - 1
    if done < job.warmup_steps:
        return job.learning_rate * done / max(1, job.warmup_steps)
    if job.schedule == "constant":
        return job.learning_rate
    left = max(1, job.steps - job.warmup_steps)
    if job.schedule == "linear":
        return job.learning_rate * max(0.0, (job.steps - done) / left)
    share = max(0.0, 0.5 * (1.0 + math.cos(math.pi * (done - job.warmup_steps) / left)))
    lowest = job.min_learning_rate / job.learning_rate
    return job.learning_rate * (share * (1.0 - lowest) + lowest)
