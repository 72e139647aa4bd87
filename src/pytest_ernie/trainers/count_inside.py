"""
Counts the tokens of a data set's samples: a script that runs in a trainer's toolchain.

The rule of PaddleFormers' text data sets with the template ernie_nothink: a sample is its start
mark, each question between "User: " and "Assistant: ", each answer, a separator after every answer
but the last, and an end mark; each part is tokenised by itself. What cutting to a length leaves of it
is ``tokens.py``'s to say, so that a data set is tokenised once.

Needs `tokenizers` if the checkpoint has a tokenizer.json, otherwise `paddleformers` or `transformers`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

START = "<|begin_of_sentence|>"
SEPARATOR = "<|end_of_sentence|>"
END = "</s>"
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


def measure(sample: dict[str, Any], length: Length) -> tuple[int, int]:
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
    """Return what counts a picture's tokens, by the checkpoint's own rule of resizing."""
    config = json.loads((checkpoint / "preprocessor_config.json").read_text(encoding="utf-8"))
    patch, merge = config.get("patch_size", 14), config.get("merge_size", 2)
    bounds = {name: config[name] for name in ("min_pixels", "max_pixels") if name in config}

    def tokens(path: str) -> int:
        from paddleformers.transformers.ernie4_5_moe_vl.image_processor import smart_resize
        from PIL import Image

        with Image.open(data.parent / path) as image:
            width, height = image.size
        high, wide = smart_resize(height, width, factor=patch * merge, **bounds)
        return int(high // (patch * merge)) * int(wide // (patch * merge))

    return tokens


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def main() -> None:
    """Measure the samples of the job's file and write [tokens, before the answer] of each as JSON."""
    job = json.loads(sys.argv[1])
    checkpoint, data = Path(job["checkpoint"]), Path(job["data"])
    length = tokenizer_of(checkpoint)
    picture: Picture | None = None
    measured = []
    with data.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                sample, pictures = json.loads(line), 0
                if "text_info" in sample:
                    picture = picture or pictures_of(checkpoint, data)
                    sample, pictures = as_turns(sample, picture)
                total, before_answer = measure(sample, length)
                # Where the pictures stand isn't looked at: nearly always before the first answer.
                shift = pictures if total else 0
                measured.append([total + shift, before_answer + shift])
            except (ValueError, KeyError, IndexError, TypeError, OSError) as problem:
                sys.exit(f"line {number} is no sample: {type(problem).__name__}: {problem}")
    Path(job["answer"]).write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
