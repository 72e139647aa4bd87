"""
The rehearsal: a tiny trained ERNIE 4.5, its supervised data and its held-out questions.

It lets every measurement of the suite run for real in minutes and without an accelerator. It
never certifies: the model is not one of the standard's five.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def checkpoint() -> Path:
    """The folder of the base model, in Hugging Face layout: fp32 weights and tokenizer."""
    return _HERE / "checkpoint"


def supervised_data() -> Path:
    """The 4000 samples of a fine-tuning run: 500 steps of 8, each sample once."""
    return _HERE / "data" / "sft.jsonl"


def held_out_questions(task: str) -> Path:
    """The held-out questions of one of `tasks.TASKS`."""
    return _HERE / "data" / "heldout" / f"{task}.jsonl"


def manifest() -> Path:
    """Digests of all shipped files and how they were made."""
    return _HERE / "MANIFEST.json"
