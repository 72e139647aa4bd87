"""
Stamps a build with its commit, so that an installed suite can say which one it is.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = "src/pytest_ernie/_commit.json"
"""An sdist carries it here, for the wheel that is made of it."""


class CommitStamp(BuildHookInterface):  # type: ignore[type-arg]  # its configuration's type is nobody's
    """Adds ``_commit.json`` to what is built in a checkout; elsewhere there is nothing to say."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable" or not (root / ".git").exists():
            return
        try:
            commit, changes = (
                subprocess.run(
                    ["git", "-C", self.root, *words], capture_output=True, text=True, check=True
                ).stdout.strip()
                for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
            )
        except (OSError, subprocess.SubprocessError):
            return
        path = Path(tempfile.mkdtemp(prefix="pytest-ernie-build-")) / "commit.json"
        path.write_text(json.dumps({"commit": commit, "dirty": bool(changes)}), encoding="utf-8")
        inside = STAMP if self.target_name == "sdist" else STAMP.removeprefix("src/")
        build_data["force_include"][str(path)] = inside
