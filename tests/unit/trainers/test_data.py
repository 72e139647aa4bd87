"""
Supervised data in every form that people have it, made into what trainers read.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.trainers.data import (
    DRAWN,
    Part,
    data_digest,
    mixed,
    prepared,
    samples_of,
    without_pictures,
)

TURNS = {"src": ["a", "b"], "tgt": ["c", "d"]}
ALPACA = {"instruction": "Translate: ", "input": "x", "output": "y"}
PICTURES = {
    "image_info": [{"image_url": "cat.png", "matched_text_index": 0}],
    "text_info": [{"text": "what?", "tag": "mask"}, {"text": "a cat", "tag": "no_mask"}],
}


def lines(path: Path, *samples: Any) -> Path:
    """A jsonl of samples."""
    path.write_text("".join(f"{json.dumps(sample)}\n" for sample in samples), encoding="utf-8")
    return path


def test_turns_are_taken_as_they_are(tmp_path: Path) -> None:
    """No copy, so the digest is that of the file."""
    data = lines(tmp_path / "data.jsonl", TURNS, {"src": "a", "tgt": "b"})

    assert data == prepared(data, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_samples_with_pictures_are_taken_as_they_are(tmp_path: Path) -> None:
    """Their pictures lie beside them."""
    data = lines(tmp_path / "data.jsonl", PICTURES)

    assert data == prepared(data, tmp_path / "made")


@pytest.mark.parametrize("array", [True, False])
def test_alpaca_becomes_turns(tmp_path: Path, array: bool) -> None:
    """Instruction and input stand together; history comes first; a system text stays one."""
    whole = {**ALPACA, "history": [["q", "r"]], "system": "be kind"}
    data = tmp_path / "alpaca"
    if array:
        data.write_text(f"\n{json.dumps([ALPACA, whole], indent=1)}", encoding="utf-8")
    else:
        lines(data, ALPACA, whole)

    made = prepared(data, tmp_path / "made")

    assert [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()] == [
        {"src": ["Translate: x"], "tgt": ["y"]},
        {"src": ["q", "Translate: x"], "tgt": ["r", "y"], "system": "be kind"},
    ]


def test_the_same_data_in_two_forms_have_one_digest(tmp_path: Path) -> None:
    """Whichever side has the array and whichever the lines."""
    (tmp_path / "a").write_text(json.dumps([ALPACA]), encoding="utf-8")
    one = prepared(tmp_path / "a", tmp_path / "made")
    two = prepared(lines(tmp_path / "b", ALPACA), tmp_path / "elsewhere")

    assert data_digest(one) == data_digest(two) == one.stem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '{"src": ["a"], "tgt": ["b"]}\n{"question": "a"}\n',
            "data: line 2: this is no training sample",
        ),
        ("[1]", "data: sample 1: this is no training sample; wanted src and tgt, instruction"),
        ('{"src": ', "data: this is no JSON"),
        ("", "there is no training sample in it"),
        ("[]", "there is no training sample in it"),
        (json.dumps([PICTURES]), "samples with pictures must be lines of a jsonl"),
    ],
)
def test_what_is_no_sample_is_named(tmp_path: Path, text: str, words: str) -> None:
    """Before the first hour of training."""
    (tmp_path / "data").write_text(text, encoding="utf-8")

    with pytest.raises(SiteError, match=words):
        prepared(tmp_path / "data", tmp_path / "made")


def test_a_mixture_keeps_its_shares_and_its_order(tmp_path: Path) -> None:
    """Shares needn't add up to 1, small sets repeat, and every machine draws the same."""
    parts = [
        Part(data=lines(tmp_path / name, *({"src": name, "tgt": f"{n}"} for n in range(7))), share=share)
        for name, share in (("arc", 0.2), ("boolq", 0.1), ("hellaswag", 0.2))
    ]  # fmt: skip

    made = mixed(parts, tmp_path / "made")
    again = mixed(parts, tmp_path / "elsewhere")

    samples = list(samples_of(made))
    assert Counter(sample["src"] for sample in samples) == {
        "arc": DRAWN * 2 / 5,
        "boolq": DRAWN / 5,
        "hellaswag": DRAWN * 2 / 5,
    }
    assert made.name == again.name
    assert {sample["src"] for sample in samples[:20]} == {"arc", "boolq", "hellaswag"}


def test_a_mixtures_order_is_fixed_for_ever(tmp_path: Path) -> None:
    """A Python that shuffles otherwise would train on other data."""
    parts = [
        Part(data=lines(tmp_path / n, *({"src": f"{n}{k}", "tgt": "x"} for k in range(5))), share=1)
        for n in "012"
    ]  # fmt: skip

    assert [sample["src"] for sample in samples_of(mixed(parts, tmp_path / "made"))][:6] == FIRST


FIRST = ["02", "11", "04", "21", "04", "23"]
"""Seen alike under Python 3.10, 3.11 and 3.13."""


def test_shares_that_do_not_divide_still_add_up(tmp_path: Path) -> None:
    """Three thirds of 8000 are 2667, 2667 and 2666."""
    parts = [
        Part(data=lines(tmp_path / f"{n}.jsonl", {"src": str(n), "tgt": "x"}), share=1)
        for n in range(3)
    ]

    counts = Counter(sample["src"] for sample in samples_of(mixed(parts, tmp_path / "made")))

    assert [2667, 2667, 2666] == [counts[name] for name in ("0", "1", "2")]


def test_pictures_are_not_mixed(tmp_path: Path) -> None:
    """Their paths are relative to the file that they are in."""
    with pytest.raises(SiteError, match="samples with pictures can't be mixed"):
        mixed([Part(data=lines(tmp_path / "data.jsonl", PICTURES), share=1)], tmp_path)


def test_the_digest_covers_the_pictures(tmp_path: Path) -> None:
    """Another picture under the same name is other data."""
    data = lines(tmp_path / "data.jsonl", PICTURES)
    (tmp_path / "cat.png").write_bytes(b"a cat")
    before = data_digest(data)
    (tmp_path / "cat.png").write_bytes(b"a dog")

    assert before != data_digest(data)
    (tmp_path / "cat.png").unlink()
    with pytest.raises(SiteError, match=r"a picture of the training data isn't there.*cat\.png"):
        data_digest(data)


def test_texts_of_samples_with_pictures_become_turns(tmp_path: Path) -> None:
    """Long samples are made of them; one that ends with a question is left out."""
    question = {"text_info": [{"text": "and?", "tag": "mask"}]}
    data = lines(tmp_path / "data.jsonl", PICTURES, question, TURNS)

    made = without_pictures(data, tmp_path / "texts.jsonl")

    assert list(samples_of(made)) == [{"src": ["what?"], "tgt": ["a cat"]}, TURNS]
