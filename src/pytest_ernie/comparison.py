"""
Before two sides are compared: are they comparable at all, and what must stand beside the verdict?
"""

from __future__ import annotations

import math

import msgspec

from pytest_ernie.errors import EvidenceError, ReferenceBeingRecorded
from pytest_ernie.evidence import Record
from pytest_ernie.measurements.bench import Bench
from pytest_ernie.measurements.serving import Served
from pytest_ernie.measurements.throughput import Throughput, WorkloadLoads
from pytest_ernie.measurements.training_run import TrainingRun
from pytest_ernie.measurements.watched import cards_were_slowed
from pytest_ernie.standard import Criterion, Edition
from pytest_ernie.standard.model import LossRule, TrainingThroughputRule
from pytest_ernie.verdicts import (
    Memory,
    Verdict,
    Word,
    agreement,
    attempts_agree,
    datatype_supported,
    inconclusive,
    loss_follows,
    throughput_share,
    training_context,
    training_share,
)


def comparable(measured: Record, benchmark: Record) -> None:
    """
    Raise EvidenceError if weights or data differ between the sides (R14), naming the difference; and if both
    are the same measurement, wherever its evidence was copied from.
    """
    if measured.id == benchmark.id:
        raise EvidenceError(
            "this is the reference's own measurement, and nothing is compared with itself",
            where=measured.what.title,
            fix="Give the reference as --reference and the candidate's own folder as --evidence",
        )
    pairs = [
        (what, measured.data.get(key), benchmark.data.get(key))
        for what, key in (
            ("training data", "training_data_sha256"),
            ("questions", "questions_sha256"),
            ("prompts", "prompts_sha256"),
            ("start of LoRA", "lora_start_sha256"),
        )
    ]
    if "endpoint" not in measured.subject.launch:  # nobody can see the weights behind an endpoint
        pairs.append(("checkpoint", measured.subject.checkpoint, benchmark.subject.checkpoint))
    for what, own, other in pairs:
        if own != other:
            raise _unequal(what, own, other)


def before_training(
    candidate: Bench, reference: Bench, criterion: Criterion, edition: Edition
) -> None:
    """
    Raise EvidenceError where the edition or the reference has another recipe, other data or weights (R14).

    Before the candidate trains: hours that can't be compared with anything are lost. Where there is no
    reference, or the candidate is offline, nothing is known yet and nothing is said.
    """
    inputs = candidate.training_inputs(criterion.model)
    _designated(inputs.get("training data"), criterion, edition)
    try:
        benchmark = reference.trained_if_any(criterion)
    except ReferenceBeingRecorded:
        return
    if benchmark is None:
        return
    theirs = {
        "training data": benchmark.subject.launch.get("training_data"),
        "checkpoint": benchmark.subject.checkpoint,
    }
    for what, own in inputs.items():
        if own != theirs[what]:
            raise _unequal(what, own, theirs[what])


def _designated(own: str | None, criterion: Criterion, edition: Edition) -> None:
    modality = edition.model(criterion.model).modality
    for slot in edition.supervised_data:
        if slot.modality == modality and slot.sha256 is not None and own not in (None, slot.sha256):
            raise EvidenceError(
                "this isn't the supervised data set that the edition designates",
                got=_short(own),
                wanted=_short(slot.sha256),
            )


def _unequal(what: str, own: str | None, other: str | None) -> EvidenceError:
    return EvidenceError(
        f"candidate and reference don't have the same {what}, so they can't be compared",
        got=_short(own),
        wanted=_short(other),
    )


DIED = "in an earlier attempt "
"""How a note begins that tells of a server's death."""


def with_deaths(verdict: Verdict, *deaths: str) -> Verdict:
    """Return a verdict that says how often its server died and was started again on the way."""
    notes = tuple(f"{DIED}{told}" for told in dict.fromkeys(deaths))
    return msgspec.structs.replace(verdict, notes=(*verdict.notes, *notes))


def _short(sha256: str | None) -> str:
    return "none recorded" if sha256 is None else f"sha256 {sha256[:12]}…"


def loss_of(measured: TrainingRun, benchmark: TrainingRun, edition: Edition) -> Verdict:
    """
    Judge the loss curves; a log whose steps are doubtful shows neither PASS nor FAIL.

    Only a loss that is no number fails whatever else is wrong with the log.
    """
    rule = edition.rulings.loss
    verdict = loss_follows(
        measured.losses,
        benchmark.losses,
        rule,
        repeats=[run.losses for run in benchmark.repeats],
        layout_noise=_layout_noise(measured, benchmark, rule),
        rates=(measured.curve.rates(), benchmark.curve.rates()),
    )
    return _unless_doubtful(
        with_attempts(_unless_apart(verdict, measured, benchmark), measured),
        (("candidate", measured), ("reference", benchmark)),
        tolerance=rule.tolerance,
        max_outliers=rule.max_outliers,
    )


