"""
A toolchain: the interpreter of an isolated environment, and a digest of what is installed there.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from pytest_ernie.errors import ToolchainError
from pytest_ernie.toolchains.environment import inherited

STARTED_WITHIN_S = 60
"""How long a site's interpreter may take to say where its packages are (network file systems)."""
ASK_WHERE = "import json, sys; print(json.dumps([p for p in sys.path if p]), file=sys.stderr)"
INSTALLERS_OWN = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
"""Files of a .dist-info folder that tell who installed from where, not what."""


class Toolchain(msgspec.Struct, frozen=True, kw_only=True):
    """An isolated environment in which a trainer or an engine runs, always as a subprocess."""

    name: str
    python: str
    """Absolute path of its interpreter."""
    digest: str
    """SHA-256 over the installed distributions: see ``installed_digest``."""
    env: dict[str, str] = {}
    """Variables that it needs besides those of the job."""


def adopt(name: str, python: Path, env: Mapping[str, str] | None = None) -> Toolchain:
    """
    Return the toolchain of an interpreter that a site already has.

    ToolchainError if the file doesn't run as Python, or nothing is installed for it.
    """
    python = python.expanduser().absolute()
    where = f"toolchain {name}"
    folders = _ask(where, python, dict(env or {}))
    digest, count = installed_digest(folders)
    if not count:
        raise ToolchainError(
            "no distribution is installed for its interpreter",
            where=where,
            got=python,
            fix="Name the interpreter of the environment that has the trainer or engine",
        )
    return Toolchain(name=name, python=str(python), digest=digest, env=dict(env or {}))


def package_folders(name: str, python: Path, env: Mapping[str, str] | None = None) -> list[Path]:
    """Return the folders that an interpreter imports from; ToolchainError if it doesn't run."""
    return _ask(f"toolchain {name}", python.expanduser().absolute(), dict(env or {}))


def _ask(where: str, python: Path, env: dict[str, str]) -> list[Path]:
    try:
        answer = subprocess.run(
            # Without -I or -S: a site's PYTHONPATH in `env` is part of what it has installed.
            [str(python), "-c", ASK_WHERE],
            env={**inherited(), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STARTED_WITHIN_S,
            check=True,
        )
        folders: list[str] = json.loads(answer.stderr.splitlines()[-1])
    except subprocess.CalledProcessError as problem:
        lines = problem.stderr.decode("utf-8", "replace").strip().splitlines() or ["no output"]
        reason = f"exit {problem.returncode}: {lines[-1]}"
    except subprocess.TimeoutExpired:
        reason = f"no answer within {STARTED_WITHIN_S} s"
    except OSError as problem:
        reason = problem.strerror or str(problem)
    except (ValueError, IndexError):
        reason = "an answer that is not Python's"
    else:
        return [Path(folder) for folder in folders]
    raise ToolchainError(f"its interpreter {python} doesn't run", where=where, got=reason)


def installed_digest(folders: Iterable[Path]) -> tuple[str, int]:
    """
    Digest the distributions installed in site-packages folders; return it with their number.

    Over name, version and the RECORD of each, which holds the SHA-256 of every file the wheel
    brought. Rows that differ between two installations of the same wheel are left out (scripts
    outside the folder name the interpreter's path; bytecode; who installed it), so that the same
    lock has the same digest on every machine. Nothing is imported and no interpreter is started.
    """
    distributions = sorted(
        {
            (entry.name, _record_digest(entry))
            for folder in {folder.resolve() for folder in folders}
            if folder.is_dir()
            for entry in folder.iterdir()
            if entry.name.endswith((".dist-info", ".egg-info"))
        }
    )
    text = "".join(f"{name} {digest}\n" for name, digest in distributions)
    return hashlib.sha256(text.encode()).hexdigest(), len(distributions)


def _record_digest(info: Path) -> str:
    # An .egg-info (folder or file) has no RECORD; its metadata at least tells name and version.
    names = ("RECORD", "METADATA", "PKG-INFO")
    found = next((info / name for name in names if (info / name).is_file()), info)
    try:
        text = found.read_bytes()
    except OSError:
        return "unreadable"
    if found.name == "RECORD":
        text = b"\n".join(sorted(row for row in text.splitlines() if _belongs_to_wheel(row)))
    return hashlib.sha256(text).hexdigest()


def _belongs_to_wheel(row: bytes) -> bool:
    path = row.rsplit(b",", 2)[0].strip(b'"').decode("utf-8", "replace")
    outside = path.startswith(("../", "/"))
    return not (
        outside
        or path.endswith(".pyc")
        or (".dist-info/" in path and path.rpartition("/")[2] in INSTALLERS_OWN)
    )
