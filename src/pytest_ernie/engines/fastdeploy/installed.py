"""
Which FastDeploy a toolchain has: asked of its interpreter, which imports nothing of it.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_ernie.errors import EngineError
from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.toolchain import Toolchain

from .flags import LATEST, Release, flags_in_source, release_of, text_of

ANSWER_WITHIN_S = 60.0
ASK = """
import importlib.metadata, importlib.util, json, os
found = {(d.metadata["Name"] or "").lower().replace("_", "-"): d.version
         for d in importlib.metadata.distributions()}
spec = importlib.util.find_spec("fastdeploy")
print(json.dumps({
    "distributions": {n: v for n, v in found.items() if n.startswith("fastdeploy")},
    "package": os.path.dirname(spec.origin) if spec and spec.origin else None,
}))
"""
NAMESAKES = ("fastdeploy-python", "fastdeploy-gpu-python", "fastdeploy-cli", "fastdeploy-llm")
"""Other projects of that name on PyPI, and FastDeploy 1.x, which serves no language models."""
SERVER = "entrypoints/openai/api_server.py"
SOURCES = ("engine/args_utils.py", SERVER, "entrypoints/openai/utils.py")
JSON_QUANTIZATION = "parse_quantization"
"""The function that reads --quantization where it may be JSON."""


class Installed(Struct, frozen=True, kw_only=True):
    """What is installed, or what is taken to be where nothing is."""

    version: str
    release: Release
    flags: frozenset[str] = frozenset()
    """Flags that its source adds to its parser; empty if the source can't be read."""
    json_quantization: bool = False
    """``--quantization`` takes JSON."""


def assumed(version: str | None) -> Installed:
    """Return what a version (None: the newest that is known) is known to be, without looking."""
    release = release_of(version) if version else LATEST
    return Installed(
        version=version or text_of(LATEST), release=release, json_quantization=release >= (2, 4)
    )


def installed(toolchain: Toolchain, stated: str | None = None) -> Installed:
    """
    Return the FastDeploy of a toolchain; ``stated`` is the site's word, where nothing else tells.

    EngineError if there is none, there are several, or its version isn't known.
    """
    answer = _ask(toolchain)
    package = answer["package"]
    found = {n: v for n, v in answer["distributions"].items() if n not in NAMESAKES}
    if package is None:
        raise EngineError(
            "FastDeploy isn't installed for this interpreter",
            where=toolchain.python,
            got=", ".join(answer["distributions"]) or "no such distribution",
            fix="Name the interpreter of the environment that has it: [engine] python",
        )
    if stated is None and len(found) != 1:
        raise EngineError(
            "which FastDeploy this is can't be told",
            where=toolchain.python,
            got=", ".join(f"{n} {v}" for n, v in sorted(found.items())) or "no distribution of it",
            wanted="one, such as fastdeploy-gpu",
            fix='Say which it is in the site file: [engine] version = "2.3"',
        )
    version = stated or next(iter(found.values()))
    texts = [text for name in SOURCES if (text := _text(Path(package) / name))]
    flags = flags_in_source(texts)
    known = assumed(version)
    return Installed(
        version=version,
        release=known.release,
        # A source that adds few flags itself makes its parser elsewhere, and tells nothing.
        flags=flags if "tensor-parallel-size" in flags and "port" in flags else frozenset(),
        json_quantization=(
            any(JSON_QUANTIZATION in text for text in texts)
            if "quantization" in flags
            else known.json_quantization
        ),
    )


def _ask(toolchain: Toolchain) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [toolchain.python, "-c", ASK],
            env={**inherited(), **toolchain.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_WITHIN_S,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as problem:
        why = (problem.stderr.strip().splitlines() or [f"exit code {problem.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        why = f"no answer within {ANSWER_WITHIN_S:.0f} s"
    except OSError as problem:
        why = problem.strerror or str(problem)
    except (ValueError, IndexError):
        why = "an answer that isn't Python's"
    else:
        return answer
    raise EngineError("FastDeploy's interpreter doesn't run", where=toolchain.python, got=why)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