def _layout_noise(measured: TrainingRun, benchmark: TrainingRun, rule: LossRule) -> float | None:
    """
    Return how far the sides' layouts differ by themselves, None if both had the same.

    What further recordings of the reference in the candidate's layout, on the same hardware, show stands
    before the edition's figure.
    """
    noise = rule.layout_noise
    if measured.micro_batch != benchmark.micro_batch:
        return noise.micro_batch
    if measured.layout == benchmark.layout:
        return None
    hardware = benchmark.record.subject.device.get("name")
    alike = [
        run.losses
        for run in benchmark.repeats
        if run.layout == measured.layout and run.record.subject.device.get("name") == hardware
    ]
    band = agreement((benchmark.losses, *alike))
    window = range(rule.first_step, rule.last_step + 1)
    if all(math.isfinite(band.get(step, math.nan)) for step in window):
        return max(band[step] for step in window)
    return noise.float32 if measured.recipe.precision == "float32" else noise.bfloat16


def _unless_apart(verdict: Verdict, measured: TrainingRun, benchmark: TrainingRun) -> Verdict:
    """
    Return the verdict, or INCONCLUSIVE for a FAIL of LoRA whose sides may have started from other numbers.

    A device's generator is its own: equal seeds give equal starts only on equal devices. Curves that agree
    started alike, so a PASS stands.
    """
    drawn = (measured.lora_drawn_by, benchmark.lora_drawn_by)
    if verdict.word is not Word.FAIL or drawn[0] == drawn[1] or "first_bad_step" in verdict.numbers:
        return verdict
    return msgspec.structs.replace(
        verdict,
        word=Word.INCONCLUSIVE,
        message="LoRA's random start was drawn by each side's own generator "
        f"({drawn[0]}, and {drawn[1]} in the reference), so they may have started apart, which alone can "
        f"explain this: {verdict.message}",
        notes=(
            *verdict.notes,
            "a reference of an equal device, or a recipe that gives the start, can tell",
        ),
    )


def with_attempts(verdict: Verdict, run: TrainingRun) -> Verdict:
    """Return a verdict that says in how many attempts its run was completed."""
    if not run.attempts_before:
        return verdict
    lasts = ", ".join(str(attempt.last_step) for attempt in run.attempts)
    since = (
        f"it went on from the checkpoint of step {run.resumed_from}"
        if run.resumed_from
        else "it began anew"
    )
    times = "once" if run.attempts_before == 1 else f"{run.attempts_before} times"
    note = f"{DIED}the run was cut short ({times}"
    note += (
        f", last step kept: {lasts}); {since}" if lasts else f", before a step was kept); {since}"
    )
    return msgspec.structs.replace(verdict, notes=(*verdict.notes, note))


def _unless_doubtful(
    verdict: Verdict,
    sides: tuple[tuple[str, TrainingRun], ...],
    *,
    tolerance: float,
    max_outliers: int,
) -> Verdict:
    """Return the verdict, or INCONCLUSIVE if a log or an earlier attempt makes the curve doubtful."""
    if verdict.word is Word.INCONCLUSIVE or "first_bad_step" in verdict.numbers:
        return verdict
    for side, run in sides:
        doubt = next(iter(run.doubts), None) or attempts_agree(
            run.losses,
            [attempt.losses for attempt in run.attempts],
            tolerance=tolerance,
            max_outliers=max_outliers,
        )
        if doubt is not None:
            return msgspec.structs.replace(
                verdict,
                word=Word.INCONCLUSIVE,
                message=f"the {side}'s log is doubtful: {doubt}. As it stands, {verdict.message}",
            )
    return verdict


def loss_at_length(
    measured: TrainingRun, benchmark: TrainingRun | None, criterion: Criterion, edition: Edition
) -> Verdict:
    """
    Judge a run at a context length (R12), against the reference's where there is one.
    """
    rule = edition.rulings.training_context
    assert criterion.length is not None
    sides = [("candidate", measured)]
    if benchmark is not None:
        comparable(measured.record, benchmark.record)
        sides.append(("reference", benchmark))
    verdict = training_context(
        measured.losses,
        benchmark.losses if benchmark else None,
        sample_tokens=[measured.sample_tokens_min],
        length=criterion.length // rule.length_divisor,
        rule=rule,
        memory=Memory(
            peak_gib=measured.memory_peak_gib,
            there_gib=measured.record.subject.device.get("memory_gib"),
            ran_out=measured.out_of_memory,
        ),
    )
    if benchmark is not None:
        verdict = _unless_apart(verdict, measured, benchmark)
    return _unless_doubtful(
        with_attempts(verdict, measured), tuple(sides), tolerance=rule.tolerance, max_outliers=0
    )


def served_data_type(served: Served, criterion: Criterion, edition: Edition) -> Verdict:
    """
    Judge the running server's inventory against the data type of the criterion's tier (R13).
    """
    assert criterion.datatype is not None
    verdict = datatype_supported(
        served.layer_types,
        served.activation,
        architecture=edition.model(criterion.model).architecture,
        rule=edition.datatype(criterion.datatype),
        to_reveal=served.to_reveal,
    )
    return with_deaths(verdict, *served.record.deaths)


