"""
The two context clauses (R12): 上下文长度 8K, 32K, 128K, in training and in serving.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from pytest_ernie.standard.model import ServingContextRule, TrainingContextRule
from pytest_ernie.verdicts.verdict import ROUNDING, Verdict, inconclusive, passed, shown

Curve = Mapping[int, float]


class Memory(Struct, frozen=True, kw_only=True):
    """What a run took of a card's memory, GiB; None where nothing tells."""

    peak_gib: float | None = None
    there_gib: float | None = None
    ran_out: str | None = None
    """The trainer's words when it didn't suffice."""

    @property
    def words(self) -> str:
        """Peak and size, or the half that is known, or nothing."""
        if self.peak_gib is None:
            return "" if self.there_gib is None else f"a card has {self.there_gib:.4g} GiB"
        of = "" if self.there_gib is None else f" of {self.there_gib:.4g}"
        return f"memory peak {self.peak_gib:.3g}{of} GiB"


UNKNOWN_MEMORY = Memory()


def training_context(
    candidate: Curve,
    reference: Curve | None,
    *,
    sample_tokens: Sequence[int],
    length: int,
    rule: TrainingContextRule,
    memory: Memory = UNKNOWN_MEMORY,
) -> Verdict:
    """
    Judge a run with samples filled to ``length`` tokens: it completes, its loss is finite, and it
    follows the reference's within the tolerance where one exists. A device whose memory doesn't
    suffice fails.
    """
    verdict = _training_context(candidate, reference, sample_tokens, length, rule, memory)
    if memory.peak_gib is None:
        return verdict
    return msgspec.structs.replace(
        verdict,
        notes=(*verdict.notes, memory.words),
        numbers={**verdict.numbers, "memory_peak_gib": memory.peak_gib},
    )


def _training_context(
    candidate: Curve,
    reference: Curve | None,
    sample_tokens: Sequence[int],
    length: int,
    rule: TrainingContextRule,
    memory: Memory,
) -> Verdict:
    required = f"{rule.steps} steps of {length} tokens, finite loss within {rule.tolerance:g}"
    steps = range(1, rule.steps + 1)
    if bad := [step for step in steps if not math.isfinite(candidate.get(step, 0.0))]:
        return Verdict(
            word=passed(False),
            message=f"the loss is {candidate[bad[0]]} at step {bad[0]} with {length} tokens a sample",
            measured=f"{candidate[bad[0]]} at step {bad[0]}",
            required=required,
            numbers={"first_bad_step": bad[0]},
        )
    if memory.ran_out is not None:
        after = f"after step {max(candidate)}" if candidate else "before its first step"
        figure = f" ({memory.words})" if memory.words else ""
        return Verdict(
            word=passed(False),
            message=f"the device ran out of memory {after} with {length} tokens a sample{figure}: "
            f"{memory.ran_out}",
            measured=f"out of memory {after}",
            required=required,
            numbers={"length": length, "steps": len(candidate)},
        )
    if missing := [step for step in steps if step not in candidate]:
        return inconclusive(
            f"the log has no loss for step {missing[0]} of {rule.steps}", required=required
        )
    least = min(sample_tokens, default=0)
    if least < rule.filled_share * length:
        return inconclusive(
            f"a sample holds {least} tokens, so {length} were not shown; every sample must fill at "
            f"least {rule.filled_share:.0%} of the length",
            required=required,
        )
    done = f"{rule.steps} steps of {length} tokens ran with finite loss"
    numbers: dict[str, float | int | str | None] = {"length": length, "least_sample_tokens": least}
    if reference is None:
        return Verdict(
            word=passed(True),
            message=f"{done}; no reference to compare the loss with",
            measured=f"{rule.steps} steps, finite",
            required=required,
            notes=("without a reference the loss was only checked to be finite (R12)",),
            numbers=numbers,
        )
    if missing := [step for step in steps if not math.isfinite(reference.get(step, math.nan))]:
        return inconclusive(
            f"the reference has no finite loss for step {missing[0]} of {rule.steps}",
            required=required,
        )
    worst = max(steps, key=lambda step: abs(candidate[step] - reference[step]))
    largest = abs(candidate[worst] - reference[worst])
    return Verdict(
        word=passed(largest <= rule.tolerance + ROUNDING),
        message=f"{done}; the largest difference from the reference is "
        f"{shown(largest, rule.tolerance, 3, 'g')} at step {worst}, {rule.tolerance:g} is allowed",
        measured=f"largest difference {shown(largest, rule.tolerance, 2, 'g')}",
        required=required,
        numbers={**numbers, "largest_difference": largest, "largest_at_step": worst},
    )


