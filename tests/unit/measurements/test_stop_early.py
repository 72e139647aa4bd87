"""
--stop-early: who is watched, what is said, and who may not ask for it.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_ernie.errors import UsageProblem
from pytest_ernie.evidence import Subject
from pytest_ernie.measurements.early import StopEarly
from pytest_ernie.measurements.reference import Reference
from pytest_ernie.settings import read_settings
from pytest_ernie.standard import load
from pytest_ernie.trainers.protocol import Enough
from pytest_ernie.trainers.step_line import Step

RULE = load("ernie-4.5").rulings.loss


def step(number: int, loss: float | None) -> Step:
    return Step(step=number, loss=loss, loss_md5=None, runtime_s=None, tokens_per_s=None)


def test_a_run_that_can_no_longer_pass_is_ended_with_what_that_saves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """89 steps of an hour each on eight cards are 712 card-hours."""
    now = iter(range(0, 3600 * 600, 3600))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))
    watcher = StopEarly(dict.fromkeys(range(1, 501), 1.0), RULE, cards=8)
    for number in range(1, 411):
        watcher(step(number, 1.0 if number <= 400 else 1.5))
    assert watcher.said is None

    with pytest.raises(Enough):
        watcher(step(411, 1.5))

    assert watcher.said == (
        "stopped early after step 411 of 500, because the run can no longer pass: 11 steps differ by more "
        "than 0.01 already, 10 are allowed (steps 401, 402, 403, 404, 405, …). That saved 7.1e+02 "
        "card-hours"
    )


def test_a_loss_that_is_no_number_ends_it_at_once() -> None:
    """Even the first step."""
    watcher = StopEarly({}, RULE, cards=1)

    with pytest.raises(Enough, match=r"after step 1 of 500.*the loss is nan at step 1"):
        watcher(step(1, None))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"record_reference": True}, "a reference needs whole ones"),
        ({"offline": True}, "--offline starts none"),
        ({"edition": "ernie-4.5"}, "and there is none. Name one with --reference"),
    ],
)
def test_it_is_refused_where_it_makes_no_sense(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    """A reference, a run without a device, a run without a reference."""
    with pytest.raises(UsageProblem) as caught:
        read_settings({"device": "cpu", "stop_early": True, **options}, tmp_path)

    assert words in str(caught.value)


def test_the_rehearsal_may_stop_early(tmp_path: Path) -> None:
    """It has a reference and certifies nothing."""
    assert read_settings({"device": "cpu", "stop_early": True}, tmp_path).stop_early


def test_several_references_are_read_in_their_order(tmp_path: Path) -> None:
    """The first is what counts; naming one twice would show no noise."""
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    found = read_settings({"device": "cpu", "reference": ["one", "two", "three"]}, tmp_path)
    assert found.reference == tmp_path / "one"
    assert found.more_references == (tmp_path / "two", tmp_path / "three")

    with pytest.raises(UsageProblem, match="a reference is named twice"):
        read_settings({"device": "cpu", "reference": ["one", "./one"]}, tmp_path)
    with pytest.raises(UsageProblem, match="the evidence can't be its own reference"):
        read_settings({"device": "cpu", "reference": ["one", "two"], "evidence": "two"}, tmp_path)


@pytest.mark.parametrize(
    ("edition", "name", "refused"),
    [
        ("ernie-4.5", "NVIDIA A100-SXM4-80GB", True),
        ("ernie-4.5", "NVIDIA A800-SXM4-80GB", True),
        ("ernie-4.5", "NVIDIA H200", False),
        ("rehearsal", "NVIDIA A100-SXM4-80GB", False),
    ],
)
def test_a_run_that_could_certify_is_never_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edition: str, name: str, refused: bool
) -> None:
    """The official edition with a reference of the benchmark's hardware needs every step."""
    subject = Subject(device={"name": name}, toolchain=None, checkpoint=None)
    store = SimpleNamespace(subjects=lambda: (subject,))
    monkeypatch.setattr(Reference, "store", property(lambda self: store))
    reference = Reference(read_settings({"device": "gpu", "edition": edition}, tmp_path))

    if not refused:
        reference.refuse_certifying()
        return
    with pytest.raises(
        UsageProblem, match="--stop-early can't be used in a run that could certify"
    ):
        reference.refuse_certifying()
