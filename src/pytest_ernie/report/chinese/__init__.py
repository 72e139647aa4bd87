"""
What a report says, in Chinese: whole phrases, and patterns for sentences that hold figures.

Terms are the standard's own (上下文长度, 数据类型支持, 首token时延, 解码速度, 单机TPS, 效果). What a
pattern's group holds is translated again where that is known; figures, names and quotations stay as they are.
"""

from __future__ import annotations

from pytest_ernie.report.chinese import answers, causes, page, pictures, sentences, training

_PARTS = (page, sentences, answers, training, pictures, causes)

PHRASES: dict[str, str] = {key: told for part in _PARTS for key, told in part.PHRASES.items()}

PATTERNS: tuple[tuple[str, str], ...] = tuple(pair for part in _PARTS for pair in part.PATTERNS)
"""Pattern of a whole English sentence, and what to say instead; ``\\1`` is its first group."""
