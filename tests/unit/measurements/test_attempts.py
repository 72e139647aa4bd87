"""
Attempts at a training run: what one that was cut short leaves, and what may be made of it.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from doubles.training_runs import recorded, run_of
from pytest_ernie.comparison import loss_of, share_of_training_benchmark
from pytest_ernie.evidence import Recording
from pytest_ernie.measurements.attempts import (
    Attempt,
    KeepingSteps,
    attempts_in,
    last_checkpoint,
    watched_by,
)
from pytest_ernie.standard import criteria, load
from pytest_ernie.trainers.protocol import Enough
from pytest_ernie.trainers.step_line import Step, read_step
from pytest_ernie.verdicts import Verdict, Word, attempts_agree

EDITION = load("ernie-4.5")
SPEED = next(c for c in criteria(EDITION) if c.clause == "training.throughput")
LINES = recorded("sft-reference")


def steps(last: int, first: int = 1) -> list[Step]:
    found = [read_step(line.encode()) for line in LINES[first - 1 : last]]
    return [step for step in found if step is not None]


def samples(id: str, last: int, *, off: float = 0.0, nan_at: int = 0) -> dict[str, Any]:
    """What the journal holds of an attempt."""
    kept = steps(last)
    losses = [None if s.step == nan_at else (s.loss or 0.0) + off for s in kept]
    return {"attempt": id, "steps": [s.step for s in kept], "losses": losses}


def judged(*attempts: dict[str, Any], first: int = 1, **data: Any) -> Verdict:
    """The verdict on a run whose last attempt began at step ``first``."""
    ids = [attempt["attempt"] for attempt in attempts]
    run = run_of(LINES[first - 1 :], samples=attempts, **{"attempts": ids, **data})
    return loss_of(run, run_of(LINES), EDITION)


def test_losses_go_into_the_journal_a_few_at_a_time() -> None:
    """Ten steps an entry; what is left is written at the end."""
    kept: list[dict[str, Any]] = []
    keeping = KeepingSteps(cast(Recording, SimpleNamespace(id="a", sample=kept.append)))
    for step in steps(24):
        keeping(step)
    assert [len(sample["steps"]) for sample in kept] == [10, 10]

    keeping.flush()
    keeping.flush()

    assert [sample["steps"][-1] for sample in kept] == [10, 20, 24]
    (attempt,) = attempts_in(kept, but="b")
    assert (attempt.last_step, attempt.losses[1]) == (24, 1.38511145)
    assert attempts_in(kept, but="a") == ()


def test_a_loss_that_is_no_number_survives_the_journal() -> None:
    """JSON has no NaN: None stands for it."""
    (attempt,) = attempts_in([samples("a", 3, nan_at=2)], but="b")

    assert math.isnan(attempt.losses[2])


def test_one_who_has_had_enough_ends_it_for_all() -> None:
    """The others still hear of that step: it is kept."""
    heard: list[int] = []

    def enough(step: Step) -> None:
        raise Enough("no more")

    with pytest.raises(Enough, match="no more"):
        watched_by(enough, lambda step: heard.append(step.step))(steps(1)[0])

    assert heard == [1]


def test_a_run_that_was_begun_anew_passes_and_says_so() -> None:
    """The earlier attempt trained the same: nothing is hidden by it."""
    verdict = judged(samples("first", 310))

    assert verdict.word is Word.PASS
    assert verdict.notes == (
        "in an earlier attempt the run was cut short (once, last step kept: 310); it began anew",
    )


def test_a_bad_run_can_t_be_killed_and_begun_anew() -> None:
    """Losses that the completed attempt doesn't repeat are told; ten outliers are noise."""
    verdict = judged(samples("first", 310, off=0.02), samples("second", 5))
    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.startswith(
        "the candidate's log is doubtful: attempt 1, which was cut short, had other losses at 310 of "
        "the steps that were trained again: 1.40511"
    )
    assert "at step 1, where the completed one has 1.38511" in verdict.message
    assert judged(samples("first", 10, off=0.02)).word is Word.PASS
    assert judged(samples("first", 11, off=0.02)).word is Word.INCONCLUSIVE


def test_a_loss_that_was_no_number_isn_t_forgotten() -> None:
    """Killing the run after it doesn't make it good."""
    verdict = judged(samples("first", 40, nan_at=30))

    assert verdict.word is Word.INCONCLUSIVE
    assert "in attempt 1, which was cut short, the loss is nan at step 30" in verdict.message


