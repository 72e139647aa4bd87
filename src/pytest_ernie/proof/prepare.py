"""
What the edition ``gpu-proof`` needs of a site: weights, training data, and the site file that names them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pytest_ernie import rehearsal
from pytest_ernie.errors import ToolchainError
from pytest_ernie.proof.faults import SERVING, TRAINING
from pytest_ernie.rehearsal.tasks import TASKS
from pytest_ernie.toolchains import adopt
from pytest_ernie.trainers.long_samples import write_long_samples
from pytest_ernie.trainers.tokens import count_tokens

WEIGHTS = Path(__file__).parent / "inside" / "weights.py"
GEOMETRY, TINY = "ERNIE-4.5-0.3B-geometry", "ERNIE-4.5-tiny"
TOKENS, SAMPLES = 8192, 500
"""Of the throughput run: as many samples as steps."""
UNCUT = 2**31 - 1
DONE = "prepared"


def prepare(
    folder: Path, python: str, *, on_cpu: bool = False, card: str = "0", fault: str = ""
) -> Path:
    """
    Return a site file in ``folder``, with all that it names beside it; what is there stays.

    ``python`` is the interpreter of an environment with torch, transformers, peft, torchao and what
    ``transformers serve`` needs. ToolchainError if it lacks something.
    """
    folder = folder.absolute()
    if not (folder / DONE).exists():
        weights = folder / "weights"
        shutil.rmtree(weights, ignore_errors=True)
        _make_weights(python, weights)
        _make_data(python, weights / "geometry", folder / "long.jsonl")
        (folder / DONE).touch()
    site = folder / f"site-{fault or card}.toml"
    text = site_file(folder, python, on_cpu=on_cpu, card=card, fault=fault)
    site.write_text(text, encoding="utf-8")
    return site


def _make_weights(python: str, out: Path) -> None:
    done = subprocess.run(
        [python, str(WEIGHTS), str(rehearsal.checkpoint()), str(out)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        shutil.rmtree(out, ignore_errors=True)
        lines = done.stderr.strip().splitlines()
        raise ToolchainError(
            "the stand-ins' weights can't be made",
            where=python,
            got=lines[-1] if lines else f"exit code {done.returncode}",
            wanted="an environment with numpy, torch, transformers and torchao",
        )


def _make_data(python: str, checkpoint: Path, out: Path) -> None:
    toolchain = adopt("trainer", Path(python))
    data = rehearsal.supervised_data()
    sizes = count_tokens(toolchain, checkpoint, data, sequence_length=UNCUT).per_sample
    write_long_samples(data, sizes, out, tokens=TOKENS, samples=SAMPLES)


def site_file(folder: Path, python: str, *, on_cpu: bool, card: str = "0", fault: str = "") -> str:
    """Return the site file's text, with the trainer or engine that has the fault."""
    trainer = fault if fault in TRAINING else "transformers"
    engine = fault if fault in SERVING else "transformers"
    weights, data = folder / "weights", rehearsal.supervised_data()
    # A card is asked to replay whole steps; a CPU has nothing to replay.
    arguments = [] if on_cpu else ["--cb-use-cuda-graph"]
    questions = "".join(
        f'{task} = "{rehearsal.held_out_questions(task)}"\n' for task in sorted(TASKS)
    )
    return f"""# Written by python -m pytest_ernie.proof; docs/gpu-proof.md
cards = ["{card}"]

[trainer]
kind = "{trainer}"
python = "{python}"

[engine]
kind = "{engine}"
python = "{python}"
max_num_seqs = 64
arguments = {arguments}

[models."{TINY}"]
checkpoint = "{rehearsal.checkpoint()}"
training_data = "{data}"

[models."{TINY}".serving.wint8]
checkpoint = "{weights / "tiny-int8"}"

[models."{GEOMETRY}"]
checkpoint = "{weights / "geometry"}"
training_data = "{folder / "long.jsonl"}"

[models."{GEOMETRY}".serving.wint8]
checkpoint = "{weights / "geometry-int8"}"

[datasets]
{questions}"""
