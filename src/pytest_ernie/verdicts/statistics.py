"""
The two statistics of R4, on plain arrays.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def theil_sen_slope(values: ArrayLike) -> float:
    """
    Return the median slope over all pairs of points one step apart (Theil 1950, Sen 1968).

    ``values`` has shape (n,), n >= 2; the slope is in units of the values per step.
    """
    import numpy as np  # only judging needs it; every pytest run loads this file

    y = np.asarray(values, dtype=float)
    left, right = np.triu_indices(len(y), k=1)
    return float(np.median((y[right] - y[left]) / (right - left)))


def mann_kendall_p_increasing(values: ArrayLike) -> float:
    """
    Return the one-sided p value of the Mann-Kendall test against an increasing trend.

    Normal approximation with the correction for ties and for continuity (Kendall 1975). Values that
    are all equal have no trend: 1.0.
    """
    import numpy as np  # only judging needs it; every pytest run loads this file

    y = np.asarray(values, dtype=float)
    n = len(y)
    left, right = np.triu_indices(n, k=1)
    s = float(np.sign(y[right] - y[left]).sum())
    _, repeats = np.unique(y, return_counts=True)
    ties = float((repeats * (repeats - 1) * (2 * repeats + 5)).sum())
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if variance <= 0:
        return 1.0
    z = (s - np.sign(s)) / variance**0.5
    return 1.0 - NormalDist().cdf(z)
