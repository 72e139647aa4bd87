"""
What is installed in a site's environments: packages that don't fit each other or this system.
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from pytest_ernie.errors import ToolchainError
from pytest_ernie.preflight.finding import Check, Finding, at_least
from pytest_ernie.preflight.lab import Lab
from pytest_ernie.toolchains.installed import versions_in

PYTHON = "3.10"
UV_S = 120
SHOWN = 3
PAIRS = {"2.0": "3.1", "2.1": "3.1", "2.2": "3.2", "2.3": "3.2", "2.4": "3.3"}
"""FastDeploy's version -> Paddle's, as its installation guides pair them (2025-07 to 2026-02)."""
BUILT_WITH = re.compile(r"^Paddle version:\s*(\S+)", re.MULTILINE)
BUILT_COMMIT = re.compile(r"^Paddle GIT COMMIT ID:\s*(\S+)", re.MULTILINE)
PADDLES_COMMIT = re.compile(r"^commit\s*=\s*['\"](\w+)['\"]", re.MULTILINE)
TAG = re.compile(r"manylinux_2_(\d+)_|manylinux(2014|2010|1)_")
OLD_TAGS = {"2014": 17, "2010": 12, "1": 5}


def checks_of(lab: Lab) -> Iterator[Check]:
    """Yield the checks for each environment that the site file names."""
    for name, (python, env) in lab.environments.items():
        yield Check(name=f"{name} python", run=partial(python_of, name, python, env))
        yield Check(name=f"{name} packages", run=partial(compatible, name, python))
        yield Check(name=f"{name} glibc", run=partial(glibc, name, python, env))
    if "engine" in lab.environments:
        yield Check(name="FastDeploy and Paddle", run=partial(paired, *lab.environments["engine"]))


def installed(python: Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return name -> version of what an interpreter can import; empty if it doesn't run."""
    return versions_in(_folders(python, env))


def _folders(python: Path, env: Mapping[str, str] | None = None) -> list[Path]:
    from pytest_ernie.toolchains.toolchain import package_folders

    try:
        return package_folders("preflight", python, env)
    except ToolchainError:
        return []


def python_of(name: str, python: Path, env: Mapping[str, str] | None = None) -> Finding:
    """The environment's interpreter runs, and is one that the toolkits' guides allow."""
    version = _version(python, env)
    return Finding(
        name=f"{name} python",
        holds=version is not None and at_least(version, PYTHON),
        got=version or f"{python} doesn't run",
        wanted=f"{PYTHON} or newer (FastDeploy's guides; some chips' wheels are for 3.10 only)",
        mend=f"Name an interpreter of the environment as [{name}] python in the site file",
    )


