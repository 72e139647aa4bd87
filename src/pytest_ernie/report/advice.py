"""
What to do about a criterion that isn't PASS: the first thing to look at, by clause and word.
"""

from __future__ import annotations

from pytest_ernie.verdicts import Verdict, Word

_FAILED = {
    "training.loss": (
        "Look at where the difference begins: from the first steps, compare weights, data order, "
        "precision and optimizer; later, compare kernels in float32 on a few hundred steps"
    ),
    "training.throughput": (
        "Look at the first steps (compilation, data loading) and the slowest ones in the log; then "
        "at the parallel layout, which may differ from the reference's"
    ),
    "training.context": (
        "Look at the memory and at the attention kernel of this length: a shorter length that passes "
        "points at either"
    ),
    "inference.datatype": (
        "Start the engine with this data type and check the checkpoint's quantization_config; layers "
        "that stay in a wider type are named in the message"
    ),
    "inference.throughput": (
        "Look at which limit the next load breaks: the first token points at prefill and scheduling, "
        "decode speed at kernels and batching"
    ),
    "inference.context": (
        "Read the server's own words in the message; raise its window and memory share, and check how "
        "it extends positions beyond 32K"
    ),
    "inference.accuracy": (
        "Read the answers that flipped: gibberish points at a kernel, cut answers at a limit of tokens, "
        "and equally many flips each way at too few questions"
    ),
}
_INCONCLUSIVE = (
    "Mend what the message names and run the same command again: what is recorded is not measured "
    "again"
)
_NOT_RUN = "Run it: nothing was tried, and silence never certifies"
_RECORDED = "Nothing: this run made a reference"


def advice(clause: str, verdict: Verdict) -> str:
    """Return a sentence for whoever must mend it; empty for a PASS."""
    if verdict.word is Word.FAIL:
        return _FAILED.get(clause, "")
    return {
        Word.INCONCLUSIVE: _INCONCLUSIVE,
        Word.NOT_RUN: _NOT_RUN,
        Word.RECORDED: _RECORDED,
    }.get(verdict.word, "")


def again(name: str) -> str:
    """Return what chooses a criterion on the command line."""
    clause, _, rest = name.partition("[")
    phase, subject = clause.split(".")
    return f'-m "{phase} and {subject}" -k "{rest.removesuffix("]")}"'
