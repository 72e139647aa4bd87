"""
Which prompts a workload draws.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.workload import draw, scaled_length
from pytest_ernie.standard.model import Workload


def workload(**changed: Any) -> Workload:
    """The rehearsal's workload, unless told otherwise."""
    facts: dict[str, Any] = {
        "name": "text",
        "modality": "text",
        "source": "rehearsal",
        "prompts": 300,
        "seed": 1,
        "output_tokens_min": 16,
        "output_tokens_max": 64,
        "concurrencies": (1, 4),
    }
    return Workload(**{**facts, **changed})


def test_a_seed_draws_the_same_prompts_everywhere() -> None:
    """Both sides know by the digest that they asked the same."""
    assert draw(workload()) == draw(workload())
    assert draw(workload()).digest != draw(workload(seed=2)).digest


def test_lengths_spread_over_the_bounds_and_never_beyond() -> None:
    """Short ones and long ones, as ShareGPT has them."""
    lengths = [prompt.output_tokens for prompt in draw(workload()).prompts]

    assert len(lengths) == 300
    assert min(lengths) == 16
    assert max(lengths) == 64
    assert 28 < sum(lengths) / len(lengths) < 40


@pytest.mark.parametrize(
    ("tokens", "length"), [(1, 16), (16, 16), (128, 32), (1024, 64), (9000, 64)]
)
def test_lengths_keep_their_place_between_the_bounds(tokens: float, length: int) -> None:
    """128 lies half way from 16 to 1024 on the logarithmic scale, as 32 does from 16 to 64."""
    assert scaled_length(tokens, 16, 64) == length


def prepared(folder: Path, lengths: list[int]) -> Path:
    """A prepared file with answers of these lengths."""
    path = folder / "prompts.jsonl"
    lines = [
        msgspec.json.encode({"text": f"question {index}", "output_tokens": length})
        for index, length in enumerate(lengths)
    ]
    path.write_bytes(b"\n".join(lines) + b"\n\n")
    return path


def test_a_prepared_file_is_sampled_and_clipped(tmp_path: Path) -> None:
    """R9's bounds hold for what a site prepares, too."""
    path = prepared(tmp_path, [1, 15, 16, 17, 64, 65, 5000])

    drawn = draw(workload(source="ShareGPT", prompts=7), path)

    assert sorted(prompt.output_tokens for prompt in drawn.prompts) == [16, 16, 16, 17, 64, 64, 64]
    assert len({prompt.text for prompt in drawn.prompts}) == 7


def test_a_workload_that_is_not_shipped_needs_its_file() -> None:
    """The message says what to do."""
    with pytest.raises(SiteError) as caught:
        draw(workload(source="ShareGPT"))

    assert str(caught.value) == (
        "workload text: its prompts come from ShareGPT, which is not shipped. "
        "Name the prepared file in the site file"
    )


def test_too_few_prompts_are_refused(tmp_path: Path) -> None:
    """A sample is never padded with repeats."""
    path = prepared(tmp_path, [20, 20])

    with pytest.raises(SiteError) as caught:
        draw(workload(source="ShareGPT", prompts=3), path)

    assert str(caught.value) == f"{path}: too few prompts; got 2; wanted 3"


@pytest.mark.parametrize("content", [b"{", b'{"text": "no length"}', None])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Whether it isn't there or isn't JSON of the right shape."""
    path = tmp_path / "prompts.jsonl"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SiteError, match=r"prompts\.jsonl: its prompts can't be read; got "):
        draw(workload(source="ShareGPT"), path)
