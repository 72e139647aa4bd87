"""
What the transformers trainer needs: its packages, and a PyTorch that sees the cards.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pytest_ernie.preflight.finding import Finding

WITHIN_S = 120
"""The first import of torch on a network file system takes its time."""
PACKAGES = ("torch", "transformers", "peft")
SEES = """
import importlib, json, sys
device, plugin = sys.argv[1:3]
told = {"lacks": [], "versions": {}, "cards": 0, "name": ""}
for package in sys.argv[3:] + ([plugin] if plugin else []):
    try:
        told["versions"][package] = getattr(importlib.import_module(package), "__version__", "?")
    except ImportError as problem:
        told["lacks"].append(f"{package} ({problem})")
if "torch" in told["versions"]:
    import torch
    module = getattr(torch, device, None)
    if device != "cpu" and module is not None and module.is_available():
        told["cards"], told["name"] = module.device_count(), module.get_device_name(0)
print(json.dumps(told), file=sys.stderr)
"""


def torch_sees(
    python: Path, env: Mapping[str, str] | None, paddle_device: str, cards: int
) -> Finding:
    """
    PyTorch, transformers and peft can be imported, and PyTorch has as many cards as the site names.

    A device whose name in PyTorch isn't known here is a note: the site's settings may tell it.
    """
    from pytest_ernie.toolchains.environment import inherited
    from pytest_ernie.trainers.transformers import DEVICES

    known = DEVICES.get(paddle_device)
    device, plugin = known if known else ("cpu", "")
    wanted = ", ".join(PACKAGES)
    if device != "cpu":
        wanted += f" and {cards} cards as {device}"
    try:
        answer = subprocess.run(
            [str(python), "-c", SEES, device, plugin, *PACKAGES],
            env={**inherited(), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WITHIN_S,
            check=True,
        )
        told = json.loads(answer.stderr.decode("utf-8", "replace").strip().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as problem:
        return _found(False, f"its interpreter {python} doesn't answer ({problem})", wanted)
    if told["lacks"]:
        return _found(False, f"it lacks {'; '.join(told['lacks'])}", wanted)
    got = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    if device != "cpu":
        got += f", {told['cards']} cards as {device} {told['name']}".rstrip()
    if known is None:
        return _found(
            False, f"{got}; nobody knows what it calls {paddle_device}", wanted, advice=True
        )
    return _found(device == "cpu" or told["cards"] >= cards, got, wanted)


def _found(holds: bool, got: str, wanted: str, *, advice: bool = False) -> Finding:
    return Finding(
        name="the transformers trainer",
        holds=holds,
        got=got,
        wanted=wanted,
        mend="Name under [trainer] an environment with the chip's build of PyTorch, transformers and "
        "peft; where PyTorch has another name for the chip, give torch_device and torch_plugin",
        advice=advice,
    )
