"""
Prepare a folder and run the edition ``gpu-proof`` with what is in it; further arguments are pytest's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_ernie.bundles.rederive import conformance_folder
from pytest_ernie.errors import ErnieError
from pytest_ernie.proof.faults import ASKED
from pytest_ernie.proof.prepare import prepare

USAGE_ERROR = 4
FAULTS = "pytest_ernie.proof.faults"


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    options = argparse.ArgumentParser(
        prog="python -m pytest_ernie.proof",
        description="Measure every clause on one NVIDIA GPU; further arguments go to pytest.",
    )
    options.add_argument("folder", type=Path, help="for weights (2 GB), data and the site file")
    options.add_argument(
        "--python", default=sys.executable, help="environment with torch and transformers"
    )
    options.add_argument("--device", default="gpu", choices=("gpu", "cpu"))
    options.add_argument("--card", default="0", help="which one, as CUDA_VISIBLE_DEVICES takes it")
    options.add_argument(
        "--fault", default="", choices=sorted(ASKED), help="plant it; only what must show it is run"
    )
    options.add_argument("--prepare-only", action="store_true")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Return pytest's exit code, 4 if nothing could be prepared."""
    options, further = parser().parse_known_args(arguments)
    try:
        site = prepare(
            options.folder,
            options.python,
            on_cpu=options.device == "cpu",
            card=options.card,
            fault=options.fault,
        )
    except ErnieError as problem:
        sys.stderr.write(f"ERROR: {problem}\n")
        return USAGE_ERROR
    if options.prepare_only:
        return 0
    command = [
        *(sys.executable, "-m", "pytest", str(conformance_folder())),
        *("--edition=gpu-proof", f"--device={options.device}", f"--site={site}"),
        *(("-p", FAULTS, "-m", ASKED[options.fault]) if options.fault else ()),
        *further,
    ]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
