"""
How many tokens the samples of a data set truly hold, counted inside the trainer's toolchain.

The trainer's own figure counts padding, so the effective one is made of these counts. The rule is
that of PaddleFormers' text data sets with the template ernie_nothink: see ``count_inside.py``.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from pytest_ernie.errors import TrainerError
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain
from pytest_ernie.trainers.protocol import TokenCount

SCRIPT = Path(__file__).with_name("count_inside.py")
COUNTED_WITHIN_S = 600


def count_tokens(
    toolchain: Toolchain, checkpoint: Path, data: Path, *, sequence_length: int
) -> TokenCount:
    """
    Count the tokens of every sample as the trainer feeds them, cut to ``sequence_length``.

    TrainerError if the toolchain can't tokenise, a line isn't a sample, or no sample has anything
    to learn from: the trainer would look for one for ever.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "counts.json"
        job = {
            "checkpoint": str(checkpoint.absolute()),
            "data": str(data.absolute()),
            "sequence_length": sequence_length,
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
        counts = json.loads(answer.read_text(encoding="utf-8"))
    if not any(counts):
        raise TrainerError(
            "no sample has an answer left to learn from",
            where=data,
            got=f"{len(counts)} samples, each cut to {sequence_length} tokens",
            fix="Shorten the questions or take a longer sequence",
        )
    return TokenCount(total=sum(counts), per_sample=tuple(counts))
