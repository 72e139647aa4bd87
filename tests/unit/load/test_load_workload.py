"""
Which prompts a workload draws.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt
from pytest_ernie.load.workloads import digest_of, draw, prepare, random_words, sample
from pytest_ernie.load.workloads.candidates import OnDemand
from pytest_ernie.load.workloads.synthetic import scaled_length
from pytest_ernie.standard import Workload, load

PNG = b"\x89PNG\r\n\x1a\n"


def workload(**changed: Any) -> Workload:
    """The rehearsal's workload with more prompts, unless told otherwise."""
    (text,) = load("rehearsal").workloads
    return msgspec.structs.replace(text, **{"prompts": 300, "seed": 1, **changed})


def test_a_seed_draws_the_same_prompts_everywhere() -> None:
    """Both sides know by the digest that they asked the same."""
    assert draw(workload()) == draw(workload())
    assert draw(workload()).digest != draw(workload(seed=2)).digest


def test_the_rehearsal_asks_what_its_references_were_recorded_with() -> None:
    """The digest was written down when they were; another means that they are useless."""
    (text,) = load("rehearsal").workloads

    drawn = draw(text)

    assert drawn.digest == "c29077d3be11a09576120c9adb850d098ce76b5bdb69c21939f6a4d7d3715e34"
    assert sum(prompt.output_tokens for prompt in drawn.prompts) == 8527


def test_the_digest_is_about_what_is_asked() -> None:
    """Text, length, images and order count; what a site knows of a prompt doesn't."""
    prompt = Prompt(text="a", output_tokens=16, images=("data:x",))
    other = Prompt(text="b", output_tokens=16)

    counted = msgspec.structs.replace(prompt, prompt_tokens=7)
    assert digest_of([counted, other]) == digest_of([prompt, other])
    for changed in ({"text": "c"}, {"output_tokens": 17}, {"images": ()}):
        assert digest_of([msgspec.structs.replace(prompt, **changed)]) != digest_of([prompt])
    assert digest_of([other, prompt]) != digest_of([prompt, other])
    assert digest_of([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def test_lengths_spread_over_the_bounds_and_never_beyond() -> None:
    """Short ones and long ones, as ShareGPT has them."""
    lengths = [prompt.output_tokens for prompt in draw(workload()).prompts]

    assert len(lengths) == 300
    assert min(lengths) == 16
    assert max(lengths) == 64
    assert 28 < sum(lengths) / len(lengths) < 40


def test_a_prompt_has_at_least_four_words() -> None:
    """However short answers are; half a word is no question."""
    drawn = draw(workload(output_tokens_min=1, output_tokens_max=4))

    assert {len(prompt.text.split()) for prompt in drawn.prompts} == {4}
    assert {prompt.output_tokens for prompt in drawn.prompts} == {1, 2, 3, 4}


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


def test_the_same_is_drawn_by_every_python(tmp_path: Path) -> None:
    """The digest was written down once: a Python that draws otherwise is found out here."""
    path = prepared(tmp_path, list(range(1, 1001)))

    drawn = draw(workload(source="ShareGPT", prompts=50), path)

    assert drawn.digest == "44e59673ab59ba3a24debddae271dd3301cc88c6318479c515aed863ef08471d"


def test_a_counted_and_a_prepared_file_give_the_same(tmp_path: Path) -> None:
    """A side that prepared ShareGPT and one that counts it each time ask the same."""
    turns = [
        [
            {"from": "human", "value": f"what is {index} plus one ?"},
            {"from": "gpt", "value": "it is " * (index + 3)},
        ]
        for index in range(60)
    ]
    source = tmp_path / "sharegpt.json"
    source.write_bytes(msgspec.json.encode([{"conversations": pair} for pair in turns]))
    prepare(source, tmp_path / "prepared.jsonl", words, tokenizer="words")
    asked = workload(source="ShareGPT", prompts=20)

    drawn = draw(asked, source, words)

    assert drawn == draw(asked, tmp_path / "prepared.jsonl")
    assert min(prompt.output_tokens for prompt in drawn.prompts) == 16
    assert {prompt.prompt_tokens for prompt in drawn.prompts} == {6}


def words(text: str) -> int:
    """A tokenizer that is simple enough for tests."""
    return len(text.split())


def test_only_what_is_drawn_is_read() -> None:
    """A workload of images is far greater than what is drawn of it."""
    read = []

    def one(index: int) -> Prompt:
        read.append(index)
        return Prompt(text=str(index), output_tokens=1)

    drawn = sample(OnDemand(length=10_000, read=one), 3, random.Random("seed"))

    assert [int(prompt.text) for prompt in drawn] == read
    assert len(set(read)) == 3


def test_images_are_drawn_with_a_fixed_length(tmp_path: Path) -> None:
    """R9: 128 tokens about an image, whichever."""
    for index in range(5):
        (tmp_path / f"{index}.png").write_bytes(PNG + bytes([index]))
    lines = [f'{{"image": "{index}.png", "question": "{index}?"}}' for index in range(5)]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    asked = workload(
        modality="multimodal",
        source="OCRBench_v2",
        prompts=3,
        output_tokens_min=128,
        output_tokens_max=128,
    )

    drawn = draw(asked, tmp_path)

    assert [prompt.output_tokens for prompt in drawn.prompts] == [128] * 3
    assert drawn.digest == "faa5aab2ca4da51bffdda4ce4ffbf2770a302537f9554e7618e706be2d34db6f"
    with pytest.raises(SiteError) as caught:
        draw(workload(source="ShareGPT", prompts=3), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no workload of modality text; got 3 of 3 prompts with images; wanted 0"
    )


def test_a_workload_of_images_needs_images(tmp_path: Path) -> None:
    """Text alone is answered faster."""
    path = prepared(tmp_path, [20, 20])

    with pytest.raises(SiteError) as caught:
        draw(workload(modality="multimodal", source="OCRBench_v2", prompts=2), path)

    assert str(caught.value) == (
        f"{path}: no workload of modality multimodal; got 0 of 2 prompts with images; wanted 2"
    )


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


def test_random_words_are_as_many_as_asked() -> None:
    """Words, lengths and seed are all that there is to them."""
    prompts = random_words(20, input_tokens=100, output_tokens=32, seed=1)

    assert {len(prompt.text.split()) for prompt in prompts} == {100}
    assert {prompt.output_tokens for prompt in prompts} == {32}
    assert len({prompt.text for prompt in prompts}) == 20
    assert prompts != random_words(20, input_tokens=100, output_tokens=32, seed=2)
    assert digest_of(prompts) == "df5bc544707704446662478e70af44b9d45d60efbbd262dd99e6b9e3cd7dedb1"
