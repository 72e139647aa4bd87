"""
A stand-in for FastDeploy that runs as a real server, and the toolchain in which it is installed.

    python = install(tmp_path / "toolchain", version="2.3.0")
    plant(python, "http_429@5", "load_s=2")

``packages/`` holds what is installed: the standard library's own, ready in less than half a second.
Its faults are listed in ``packages/fastdeploy/faults.py``. A word is a token, and it knows the answers
to needles ("What is the code of apple?") and to sums.
"""

from __future__ import annotations

import shutil
import sysconfig
import venv
from pathlib import Path

PACKAGES = Path(__file__).with_name("packages")
FILE = "faults.txt"


def install(
    folder: Path,
    *,
    version: str = "2.3.0",
    distribution: str = "fastdeploy-gpu",
    paddle: str = "3.2.0",
) -> Path:
    """
    Make a virtual environment at ``folder`` that has the double; return its interpreter.

    It looks as if ``distribution`` and the Paddle that belongs to it were installed.
    """
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    python = f"python{sysconfig.get_python_version()}"
    packages = folder / "lib" / python / "site-packages"
    shutil.copytree(
        PACKAGES, packages, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    chip = distribution.partition("-")[2]
    _describe(packages, distribution, version)
    _describe(packages, f"paddlepaddle-{chip}" if chip else "paddlepaddle", paddle)
    return folder / "bin" / "python"


def plant(python: Path, *commands: str) -> None:
    """Replace the faults of a toolchain, at once, for a server that runs, too."""
    new = _top(python) / f"{FILE}.new"
    new.write_text("".join(f"{command}\n" for command in commands), encoding="utf-8")
    new.replace(_top(python) / FILE)


def _top(python: Path) -> Path:
    return python.parent.parent


def _describe(packages: Path, name: str, version: str) -> None:
    folder = packages / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (folder / "METADATA").write_text(metadata, encoding="utf-8")
    (folder / "RECORD").write_text(f"{folder.name}/METADATA,,{len(metadata)}\n", encoding="utf-8")
