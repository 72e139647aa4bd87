"""
Counts the tokens of a data set's samples: a script that runs in a trainer's toolchain.

The rule of PaddleFormers' text data sets with the template ernie_nothink: a sample is its start
mark, each question between "User: " and "Assistant: ", each answer, a separator after every answer
but the last, and an end mark; each part is tokenised by itself. What cutting to a length leaves of it
is ``tokens.py``'s to say, so that a data set is tokenised once.

Needs `tokenizers` if the checkpoint has a tokenizer.json, otherwise `paddleformers` or `transformers`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

START = "<|begin_of_sentence|>"
SEPARATOR = "<|end_of_sentence|>"
END = "</s>"
THINK, THOUGHT, NO_THOUGHT = "<think>", "</think>", "<think>\n\n</think>\n\n"
"""What the template of multimodal models (ernie_vl_nothink) puts before an answer without thoughts."""
IMAGE_START, IMAGE_END = "<|IMAGE_START|>", "<|IMAGE_END|>"

Length = Callable[[str], int]


def tokenizer_of(checkpoint: Path) -> Length:
    """Return what counts the tokens of a text, special tokens written in it included."""
    if (checkpoint / "tokenizer.json").is_file():
        from tokenizers import Tokenizer

        fast = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
        return lambda text: len(fast.encode(text, add_special_tokens=False).ids)
    try:
        from paddleformers.transformers import AutoTokenizer
    except ImportError:
        from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(str(checkpoint))
    return lambda text: len(slow.encode(text, add_special_tokens=False))


def remembering(length: Length) -> Length:
    """
    Return the same count, taken once for each text.

    Long samples are made of a data set's own turns, some thousand of them each, so nearly every text comes
    again. What is kept of one is a digest, since a data set may be as large as the memory.
    """
    known: dict[bytes, int] = {}

    def remembered(text: str) -> int:
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in known:
            known[key] = length(text)
        return known[key]

    return remembered


def measure(sample: dict[str, Any], length: Length, *, multimodal: bool = False) -> tuple[int, int]:
    """Return the tokens of a sample, uncut, and those before its first answer; 0, 0 if it has none."""
    questions, answers = _texts(sample["src"]), _texts(sample["tgt"])
    if len(questions) != len(answers):
        raise ValueError(f"{len(questions)} src and {len(answers)} tgt")
    if not questions or not all(text.strip() for text in questions + answers):
        return 0, 0
    system = sample.get("system")
    if sample.get("is_system"):
        system, questions, answers = questions[0], questions[1:], answers[1:]
    separator = length(SEPARATOR)
    total = length(START) + (length(f"{system}\n") if system else 0)
    before_answer = 0
    for question, answer in zip(questions, answers, strict=True):
        total += length(f"User: {question}\nAssistant: ")
        before_answer = before_answer or total
        total += length(answer) + separator
        if multimodal and THINK not in answer and THOUGHT not in answer:
            total += length(NO_THOUGHT)
    return total + length(END) - separator, before_answer


Picture = Callable[[str], int]
"""Tokens of a picture, by its path."""


def as_turns(sample: dict[str, Any], picture: Picture) -> tuple[dict[str, Any], int]:
    """
    Return a sample of texts and pictures as turns, and the tokens of its pictures.

    Neighbours of one tag are one message; a picture stands before the text that it is matched with.
    """
    if sample.get("video_info"):
        raise ValueError("videos can't be counted")
    texts = sample["text_info"]
    images = sorted(sample.get("image_info", ()), key=lambda image: image["matched_text_index"])
    messages: list[tuple[str, str]] = []
    pictures = 0
    for index, text in enumerate(texts):
        content = ""
        while images and images[0]["matched_text_index"] <= index:
            pictures += picture(images.pop(0)["image_url"])
            content += f"Picture {len(sample['image_info']) - len(images)}:{IMAGE_START}{IMAGE_END}"
        role = "tgt" if text["tag"] == "no_mask" else "src"
        content += text["text"]
        if messages and messages[-1][0] == role:
            messages[-1] = (role, messages[-1][1] + content)
        else:
            messages.append((role, content))
    turns = {name: [text for role, text in messages if role == name] for name in ("src", "tgt")}
    return {**turns, "system": sample.get("system")}, pictures


def pictures_of(checkpoint: Path, data: Path) -> Picture:
    """Return what counts a picture's tokens: the trainer's own processor of the checkpoint says its size."""
    from paddleformers.transformers.ernie4_5_moe_vl.image_processor import (
        Ernie4_5_VLImageProcessor,
    )
    from PIL import Image

    processor = Ernie4_5_VLImageProcessor.from_pretrained(str(checkpoint))

    def tokens(path: str) -> int:
        with Image.open(data.parent / path) as image:
            width, height = image.size
        _, (high, wide) = processor.get_smarted_resize(height, width)
        return int(high * wide) // int(processor.merge_size) ** 2

    return tokens


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def main() -> None:
    """Measure the samples of the job's file and write [tokens, before the answer] of each as JSON."""
    job = json.loads(sys.argv[1])
    checkpoint, data = Path(job["checkpoint"]), Path(job["data"])
    length = remembering(tokenizer_of(checkpoint))
    picture: Picture | None = None
    measured = []
    with data.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                sample, pictures = json.loads(line), 0
                multimodal = "text_info" in sample
                if multimodal:
                    picture = picture or pictures_of(checkpoint, data)
                    sample, pictures = as_turns(sample, picture)
                total, before_answer = measure(sample, length, multimodal=multimodal)
                # Where the pictures stand isn't looked at: nearly always before the first answer.
                shift = pictures if total else 0
                measured.append([total + shift, before_answer + shift])
            except (ValueError, KeyError, IndexError, TypeError, OSError) as problem:
                sys.exit(f"line {number} is no sample: {type(problem).__name__}: {problem}")
    Path(job["answer"]).write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
