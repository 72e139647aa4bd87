"""
Locked toolchains of the CPU trainer and the CPU servers, installed by uv on first use.

Each lock is a list of exact versions for Python 3.11, installed without looking at dependencies,
so that what is installed is the lock and nothing else. The folder's name holds the lock's digest
(a virtual environment can't be moved, so it is made where it stays), and a stamp written last says
that it is complete; a folder without the stamp was interrupted and is made anew.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Literal

from pytest_ernie.errors import ToolchainError
from pytest_ernie.progress import Progress, silent
from pytest_ernie.toolchains import process
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.package_source import (
    INDEX_VARIABLES,
    pip_source,
    redacted,
    uv_environment,
)
from pytest_ernie.toolchains.toolchain import Toolchain, installed_digest

Name = Literal["trainer-cpu", "server-cpu", "transformers-cpu", "trainer-torch-cpu", "evaluator"]

PYTHON = "3.11"
STAMP = "complete"
WHEELS = "wheels"
"""Folder of the cache; if it exists everything is installed from it and no index is asked."""
CHECKS: dict[str, str] = {
    "trainer-cpu": "import paddle, paddleformers",
    "server-cpu": (
        "import sys, torch\n"
        "if torch.version.cuda: sys.exit(f'torch {torch.__version__} is a CUDA build')\n"
        "import vllm"
    ),
    "transformers-cpu": (
        "import sys, torch\n"
        "if torch.version.cuda: sys.exit(f'torch {torch.__version__} is a CUDA build')\n"
        "import accelerate, transformers.cli.serve"
    ),
    "evaluator": "import evalscope.api.registry, langdetect, math_verify, nltk, pyarrow",
    "trainer-torch-cpu": (
        "import sys, torch\n"
        "if torch.version.cuda: sys.exit(f'torch {torch.__version__} is a CUDA build')\n"
        "import peft, transformers"
    ),
}
"""Code that must run in the toolchain before it counts as complete."""
CHECKED_WITHIN_S = 300
NEWS = ("warning", "Using Python", "Resolved", "Downloading", "Downloaded", "Prepared")
"""How uv's lines begin that aren't about what went wrong."""
UNREACHABLE = ("Failed to fetch", "are you offline", "error sending request")
"""Words of uv's when an index doesn't answer."""
SHOWN_LINES = 12


def cache_folder() -> Path:
    """Return where toolchains are kept: $PYTEST_ERNIE_CACHE, or the user's cache folder."""
    if own := os.environ.get("PYTEST_ERNIE_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "pytest-ernie"


def is_provisioned(name: Name, cache: Path | None = None) -> bool:
    """Tell whether the toolchain is installed, complete and still has its interpreter."""
    folder = _folder(name, cache or cache_folder())
    return (folder / STAMP).is_file() and os.access(folder / "bin" / "python", os.X_OK)


def provision(name: Name, *, cache: Path | None = None, progress: Progress = silent) -> Toolchain:
    """
    Return the toolchain of that name, installing it if it isn't yet.

    Several processes may ask at once: one installs, the others wait. ToolchainError says what is
    missing and how to get it.
    """
    from filelock import FileLock, Timeout

    cache = cache or cache_folder()
    folder = _folder(name, cache)
    if not is_provisioned(name, cache):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        while True:
            try:
                with lock.acquire(timeout=1):
                    if not is_provisioned(name, cache):
                        _install(name, folder, cache, progress)
                break
            except Timeout:
                progress(f"install {name}", detail="another process is installing it")
    digest, _ = installed_digest((folder / "lib").glob("python*/site-packages"))
    return Toolchain(name=name, python=str(folder / "bin" / "python"), digest=digest)


def lock_text(name: str) -> str:
    """Return the lock of that toolchain: ``name==version`` lines."""
    lock = resources.files("pytest_ernie.toolchains") / "locks" / f"{name}.txt"
    return lock.read_text(encoding="utf-8")


def _folder(name: str, cache: Path) -> Path:
    digest = hashlib.sha256(lock_text(name).encode()).hexdigest()
    # A home folder may be shared by machines of several kinds.
    return cache / "toolchains" / f"{name}-{platform.machine()}-{digest[:16]}"


def _install(name: str, folder: Path, cache: Path, progress: Progress) -> None:
    stage = f"install {name}"
    progress(stage, detail=f"looking for Python {PYTHON}")
    uv = _Uv(name, cache, log=Path(f"{folder}.log"))
    python = str(find_python())
    shutil.rmtree(folder, ignore_errors=True)
    uv.run(["venv", "--quiet", "--no-project", "--python", python, str(folder)])
    lock = folder / "lock.txt"
    lock.write_text(lock_text(name), encoding="utf-8")
    into = ["--python", str(folder / "bin" / "python")]
    uv.run(
        ["pip", "install", "--no-deps", *into, "-r", str(lock)],
        _Installing(stage, len(lock.read_text().split()), progress),
    )
    progress(stage, done=1, total=1, detail="trying it")
    _check(name, folder)
    unfinished = folder / f"{STAMP}.part"
    unfinished.write_text(f"{name} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n")
    unfinished.replace(folder / STAMP)


class _Installing:
    """Reads uv's output as it comes and tells how many packages are there."""

    def __init__(self, stage: str, total: int, progress: Progress) -> None:
        self.stage, self.total, self.progress = stage, total, progress
        self.done = 0
        self.unread = b""

    def __call__(self, output: bytes) -> None:
        *lines, self.unread = (self.unread + output).split(b"\n")
        for line in lines:
            text = redacted(line.decode("utf-8", "replace")).strip()
            if text.startswith(("Downloaded ", "Built ")):
                self.done += 1
            elif text.startswith(("Prepared ", "Installed ")):
                self.done = self.total
            if text and not text.startswith(("warning", "+ ", "Using Python")):
                self.progress(
                    self.stage, done=min(self.done, self.total), total=self.total, detail=text
                )


class _Uv:
    """uv with pip's settings, run under a keeper so that it never outlives this process."""

    def __init__(self, name: str, cache: Path, *, log: Path) -> None:
        from uv import find_uv_bin

        self.name, self.cache, self.log = name, cache, log
        self.uv = find_uv_bin()
        self.env = uv_variables()
        if (cache / WHEELS).is_dir():
            # uv asks an index that is named, even if it is told to ask none.
            self.env = {k: v for k, v in self.env.items() if k not in INDEX_VARIABLES}
            self.env.update(UV_NO_INDEX="1", UV_FIND_LINKS=str(cache / WHEELS))

    def run(self, words: list[str], on_output: Callable[[bytes], None] | None = None) -> None:
        """Run uv with these words; ToolchainError with the cause if it fails."""
        # In the cache folder uv finds no configuration of whatever project pytest runs in.
        running = process.start([self.uv, *words], env=self.env, cwd=self.cache, log=self.log)
        if code := running.follow(on_output or (lambda _: None)):
            raise explained(self.name, code, running.output_tail(SHOWN_LINES), self.cache)


def find_python() -> Path:
    """Return a Python of the locks' version; ToolchainError if this machine has none."""
    from uv import find_uv_bin

    answer = subprocess.run(
        [find_uv_bin(), "python", "find", "--quiet", "--no-project", "--system", PYTHON],
        env=uv_variables(),
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode == 0 and answer.stdout.strip():
        return Path(answer.stdout.strip())
    # uv looks where PATH leads; pyenv keeps versions that no shim of PATH leads to.
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for python in sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python")):
        return python
    raise ToolchainError(
        f"the toolchains need Python {PYTHON}, and this machine has none that uv finds",
        fix=f"Install it (Debian and Ubuntu: the package python{PYTHON}; with a network: "
        f"`uv python install {PYTHON}`), or name an interpreter in the site file",
    )


def uv_variables() -> dict[str, str]:
    """Return uv's environment: this process's, with pip's settings added."""
    # A virtual environment that happens to be active has nothing to do with the toolchain.
    foreign = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME")
    variables = uv_environment(pip_source(), os.environ)
    return {name: value for name, value in variables.items() if name not in foreign}


def explained(name: str, code: int, output: str, cache: Path) -> ToolchainError:
    """Return the error for an installation that failed with that output of uv."""
    output = redacted(output)
    where = f"toolchain {name}"
    lock = f"{name}.txt"
    elsewhere = (
        f"On a machine with a network run `pip download --no-deps -r {lock} -d {WHEELS}` under "
        f"Python {PYTHON} ({lock} is in pytest_ernie/toolchains/locks) and copy that folder to "
        f"{cache / WHEELS}; or name an interpreter in the site file"
    )
    flat = " ".join(output.split())
    if "torch==" in flat and "+cpu" in flat and "no version of" in flat:
        return ToolchainError(
            "the CPU build of torch isn't on the package index that pip and uv are set up for",
            where=where,
            got="an index without a +cpu version (another build would bring CUDA)",
            fix="Add PyTorch's index of CPU builds for this version as PIP_EXTRA_INDEX_URL, or a "
            f"folder with its wheel as PIP_FIND_LINKS; {WHEELS} in the cache folder, if there, is "
            "searched alone",
        )
    if any(word in flat for word in UNREACHABLE):
        return ToolchainError(
            "the package index can't be reached", where=where, got=_cause(output), fix=elsewhere
        )
    if "No space left" in flat or "os error 28" in flat:
        return ToolchainError(
            "the disk is full",
            where=where,
            fix=f"About 3 GB are needed in {cache}; PYTEST_ERNIE_CACHE moves it",
        )
    if "unsatisfiable" in flat or "not found in the package registry" in flat:
        return ToolchainError(
            "a locked package isn't available", where=where, got=_cause(output), fix=elsewhere
        )
    return ToolchainError(f"uv failed with {code}", where=where, got=_cause(output))


def _cause(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(NEWS)]
    return " ".join(" ".join(kept[-SHOWN_LINES:]).split())[-600:] or "no output"


def _check(name: str, folder: Path) -> None:
    python = folder / "bin" / "python"
    try:
        answer = subprocess.run(
            [str(python), "-c", CHECKS[name]],
            env=inherited(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECKED_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolchainError(
            f"it didn't start within {CHECKED_WITHIN_S} s", where=f"toolchain {name}"
        ) from None
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or [f"exit {answer.returncode}"])[-1]
        raise ToolchainError(
            "it is installed but doesn't work",
            where=f"toolchain {name}",
            got=last,
            fix="A package index that serves other builds under the locked versions does this",
        )
