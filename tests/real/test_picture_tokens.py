"""
Tokens of samples with pictures, held to what PaddleFormers' own data pipeline makes of them.
"""

from __future__ import annotations

import json
import random
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from pytest_ernie import rehearsal
from pytest_ernie.toolchains import provision
from pytest_ernie.trainers.tokens import count_tokens

MARKS = ("<|IMAGE_START|>", "<|IMAGE_END|>", "<|IMAGE_PLACEHOLDER|>")
SCRIPT = Path(__file__).with_name("picture_tokens.py")


def picture(path: Path, width: int, height: int) -> None:
    """A grey PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def checkpoint(folder: Path, limits: dict[str, int]) -> Path:
    """The rehearsal's tokenizer with the marks of pictures, and a picture processor."""
    from tokenizers import AddedToken, Tokenizer

    folder.mkdir()
    tokenizer = Tokenizer.from_file(str(rehearsal.checkpoint() / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in MARKS])
    tokenizer.save(str(folder / "tokenizer.json"))
    shutil.copy(rehearsal.checkpoint() / "tokenizer_config.json", folder)
    processor = {"image_processor_type": "Ernie4_5_VLImageProcessor", **limits}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def samples(folder: Path) -> Path:
    """A dozen of one or two turns and pictures, small, large, wide and high."""
    rng = random.Random(23)
    texts = [("what is 12 + 7?", "it is 19"), ("and this one", "eight")]
    lines = []
    for number in range(12):
        turns = texts[: rng.choice([1, 2])]
        images: list[dict[str, Any]] = []
        for place in range(rng.choice([1, 2])):
            name = f"{number}-{place}.png"
            picture(folder / name, rng.choice([90, 300, 900, 2500]), rng.choice([100, 164, 1400]))
            matched = rng.choice(range(0, 2 * len(turns), 2))
            images.append({"image_url": name, "matched_text_index": matched})
        tagged = [
            {"text": text, "tag": tag}
            for turn in turns
            for text, tag in zip(turn, ("mask", "no_mask"), strict=True)
        ]
        lines.append(json.dumps({"text_info": tagged, "image_info": images}))
    data = folder / "data.jsonl"
    data.write_text("\n".join(lines))
    return data


@pytest.mark.parametrize(
    "limits", [{}, {"max_pixels": 300 * 28 * 28}, {"min_pixels": 64 * 28 * 28}], ids=str
)
def test_pictures_are_counted_as_they_are_fed(tmp_path: Path, limits: dict[str, int]) -> None:
    """Every sample to the token, whatever the picture's size and the checkpoint's limits."""
    toolchain = provision("trainer-cpu")
    data = samples(tmp_path)
    folder = checkpoint(tmp_path / "model", limits)

    answer = tmp_path / "fed.json"
    subprocess.run(
        [toolchain.python, SCRIPT, folder, data, answer], check=True, capture_output=True
    )

    counted = count_tokens(toolchain, folder, data, sequence_length=2**31 - 1)
    assert list(counted.per_sample) == json.loads(answer.read_text())
