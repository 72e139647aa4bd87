"""
The seconds of each step: by the clock of the log's lines, or by the trainer's own count.
"""

from __future__ import annotations

import pytest

from doubles.training_runs import recorded
from pytest_ernie.trainers.clock import step_times
from pytest_ernie.trainers.curve import Curve, read_curve


def curve(*clock_s: float | None, runtime_s: tuple[float | None, ...] = (0.5, 0.9, 1.9)) -> Curve:
    """A run of three steps."""
    none = (None,) * 3
    return Curve(
        steps=(1, 2, 3), loss=(1.0,) * 3, loss_md5=none, runtime_s=runtime_s, tokens_per_s=none,
        problems=(), clock_s=clock_s,
    )  # fmt: skip


def test_the_clock_counts_whatever_happened_between_two_lines() -> None:
    """The trainer's own count may leave out a checkpoint; the first step is as long as it says."""
    assert step_times(curve(10.0, 11.0, 17.0)).step_s == (0.5, 1.0, 6.0)


def test_a_first_step_that_nobody_timed_took_as_long_as_the_others() -> None:
    """The line before it doesn't exist."""
    assert step_times(curve(10.0, 11.0, 13.0, runtime_s=(None,) * 3)).step_s == (1.5, 1.0, 2.0)


@pytest.mark.parametrize("clock", [(10.0, None, 17.0), (10.0, 9.0, 12.0), (), (None, None, None)])
def test_without_a_clock_the_trainers_count_stands_in(clock: tuple[float | None, ...]) -> None:
    """No time on a line, or a clock that was set back."""
    assert step_times(curve(*clock)).step_s == (0.5, 0.9, 1.9)


def test_a_log_without_any_time_has_none() -> None:
    """Nothing is made up."""
    assert step_times(curve(runtime_s=(None, 0.9, 1.9))).step_s == ()


@pytest.mark.parametrize(("faster_by", "believed"), [(1.0, True), (2.0, False)])
def test_a_clock_that_runs_faster_than_the_trainer_is_not_believed(
    faster_by: float, believed: bool
) -> None:
    """Steps can't have taken longer than the time that passed."""
    counted = (10.0, 10.0, 10.0)
    times = step_times(curve(0.0, 9.0, 20.0 - faster_by * 1.5, runtime_s=counted))

    assert (times.problem == "") == believed


def test_a_recorded_log_tells_the_same_both_ways() -> None:
    """Of 500 real steps, by the clock and by the trainer's own count, within a thousandth."""
    real = read_curve("".join(recorded("sft-reference")))

    by_clock, counted = sum(step_times(real).step_s), sum(t or 0.0 for t in real.runtime_s)
    assert by_clock == pytest.approx(counted, rel=5e-3)