class ContextAnswer(Struct, frozen=True, kw_only=True):
    """
    What a server did with a prompt that fills ``length`` tokens.

    ``prompt_tokens`` is the server's own count; ``found`` says for each needle, from the front of
    the prompt, whether it was given back.
    """

    length: int
    prompt_tokens: int | None
    accepted: bool
    answered: bool
    refusal: str | None
    found: tuple[bool, ...]


def serving_context(
    candidate: ContextAnswer, reference: ContextAnswer, rule: ServingContextRule
) -> Verdict:
    """
    Judge a prompt that fills the window: accepted, counted by the server, answered, and as many
    needles given back as by the reference, less the few that the edition allows.

    A reference that doesn't hold itself, or gives back so few needles that none need be found,
    proves nothing: INCONCLUSIVE, however well the candidate did.
    """
    length = candidate.length
    least = math.ceil(rule.filled_share * length)
    required = f"≥ {least} prompt tokens, answered, needles like the reference"
    if problem := _unmet(candidate, least):
        return Verdict(word=passed(False), message=problem, required=required)
    if candidate.prompt_tokens is None:
        return inconclusive(
            "the server doesn't report usage.prompt_tokens, so the length isn't proven",
            required=required,
        )
    if problem := _no_measure(candidate, reference, least, rule):
        return inconclusive(problem, required=required)
    found, expected = sum(candidate.found), sum(reference.found)
    wanted = max(0, expected - rule.needles_lost_max)
    return Verdict(
        word=passed(found >= wanted),
        message=f"a prompt of {candidate.prompt_tokens} tokens was accepted and answered; {found} of "
        f"{len(candidate.found)} needles were given back, the reference gave {expected}, "
        f"at least {wanted} are required",
        measured=f"{candidate.prompt_tokens} tokens, {found}/{len(candidate.found)} needles",
        required=required,
        notes=()
        if wanted
        else ("the reference gives back so few needles that they prove nothing at this length",),
        numbers={
            "prompt_tokens": candidate.prompt_tokens,
            "needles_found": found,
            "needles_found_by_reference": expected,
        },
    )


def _no_measure(
    candidate: ContextAnswer, reference: ContextAnswer, least: int, rule: ServingContextRule
) -> str | None:
    """Say why the reference can't be what the candidate's needles are measured by, or None."""
    asked = len(rule.needle_depths)
    for side, answer in (("candidate", candidate), ("reference", reference)):
        if len(answer.found) != asked:
            return f"the {side} was asked for {len(answer.found)} needles, the edition has {asked}"
    if reference.length != candidate.length:
        return (
            f"the reference's prompt was to fill {reference.length} tokens, "
            f"the candidate's {candidate.length}"
        )
    if problem := _unmet(reference, least):
        return f"the reference doesn't hold itself: {problem}"
    if reference.prompt_tokens is None:
        return "the reference's server doesn't report usage.prompt_tokens"
    if sum(reference.found) < rule.reference_needles_min:
        return (
            f"the reference gives back {sum(reference.found)} of {asked} needles; fewer than "
            f"{rule.reference_needles_min} prove nothing"
        )
    return None


def _unmet(answer: ContextAnswer, least: int) -> str | None:
    if not answer.accepted:
        return f"the server refused a prompt of {answer.length} tokens: {answer.refusal}"
    if not answer.answered:
        why = f": {answer.refusal}" if answer.refusal else ""
        return f"the server accepted a prompt of {answer.length} tokens and gave no answer{why}"
    if answer.prompt_tokens is not None and answer.prompt_tokens < least:
        return (
            f"the server counted {answer.prompt_tokens} prompt tokens; a prompt that fills "
            f"{answer.length} must count at least {least}"
        )
    return None
