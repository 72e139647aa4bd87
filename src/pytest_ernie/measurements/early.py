"""
``--stop-early``: end a training run that can no longer pass, and say what that saves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from pytest_ernie.standard.model import LossRule
from pytest_ernie.trainers.protocol import Enough
from pytest_ernie.trainers.step_line import Step
from pytest_ernie.verdicts.early import cannot_pass


class StopEarly:
    """Watches a run beside the reference's losses; raises ``Enough`` when it can no longer pass."""

    def __init__(self, reference: Mapping[int, float], rule: LossRule, cards: int) -> None:
        self._reference, self._rule, self._cards = reference, rule, cards
        self._seen: dict[int, float] = {}
        self._began_s = math.nan
        self.said: str | None = None
        """Why the run was ended and what that saved, None while it goes on."""

    def __call__(self, step: Step) -> None:
        now_s = time.monotonic()
        if not self._seen:
            self._began_s = now_s
        self._seen[step.step] = math.nan if step.loss is None else step.loss
        why = cannot_pass(self._seen, self._reference, self._rule)
        if why is not None and self.said is None:
            self.said = self._words(why, step.step, now_s - self._began_s)
            raise Enough(self.said)

    def _words(self, why: str, step: int, elapsed_s: float) -> str:
        left = max(0, self._rule.last_step - step)
        a_step_s = elapsed_s / (len(self._seen) - 1) if len(self._seen) > 1 else 0.0
        card_hours = left * a_step_s * self._cards / 3600
        return (
            f"stopped early after step {step} of {self._rule.last_step}, because the run can no longer "
            f"pass: {why}. That saved {card_hours:.2g} card-hours"
        )
