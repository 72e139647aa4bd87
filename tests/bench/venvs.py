"""
Installs a client into an environment of its own, from wherever pip would install it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from processes import Failed, last_words
from uv import find_uv_bin

from pytest_ernie.toolchains.package_source import redacted
from pytest_ernie.toolchains.provision import uv_variables

TIMEOUT_S = 1800.0
DONE = "installed.txt"


def installed(name: str, requirement: str, folder: Path) -> Path:
    """Return the interpreter of the environment that has it; Failed if it can't be installed."""
    environment = folder / name
    python = environment / "bin" / "python"
    done = environment / DONE
    if not (done.exists() and done.read_text() == requirement):
        shutil.rmtree(environment, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        base = ["--no-project", "--python", sys.executable]
        _uv(["venv", "--quiet", *base, str(environment)], folder)
        _uv(["pip", "install", "--quiet", "--python", str(python), requirement], folder)
        done.write_text(requirement)
    return python


VERSION = """
import importlib.metadata as metadata, sys
print(*map(metadata.version, metadata.packages_distributions()[sys.argv[1]][:1]))
"""


def version(python: Path, module: str) -> str:
    """Return the version of the distribution that brings the module."""
    answer = subprocess.run(
        [str(python), "-c", VERSION, module], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or "of unknown version"


def _uv(words: list[str], folder: Path) -> None:
    try:
        answer = subprocess.run(
            [find_uv_bin(), *words],
            env=uv_variables(),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"not installed: uv took over {TIMEOUT_S:g} s") from None
    if answer.returncode:
        raise Failed(f"not installed: {last_words(redacted(answer.stderr))}")
