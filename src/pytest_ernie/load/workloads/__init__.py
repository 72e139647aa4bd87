"""
Workloads: what a load asks. Prompts with answers of fixed length, drawn once from a seed (R9).

    draw             the prompts of an edition's workload
    read_workload    all prompts of a file or folder, whatever its format
    prepare          count a ShareGPT file once with the model's tokenizer
    random_words     prompts of one length, for tuning

Both sides of a comparison know by a digest that they asked the same.
"""

from __future__ import annotations

from .candidates import Candidates, Drawn, digest_of, sample
from .checked import check_prompt_tokens
from .counters import Counter, counter_of
from .drawing import draw
from .prepared import Header, prepare
from .random_words import random_words
from .recognise import candidates_of, read_workload

__all__ = [
    "Candidates",
    "Counter",
    "Drawn",
    "Header",
    "candidates_of",
    "check_prompt_tokens",
    "counter_of",
    "digest_of",
    "draw",
    "prepare",
    "random_words",
    "read_workload",
    "sample",
]
