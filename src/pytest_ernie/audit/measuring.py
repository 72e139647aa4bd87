"""
Measuring some criteria again: drawn by lot, into a folder of its own, and compared with what is recorded.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from pytest_ernie.audit import plausible
from pytest_ernie.audit.plausible import Finding
from pytest_ernie.comparison import comparable, loss_at_length, loss_of
from pytest_ernie.errors import ErnieError
from pytest_ernie.evidence import Record, Store
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.planned import durations_s
from pytest_ernie.questions import Question
from pytest_ernie.standard import Criterion, Edition


def recorded(edition: Edition, store: Store, chosen: Iterable[Criterion]) -> list[Criterion]:
    """Return the criteria to which the evidence has a completed measurement."""
    answered = durations_s(store, edition)
    return [criterion for criterion in chosen if Question.of(criterion) in answered]


def drawn(criteria: Sequence[Criterion], count: int, seed: int) -> list[Criterion]:
    """
    Return that many of them, by lot, in the order of a run: whoever knows the seed draws the same.

    The lot falls by name, so that no order of the evidence or the edition has a say.
    """
    named = {criterion.name: criterion for criterion in criteria}
    names = sorted(named)
    chosen = set(random.Random(f"audit {seed}").sample(names, min(count, len(names))))
    return [criterion for criterion in criteria if criterion.name in chosen]


def audited(criterion: Criterion, old: Bench, new: Bench, edition: Edition) -> Finding:
    """Measure a criterion again and compare; what can't be measured or compared is no finding against it."""
    try:
        return _compared(criterion, old, new, edition)
    except ErnieError as error:
        return Finding(word="not measured", message=str(error))


def _compared(criterion: Criterion, old: Bench, new: Bench, edition: Edition) -> Finding:
    if criterion.clause == "inference.datatype":
        then, now = old.served(criterion), new.served(criterion)
        _same_things(now.record, then.record)
        return plausible.types(then.layer_types, now.layer_types, (then.activation, now.activation))
    if criterion.clause == "inference.context":
        before, again = old.context(criterion), new.context(criterion)
        _same_things(again.record, before.record)
        return plausible.answers(before.answer, again.answer)
    if criterion.clause == "inference.accuracy":
        said, says = old.accuracy(criterion), new.accuracy(criterion)
        _same_things(says.record, said.record)
        return plausible.scores(said.scores, says.scores)
    if criterion.clause == "inference.throughput":
        return _peaks(criterion, old, new)
    return _trained(criterion, old, new, edition)


def _trained(criterion: Criterion, old: Bench, new: Bench, edition: Edition) -> Finding:
    if criterion.clause == "training.context":
        then, now = old.training_context(criterion), new.training_context(criterion)
        return plausible.curves(loss_at_length(now, then, criterion, edition))
    then, now = old.training_run(criterion), new.training_run(criterion)
    _same_things(now.record, then.record)
    if criterion.clause == "training.loss":
        return plausible.curves(loss_of(now, then, edition))
    return plausible.speeds(
        then.effective_tokens_per_s, now.effective_tokens_per_s, plausible.TRAINING_SHARE
    )


def _peaks(criterion: Criterion, old: Bench, new: Bench) -> Finding:
    """Compare the highest TPS of each workload; the one that is farthest off is told."""
    then, now = old.peak_throughput(criterion), new.peak_throughput(criterion)
    findings = []
    for before, after in zip(then.by_workload, now.by_workload, strict=True):
        if before.records and after.records:
            _same_things(after.records[0], before.records[0])
        if problem := after.unequal_work or after.unread_prompts or after.saturated_client:
            return Finding(word="not measured", message=problem)
        figures = [
            None if side.peak is None else side.peak.output_tokens_per_s for side in (before, after)
        ]
        findings.append(plausible.speeds(figures[0], figures[1], plausible.SERVING_SHARE))
    order = ("implausible", "not measured", "plausible")
    return min(findings, key=lambda finding: order.index(finding.word))


def _same_things(now: Record, then: Record) -> None:
    comparable(now, then)


def other_state(old: Bench, new: Bench) -> tuple[str, ...]:
    """Return how devices and software then and now differ, in words; figures may differ for it."""
    then, now = old.store.subjects(), new.store.subjects()
    notes = []
    for fact in ("name", "driver", "machine", "count"):
        sides = [
            sorted({str(s.device[fact]) for s in side if fact in s.device}) for side in (then, now)
        ]
        if sides[0] and sides[1] and not set(sides[1]) <= set(sides[0]):
            shown = (
                "another machine"
                if fact == "machine"
                else f"{fact} {', '.join(sides[1])}, not {', '.join(sides[0])}"
            )
            notes.append(f"the audit ran on {shown}")
    known = {s.toolchain for s in then}
    if any(s.toolchain not in known for s in now):
        notes.append("the audit ran with other installed software")
    return tuple(notes)
