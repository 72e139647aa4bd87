"""
PaddlePaddle's random numbers on a CPU: ``std::mt19937_64`` seeded by ``std::seed_seq``.

LoRA starts from random numbers, so two frameworks can only agree if they draw the same. PaddleFormers
draws the whole model before it loads the weights over it; that many numbers are passed over here.
On accelerators each vendor's kernel draws others from the same seed: docs/training-numerics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .jump import DEGREE, coefficients, shortest_recurrence

SIZE, SHIFT = 312, 156
WORD = 0xFFFFFFFF
UPPER, LOWER = np.uint64(0xFFFFFFFF80000000), np.uint64(0x7FFFFFFF)
TWIST = np.uint64(0xB5026F5AA96619E9)
WORTH_A_JUMP = 1_000_000
"""Words; drawing fewer is quicker than jumping over them."""
PAIRS_AT_ONCE = 1 << 20
BELOW_ONE = np.nextafter(np.float32(1), np.float32(0))


class Draws:
    """A stream of numbers; each call takes the next ones."""

    def __init__(self, seed: int) -> None:
        words = np.array(seed_sequence([seed & WORD], 2 * SIZE), dtype=np.uint64)
        self._state = words[0::2] | (words[1::2] << np.uint64(32))
        self._block = np.empty(0, dtype=np.uint64)

    def uniform(self, count: int, low: float, high: float) -> NDArray[np.float32]:
        """Return the next ``count`` numbers between ``low`` and ``high``."""
        drawn: NDArray[np.float32] = self._unit(count) * (np.float32(high) - np.float32(low))
        drawn += np.float32(low)
        return drawn

    def skip(self, count: int) -> None:
        """Pass over ``count`` uniform numbers."""
        if count > WORTH_A_JUMP:
            self._jump(count)
            return
        while count > len(self._block):
            count -= len(self._block)
            self._block = self._twisted()
        self._block = self._block[count:]

    def skip_normal(self, count: int) -> None:
        """Pass over ``count`` normal numbers (Marsaglia's polar method draws again at times)."""
        pairs = (count + 1) // 2
        while pairs:
            pair = self._unit(2 * min(pairs, PAIRS_AT_ONCE)).reshape(-1, 2) * np.float32(
                2
            ) - np.float32(1)
            radius = pair[:, 0] * pair[:, 0] + pair[:, 1] * pair[:, 1]
            pairs -= int(((radius <= 1) & (radius != 0)).sum())

    def _unit(self, count: int) -> NDArray[np.float32]:
        parts: list[NDArray[np.uint64]] = []
        while count > 0:
            if not len(self._block):
                self._block = self._twisted()
            parts.append(self._block[:count])
            self._block = self._block[len(parts[-1]) :]
            count -= len(parts[-1])
        words = _tempered(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)
        unit: NDArray[np.float32] = words.astype(np.float32) / np.float32(2.0**64)
        unit[unit == 1] = BELOW_ONE  # as the C++ library does
        return unit

    def _jump(self, count: int) -> None:
        """The words after the jump are sums of those that come next, place by place."""
        words = self._ahead(DEGREE + SIZE)
        places = coefficients(count, characteristic())
        windows = np.lib.stride_tricks.sliding_window_view(words, SIZE)
        self._state = np.bitwise_xor.reduce(windows[places], axis=0)
        self._block = self._state.copy()

    def _ahead(self, count: int) -> NDArray[np.uint64]:
        """Return the next words, untempered."""
        parts = [self._block]
        while sum(map(len, parts)) < count:
            parts.append(self._twisted())
        return np.concatenate(parts)[:count]

    def _twisted(self) -> NDArray[np.uint64]:
        """Return the next SIZE words, untempered."""
        state = self._state
        for part, far in (
            (slice(0, SHIFT), slice(SHIFT, SIZE)),
            (slice(SHIFT, SIZE), slice(0, SHIFT)),
        ):
            following = np.roll(state, -1)[part]
            mixed = (state[part] & UPPER) | (following & LOWER)
            odd = (mixed & np.uint64(1)) * TWIST
            state[part] = state[far] ^ (mixed >> np.uint64(1)) ^ odd
        block: NDArray[np.uint64] = state.copy()
        return block


@lru_cache(maxsize=1)
def characteristic() -> int:
    """Return the generator's characteristic polynomial, found from the lowest bits of its words."""
    return shortest_recurrence([int(word) & 1 for word in Draws(1)._ahead(2 * DEGREE)])


def _tempered(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words ^ ((words >> np.uint64(29)) & np.uint64(0x5555555555555555))
    words = words ^ ((words << np.uint64(17)) & np.uint64(0x71D67FFFEDA60000))
    words = words ^ ((words << np.uint64(37)) & np.uint64(0xFFF7EEE000000000))
    tempered: NDArray[np.uint64] = words ^ (words >> np.uint64(43))
    return tempered


def seed_sequence(values: Sequence[int], count: int) -> list[int]:
    """Return what ``std::seed_seq(values)`` generates: ``count`` 32-bit words ([rand.util.seedseq])."""
    words = [0x8B8B8B8B] * count
    if count >= 623:
        t = 11
    elif count >= 68:
        t = 7
    elif count >= 39:
        t = 5
    else:
        t = 3 if count >= 7 else (count - 1) // 2
    p = (count - t) // 2
    q = p + t
    rounds = max(len(values) + 1, count)
    for k in range(rounds):
        i, near, far = k % count, (k + p) % count, (k + q) % count
        first = 1664525 * _mixed(words[i] ^ words[near] ^ words[(k - 1) % count]) & WORD
        added = len(values) if k == 0 else i + (values[k - 1] if k <= len(values) else 0)
        second = (first + added) & WORD
        words[near] = (words[near] + first) & WORD
        words[far] = (words[far] + second) & WORD
        words[i] = second
    for k in range(rounds, rounds + count):
        i, near, far = k % count, (k + p) % count, (k + q) % count
        total = (words[i] + words[near] + words[(k - 1) % count]) & WORD
        first = 1566083941 * _mixed(total) & WORD
        second = (first - i) & WORD
        words[near] ^= first
        words[far] ^= second
        words[i] = second
    return words


def _mixed(word: int) -> int:
    return word ^ (word >> 27)
