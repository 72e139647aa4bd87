"""
Supervised data sets as the trainers read them: one jsonl of turns, whatever they came as.

    src, tgt                    taken as they are
    instruction, input, output  alpaca, with history and system: turned into src and tgt
    image_info, text_info       of multimodal models: taken as they are, pictures relative to their file
    a mixture                   drawn from several by their shares, in an order that its seed fixes

A file that is made anew is the same on every machine, so both sides' digests can be compared (R14).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_ernie.errors import SiteError

SEED = 23
"""Of the order in which a mixture is drawn: that of the published configurations."""
DRAWN = 8000
"""Samples of a mixture: 500 steps of the largest global batch, 16."""
FORMATS = "src and tgt, instruction and output, or text_info"


class Part(Struct, frozen=True, kw_only=True):
    """A data set of a mixture, and its share of the samples; shares needn't add up to 1."""

    data: Path
    share: float


def prepared(data: Path, folder: Path) -> Path:
    """
    Return the data set as a jsonl that the trainers read: itself, or one made in ``folder``.

    SiteError with the line if something in it is no sample.
    """
    samples = list(samples_of(data))
    if not samples:
        raise SiteError("there is no training sample in it", where=data)
    if _is_plain(data) and not any("instruction" in raw for _, raw in _raw(data)):
        return data
    if any("text_info" in sample for sample in samples):
        raise SiteError(
            "samples with pictures must be lines of a jsonl, and not among alpaca's", where=data
        )
    return _written(samples, folder)


def mixed(parts: Sequence[Part], folder: Path) -> Path:
    """
    Return a jsonl with DRAWN samples of the parts, by their shares, made in ``folder``.

    Each part gives its samples in an order of its own, from the beginning again where it has too few;
    then all are shuffled. SiteError for a part with pictures, whose paths would lead elsewhere.
    """
    whole = sum(part.share for part in parts)
    drawn: list[dict[str, Any]] = []
    for number, (part, count) in enumerate(
        zip(parts, _apportioned([part.share / whole for part in parts], DRAWN), strict=True)
    ):
        samples = list(samples_of(part.data))
        if not samples:
            raise SiteError("there is no training sample in it", where=part.data)
        if any("text_info" in sample for sample in samples):
            raise SiteError("samples with pictures can't be mixed", where=part.data)
        random.Random(f"{SEED} {number}").shuffle(samples)
        drawn += (samples[n % len(samples)] for n in range(count))
    random.Random(SEED).shuffle(drawn)
    return _written(drawn, folder)


def _apportioned(shares: Sequence[float], count: int) -> list[int]:
    """Return whole numbers that add up to ``count``: the largest remainders are rounded up."""
    exact = [share * count for share in shares]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (counts[n] - exact[n], n))
    for n in by_remainder[: count - sum(counts)]:
        counts[n] += 1
    return counts


def samples_of(data: Path) -> Iterator[dict[str, Any]]:
    """Yield the samples of a jsonl, or of a file with one JSON array, as turns or as they are."""
    for number, raw in _raw(data):
        if isinstance(raw, dict):
            if "text_info" in raw or ("src" in raw and "tgt" in raw):
                yield raw
                continue
            if "instruction" in raw and "output" in raw:
                yield _from_alpaca(raw)
                continue
        raise SiteError("this is no training sample", where=f"{data}: {number}", wanted=FORMATS)


def _raw(data: Path) -> Iterator[tuple[str, Any]]:
    try:
        if not _is_plain(data):
            for number, sample in enumerate(json.loads(data.read_text(encoding="utf-8")), 1):
                yield f"sample {number}", sample
            return
        with data.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"line {number}", json.loads(line)
    except OSError as problem:
        raise SiteError(
            f"the training data can't be read ({problem.strerror})", where=data
        ) from None
    except (ValueError, TypeError) as problem:
        raise SiteError(f"this is no JSON ({problem})", where=data) from None


def _is_plain(data: Path) -> bool:
    """Tell whether each line is a sample; otherwise the whole file is one array."""
    with data.open("rb") as file:
        return not file.read(256).lstrip().startswith(b"[")


def _from_alpaca(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an alpaca sample as turns; instruction and input stand together, as ERNIEKit maps them."""
    history = raw.get("history") or []
    sample: dict[str, Any] = {
        "src": [*(turn[0] for turn in history), raw["instruction"] + (raw.get("input") or "")],
        "tgt": [*(turn[1] for turn in history), raw["output"]],
    }
    return {"system": raw["system"], **sample} if raw.get("system") else sample


def _written(samples: Sequence[dict[str, Any]], folder: Path) -> Path:
    text = "".join(f"{json.dumps(sample, ensure_ascii=False)}\n" for sample in samples)
    content = text.encode()
    path = folder / f"{hashlib.sha256(content).hexdigest()}.jsonl"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return path


def without_pictures(data: Path, out: Path) -> Path:
    """
    Write the texts of samples with pictures as turns, one sample a line; other samples as they are.

    Long samples are made of these: pictures' paths are relative to the file that they were in.
    """
    with out.open("w", encoding="utf-8") as file:
        for sample in samples_of(data):
            turns = _texts_of(sample) if "text_info" in sample else sample
            if turns["src"] and len(turns["src"]) == len(turns["tgt"]):
                file.write(f"{json.dumps(turns, ensure_ascii=False)}\n")
    return out


def _texts_of(sample: dict[str, Any]) -> dict[str, list[str]]:
    """Return the texts, neighbours of one tag together: no_mask is what is learned."""
    turns: dict[str, list[str]] = {"src": [], "tgt": []}
    before = None
    for text in sample["text_info"]:
        role = "tgt" if text["tag"] == "no_mask" else "src"
        if role == before:
            turns[role][-1] += text["text"]
        else:
            turns[role].append(text["text"])
        before = role
    return turns


def data_digest(data: Path) -> str:
    """
    Return the digest of a prepared data set: of its file, and of every picture that it names.
    """
    own = _file_digest(data)
    if "text_info" not in next(samples_of(data), {}):
        return own
    pictures = sorted(
        {
            image["image_url"]
            for sample in samples_of(data)
            for image in sample.get("image_info") or ()
        }
    )
    if not pictures:
        return own
    total = hashlib.sha256(own.encode())
    for name in pictures:
        path = data.parent / name
        if not path.is_file():
            raise SiteError("a picture of the training data isn't there", where=data, got=name)
        total.update(f"{name}\0{_file_digest(path)}\n".encode())
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
