"""
When a run that isn't over yet can no longer pass (``--stop-early``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_ernie.standard.model import LossRule
from pytest_ernie.verdicts.verdict import ROUNDING


def cannot_pass(
    seen: Mapping[int, float], reference: Mapping[int, float], rule: LossRule
) -> str | None:
    """
    Say why the loss clause fails whatever the missing steps will show, or None while it may hold.

    A loss that is no number fails at once, and so does one outlier more than is allowed. What lies before
    the window isn't judged, however far off; and divergence is known only at the end.
    """
    for step in sorted(seen):
        if step <= rule.last_step and not math.isfinite(seen[step]):
            return f"the loss is {seen[step]} at step {step}"
    outliers = [
        step
        for step in range(rule.first_step, rule.last_step + 1)
        if step in seen
        and abs(seen[step] - reference.get(step, math.nan)) > rule.tolerance + ROUNDING
    ]
    if len(outliers) <= rule.max_outliers:
        return None
    return (
        f"{len(outliers)} steps differ by more than {rule.tolerance:g} already, "
        f"{rule.max_outliers} are allowed (steps {', '.join(map(str, outliers[:5]))}, …)"
    )