def share_of_training_benchmark(
    measured: TrainingRun, benchmark: TrainingRun, criterion: Criterion, edition: Edition
) -> Verdict:
    """
    Judge effective tokens per second and card over steps 1..500, warm-up included (R5).
    """
    rule = edition.rulings.training_throughput
    for side, run in (("candidate", measured), ("reference", benchmark)):
        if problem := _no_pace(side, run, rule):
            return inconclusive(problem)
    if other_machine := _other_machine(measured.record, benchmark.record, edition) or _slowed(
        benchmark.record
    ):
        return other_machine
    assert criterion.share is not None
    verdict = training_share(measured.pace, benchmark.pace, at_least=criterion.share, rule=rule)
    if slowed := cards_were_slowed(measured.record):
        verdict = msgspec.structs.replace(verdict, notes=(slowed, *verdict.notes))
    return with_attempts(verdict, measured)


def _no_pace(side: str, run: TrainingRun, rule: TrainingThroughputRule) -> str | None:
    """Say why a run's tokens per second aren't known, or None."""
    if run.resumed_from:
        return (
            f"the {side}'s run went on from the checkpoint of step {run.resumed_from}, so its token/s "
            f"over steps {rule.first_step}..{rule.last_step} in one piece isn't known: measure it again "
            "with --fresh"
        )
    missing = [s for s in range(rule.first_step, rule.last_step + 1) if s not in run.losses]
    if missing:
        return (
            f"the {side}'s log lacks step {missing[0]}, so its token/s over steps "
            f"{rule.first_step}..{rule.last_step} isn't known"
        )
    doubt = next(iter(run.doubts), run.pace_problem)
    return f"the {side}'s log is doubtful: {doubt}" if doubt else None


WORST_FIRST = (Word.FAIL, Word.INCONCLUSIVE, Word.PASS)
"""What is sure of one workload isn't undone by what can't be told of another."""


def share_of_serving_benchmark(
    measured: Throughput, benchmark: Throughput, criterion: Criterion, edition: Edition
) -> Verdict:
    """
    Judge the TPS of one machine under the limits, on every workload of the model (R6, R7, R7b).
    """
    assert criterion.share is not None
    verdicts: list[Verdict] = []
    for own, other in zip(measured.by_workload, benchmark.by_workload, strict=True):
        if own.records and other.records:
            comparable(own.records[0], other.records[0])
            if problem := _other_machine(own.records[0], other.records[0], edition):
                return problem
        if problem := next(filter(None, map(_slowed, other.records)), None):
            return problem
        slowed = dict.fromkeys(filter(None, map(cards_were_slowed, own.records)))
        verdict = _workload_share(own, other, criterion.share)
        verdicts.append(msgspec.structs.replace(verdict, notes=(*verdict.notes, *slowed)))
    worst = min(verdicts, key=lambda verdict: WORST_FIRST.index(verdict.word))
    return with_deaths(worst, *(told for own in measured.by_workload for told in own.deaths))


def _workload_share(own: WorkloadLoads, other: WorkloadLoads, share: float) -> Verdict:
    if own.challenged and own.lengths != other.lengths:
        return inconclusive(
            f"the prompts of the {own.name} workload weren't sent in the order of the challenge"
        )
    for loads in (own, other):
        if problem := loads.unequal_work or loads.unread_prompts or loads.saturated_client:
            return inconclusive(problem)
    if other.peak is None:
        return inconclusive(
            f"the reference keeps the limits at no load of the {own.name} workload: {other.broken}"
        )
    if own.peak is None:
        return Verdict(
            word=Word.FAIL,
            message=f"no tested load of the {own.name} workload keeps the limits: {own.broken}",
            measured="no load within the limits",
            required=f"≥ {share * 100:g} % of the benchmark",
        )
    return throughput_share(
        own.peak.output_tokens_per_s,
        other.peak.output_tokens_per_s,
        at_least=share,
        notes=own.notes,
    )


def _slowed(benchmark: Record) -> Verdict | None:
    """A benchmark of slowed cards is too low, and would let a candidate pass that doesn't reach it."""
    slowed = cards_were_slowed(benchmark)
    if slowed is None:
        return None
    return inconclusive(
        f"the reference can't be a benchmark: {slowed}; record it anew on cards that are well",
        measured="–",
    )


def _other_machine(measured: Record, benchmark: Record, edition: Edition) -> Verdict | None:
    if not edition.rulings.reference.same_machine_for_throughput:
        return None
    if measured.subject.device.get("machine") == benchmark.subject.device.get("machine"):
        return None
    return inconclusive(
        f"the reference's throughput was recorded on another machine "
        f"({benchmark.subject.device.get('name')}), and this edition compares throughput only on one: "
        "record a reference here with --record-reference and name its folder with --reference",
        measured="–",
    )
