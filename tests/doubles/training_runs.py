"""
Training runs made of logs: recorded curves, and what a defect makes of them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from pytest_ernie.evidence import Record, Store, Subject, What
from pytest_ernie.measurements.training_run import TrainingRun, read_training_run
from pytest_ernie.standard import load

CURVES = Path(__file__).resolve().parents[2] / "fixtures" / "loss_curves"
RECIPES = load("rehearsal")
LOSS = re.compile(r"(?<= loss: )[^,]+")
LOSS_LINE = re.compile(r"global_step: (\d+)")

Lines = list[str]
Plant = Callable[[Lines], Lines]


def recorded(name: str) -> Lines:
    """The lines of a recorded log, with their ends."""
    text = gzip.decompress((CURVES / f"{name}.log.gz").read_bytes()).decode("utf-8", "replace")
    return text.splitlines(keepends=True)


def run_of(
    log: Lines | bytes,
    *,
    samples: tuple[dict[str, Any], ...] = (),
    method: str = "sft",
    precision: str = "float32",
    device: dict[str, Any] | None = None,
    trainer: str = "paddleformers",
    left: Lines | None = None,
    **data: Any,
) -> TrainingRun:
    """A run that was recorded with that log, as evidence gives it back."""
    raw = log if isinstance(log, bytes) else "".join(log).encode()
    logs = {"log": raw, "left": "".join(left or []).encode()}
    known = {
        "exit_code": 0,
        "cause": None,
        "cards": 1,
        "samples": 4000,
        "tokens": 400_000,
        "sample_tokens_min": 256,
        "started_unix_s": 0.0,
        "ended_unix_s": 1e9,
    }
    record = Record(
        id="last",
        what=What(kind="training.run", edition="rehearsal", model="ERNIE-4.5-tiny", method=method),
        subject=Subject(
            device={"machine": "a", **(device or {})},
            toolchain=None,
            checkpoint="c",
            launch={"trainer": trainer},
        ),
        edition_digest="",
        started_unix_s=0.0,
        ended_unix_s=1e9,
        data={**known, **data},
        samples=samples,
        blobs={"log": "log"} | ({"log of attempt 1": "left"} if left else {}),
    )
    store = cast(Store, SimpleNamespace(blobs=SimpleNamespace(get=logs.__getitem__)))
    recipe = RECIPES.recipe("ERNIE-4.5-tiny", method)
    assert recipe is not None
    return read_training_run(store, record, msgspec.structs.replace(recipe, precision=precision))


def step_of(line: str) -> int:
    """The step that a line tells of."""
    found = LOSS_LINE.search(line)
    assert found is not None
    return int(found[1])


def with_losses(change: Callable[[int, float], float | str]) -> Plant:
    """Change each printed loss; the digests of the losses are taken off, as they would not fit."""

    def plant(lines: Lines) -> Lines:
        def changed(line: str) -> str:
            loss = LOSS.search(line)
            assert loss is not None
            new = change(step_of(line), float(loss[0]))
            shown = new if isinstance(new, str) else f"{new:.8f}"
            return re.sub(r" loss_md5: \w+,", "", line[: loss.start()] + shown + line[loss.end() :])

        return [changed(line) for line in lines]

    return plant


def losses_of(name: str) -> dict[int, float]:
    """Loss by step of a recorded log."""
    found = {}
    for line in recorded(name):
        loss = LOSS.search(line)
        assert loss is not None
        found[step_of(line)] = float(loss[0])
    return found
