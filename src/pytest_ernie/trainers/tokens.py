"""
How many tokens the samples of a data set truly hold, counted inside the trainer's toolchain.

The trainer's own figure counts padding, so the effective one is made of these counts. The rule is
that of PaddleFormers' text data sets with the template ernie_nothink: see ``count_inside.py``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import msgspec

from pytest_ernie.errors import TrainerError
from pytest_ernie.toolchains import cache_folder
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.protocol import TokenCount

SCRIPT = Path(__file__).with_name("inside") / "count_inside.py"
COUNTED_WITHIN_S = 3600
TOKENIZER = (
    "tokenizer*",
    "*.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "preprocessor*",
)
"""Files of a checkpoint that decide how text becomes tokens, and pictures."""


def count_tokens(
    toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
) -> TokenCount:
    """
    Count the tokens of every sample as the trainer feeds them, cut to ``sequence_length``.

    Tokenised once for a data set and a tokenizer, whatever the lengths that are asked for. TrainerError if
    the toolchain can't tokenise, a line isn't a sample, or no sample has anything to learn from: the trainer
    would look for one for ever.
    """
    measured = _measured(toolchain, checkpoint, data)
    counts = [cut(total, before_answer, sequence_length) for total, before_answer in measured]
    if not any(counts):
        raise TrainerError(
            "no sample has an answer left to learn from",
            where=data,
            got=f"{len(counts)} samples, each cut to {sequence_length} tokens",
            fix="Shorten the questions or take a longer sequence",
        )
    return TokenCount(total=sum(counts), per_sample=tuple(counts))


def cut(total: int, before_answer: int, sequence_length: int) -> int:
    """
    Return what is trained of a sample's tokens, of which so many stand before its first answer.

    What is longer than the sequence length loses its end, and a sample of which no answer is left isn't
    trained at all.
    """
    return min(total, sequence_length) if 0 < before_answer < sequence_length else 0


def _measured(toolchain: Toolchain, checkpoint: Path, data: Path) -> list[tuple[int, int]]:
    """Return tokens and those before the answer of each sample, from the cache if they are known."""
    kept = cache_folder() / "token-counts" / f"{_key(toolchain, checkpoint, data)}.json"
    try:
        return msgspec.json.decode(kept.read_bytes(), type=list[tuple[int, int]])
    except (OSError, msgspec.DecodeError):
        pass
    measured = _asked(toolchain, checkpoint, data)
    with contextlib.suppress(OSError):  # a cache that can't be written costs time, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_bytes(msgspec.json.encode(measured))
        part.replace(kept)
    return measured


def _key(toolchain: Toolchain, checkpoint: Path, data: Path) -> str:
    """Digest of the data, what tokenises them, and the rule by which they are counted."""
    total = hashlib.sha256(toolchain.digest.encode())
    tokenizer = sorted(path for kind in TOKENIZER for path in checkpoint.glob(kind))
    for path in (SCRIPT, data, *tokenizer):
        total.update(f"{path.name if path in tokenizer else ''}\0".encode())
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                total.update(part)
    return total.hexdigest()


def _asked(toolchain: Toolchain, checkpoint: Path, data: Path) -> list[tuple[int, int]]:
    """Let the toolchain tokenise."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "counts.json"
        job = {
            "checkpoint": str(checkpoint.absolute()),
            "data": str(data.absolute()),
            "answer": str(answer),
        }
        run = subprocess.run(
            [toolchain.python, str(SCRIPT), json.dumps(job)],
            env=inherited() | toolchain.env | {"PYTHONNOUSERSITE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COUNTED_WITHIN_S,
            check=False,
        )
        if run.returncode:
            lines = run.stderr.decode("utf-8", "replace").strip().splitlines()
            raise TrainerError(
                "the samples' tokens can't be counted",
                where=data,
                got=lines[-1] if lines else f"exit code {run.returncode}",
            )
        return msgspec.json.decode(answer.read_bytes(), type=list[tuple[int, int]])