def _version(python: Path, env: Mapping[str, str] | None) -> str | None:
    from pytest_ernie.toolchains import inherited

    try:
        done = subprocess.run(
            [str(python), "-c", "import platform; print(platform.python_version())"],
            env={**inherited(), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def compatible(name: str, python: Path) -> Finding:
    """
    No installed package has a version that another one refuses, as ``uv pip check`` sees it.

    One that is missing altogether is a note: what doesn't use it runs without.
    """
    from uv import find_uv_bin

    try:
        done = subprocess.run(
            [find_uv_bin(), "--no-config", "pip", "check", "--python", str(python)],
            capture_output=True,
            text=True,
            timeout=UV_S,
            check=False,
        )
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        holds = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as problem:
        lines, holds = [str(problem)], False
    found = [line.removeprefix("The package ") for line in lines if line.startswith("The package ")]
    clashes = [line for line in found if line.endswith("is installed")]
    mend = f"Install the versions that are asked for into the environment of {python}"
    if not holds and not found:
        why = next((line for line in lines if line.startswith("error")), " ".join(lines[:1]))
        clashes = [f"{python} can't be looked into ({why})"]
        mend = "Name the interpreter of the environment in the site file"
    shown = (clashes or found)[:SHOWN]
    more = len(clashes or found) - len(shown)
    return Finding(
        name=f"{name} packages",
        holds=holds,
        got=("; ".join(shown) + (f" and {more} more" if more else "")) or "they do",
        wanted="packages that fit each other",
        mend=mend,
        advice=not clashes,
    )


def glibc(name: str, python: Path, env: Mapping[str, str] | None = None) -> Finding:
    """The wheels that are installed were built for a glibc that this system has."""
    needed, by = newest_glibc(_folders(python, env))
    kind, version = platform.libc_ver()
    return Finding(
        name=f"{name} glibc",
        holds=kind == "glibc" and at_least(version, f"2.{needed}"),
        got=f"{kind} {version}".strip() or "no glibc",
        wanted=f"glibc 2.{needed} or newer, for {by}" if needed else "any glibc",
        mend="Use a newer system, or a container of the one that the environment was made on",
    )


def newest_glibc(folders: list[Path]) -> tuple[int, str]:
    """Return the newest glibc (its minor version) that an installed wheel asks for, and which."""
    found = [(0, "")]
    for folder in folders:
        for wheel in folder.glob("*.dist-info/WHEEL"):
            tags = TAG.findall(wheel.read_text(encoding="utf-8", errors="replace"))
            if tags:
                least = min(int(minor) if minor else OLD_TAGS[old] for minor, old in tags)
                found.append((least, wheel.parent.name.removesuffix(".dist-info")))
    return max(found)


def paired(python: Path, env: Mapping[str, str] | None = None) -> Finding:
    """
    FastDeploy runs with the Paddle that it was compiled with.

    Wheels say which in fastdeploy/version.txt (since 2.4, by the commit); older ones by the guides.
    """
    packages = installed(python, env)
    paddle = next((v for name, v in packages.items() if name.startswith("paddlepaddle")), None)
    deploy = next(
        (v for name, v in packages.items() if re.match(r"fastdeploy(-|$)", name)),
        None,
    )
    if deploy is None:
        return Finding(
            name="FastDeploy and Paddle",
            holds=True,
            got="no FastDeploy there",
            wanted="a fitting Paddle where there is one",
        )
    built = _built_with(_folders(python, env))
    wanted, holds = _verdict(deploy, paddle, built)
    return Finding(
        name="FastDeploy and Paddle",
        holds=holds,
        got=f"FastDeploy {deploy} with Paddle {paddle or '(none)'}",
        wanted=wanted,
        mend="Install that Paddle into the engine's environment, from Paddle's own index",
    )


class _Built:
    """What version.txt says of the Paddle that FastDeploy was compiled with, and Paddle of itself."""

    def __init__(self, version: str | None, commit: str | None, paddles: str | None) -> None:
        self.version, self.commit, self.paddles = version, commit, paddles


def _built_with(folders: list[Path]) -> _Built:
    text = _first(folders, "fastdeploy/version.txt")
    own = _first(folders, "paddle/version/__init__.py")
    found = [
        sign.search(where)
        for sign, where in ((BUILT_WITH, text), (BUILT_COMMIT, text), (PADDLES_COMMIT, own))
    ]
    return _Built(*(match[1] if match else None for match in found))


def _first(folders: list[Path], name: str) -> str:
    paths = (folder / name for folder in folders)
    path = next((path for path in paths if path.is_file()), None)
    return path.read_text(encoding="utf-8", errors="replace") if path else ""


def _verdict(deploy: str, paddle: str | None, built: _Built) -> tuple[str, bool]:
    if built.version:
        if built.commit and built.paddles:
            same = built.commit == built.paddles
            return f"Paddle {built.version}, commit {built.commit[:10]}", same
        return f"Paddle {built.version}", _release(paddle) == _release(built.version)
    pair = PAIRS.get(".".join(deploy.split(".")[:2]))
    if pair is None:
        return "a Paddle of the same time (FastDeploy doesn't say which)", paddle is not None
    return f"Paddle {pair}", paddle is not None and _release(paddle)[:2] == _release(pair)


def _release(version: str | None) -> list[str]:
    return re.findall(r"\d+", (version or "").split("dev")[0].split("+")[0])[:3]