def test_a_run_that_went_on_from_a_checkpoint_is_one_run() -> None:
    """Steps 1 to 300 are the first attempt's, those after it the second's; 301 to 305 both have."""
    verdict = judged(samples("first", 305), first=301, resumed_from=300)

    assert (verdict.word, verdict.numbers["largest_difference"]) == (Word.PASS, 0.0)
    assert verdict.notes == (
        "in an earlier attempt the run was cut short (once, last step kept: 305); it went on from the "
        "checkpoint of step 300",
    )


def test_arithmetic_of_the_part_before_the_checkpoint_counts() -> None:
    """A run may not train 300 steps in coarse products and the rest in fine ones."""

    def logged(bits: int) -> list[str]:
        return [f"{line.rstrip()}, matrix_product_bits: {bits}\n" for line in LINES]

    whole = {"samples": (samples("first", 305),), "attempts": ["first"], "resumed_from": 300}
    coarse = run_of(logged(24)[300:], left=logged(8)[:305], **whole)
    fine = run_of(logged(24)[300:], left=logged(24)[:305], **whole)

    assert loss_of(fine, run_of(LINES), EDITION).word is Word.PASS
    verdict = loss_of(coarse, run_of(LINES), EDITION)
    assert verdict.word is Word.INCONCLUSIVE
    assert "matrix products keep 8 bits of a number" in verdict.message


def test_a_gap_between_two_attempts_is_told() -> None:
    """What was kept ends at step 290, and the second attempt begins with 301."""
    verdict = judged(samples("first", 290), first=301, resumed_from=300)

    assert verdict.word is Word.INCONCLUSIVE
    assert "no loss for step 291 and 9 more" in verdict.message


def test_attempts_that_contradict_each_other_on_the_overlap_are_told() -> None:
    """A checkpoint that wasn't loaded shows in the steps that both trained."""
    verdict = judged(samples("first", 330, off=0.02), first=301, resumed_from=300)

    assert verdict.word is Word.INCONCLUSIVE
    assert "had other losses at 30 of the steps that were trained again" in verdict.message


def test_a_resumed_run_has_no_throughput() -> None:
    """The seconds of two attempts aren't one run's; one that was begun anew has its own."""
    resumed = run_of(LINES[300:], samples=(samples("first", 305),), resumed_from=300)
    anew = run_of(LINES, samples=(samples("first", 305),), attempts=["first"])

    verdict = share_of_training_benchmark(resumed, run_of(LINES), SPEED, EDITION)
    assert verdict.word is Word.INCONCLUSIVE
    assert verdict.message.startswith(
        "the candidate's run went on from the checkpoint of step 300, so its token/s over steps 1..500"
    )
    again = share_of_training_benchmark(anew, run_of(LINES), SPEED, EDITION)
    assert (again.word, again.numbers["share"]) == (Word.PASS, 1.0)
    assert any("it began anew" in note for note in again.notes)


@pytest.mark.parametrize(("last", "found"), [(40, 30), (31, 30), (30, 20), (20, None), (0, None)])
def test_the_last_checkpoint_is_one_that_is_whole(
    tmp_path: Path, last: int, found: int | None
) -> None:
    """Training goes on only when a checkpoint is written: a later step shows that it is whole."""
    for step in (20, 30):
        (tmp_path / "first" / "output" / f"checkpoint-{step}").mkdir(parents=True)
    (tmp_path / "first" / "output" / "checkpoint-best").mkdir()
    attempt = Attempt(id="first", losses=dict.fromkeys(range(1, last + 1), 1.0))

    checkpoint = last_checkpoint(tmp_path, [attempt])

    assert (checkpoint and checkpoint[0]) == found


@pytest.mark.parametrize(("off", "agree"), [(0.0, True), (0.01, True), (0.0101, False)])
def test_the_tolerance_of_the_overlap_is_the_clauses(off: float, agree: bool) -> None:
    """At, under and over it; a step that only one has says nothing."""
    whole, earlier = {1: 1.0, 2: 2.0}, {2: 2.0 + off, 3: 9.0}

    told = attempts_agree(whole, [earlier], tolerance=0.01, max_outliers=0)

    assert (told is None) == agree
