"""
What of the machine at hand stays out of evidence.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import pytest_ernie
from pytest_ernie.evidence import Redaction
from pytest_ernie.site import Site

if TYPE_CHECKING:
    from pytest_ernie.settings import Settings

API_KEY_VARIABLE = "PYTEST_ERNIE_API_KEY"
"""Where an endpoint's key comes from; it never reaches evidence or reports."""

SECRET = re.compile("(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
"""Names of variables whose values are nobody's business."""


def local_redaction(settings: Settings, environment: Mapping[str, str]) -> Redaction:
    """Return names for the folders of this machine and site, and its secrets."""
    from pytest_ernie.toolchains import cache_folder

    site = settings.site or Site()
    folders = {
        "evidence": settings.evidence,
        "cache": cache_folder(),
        "suite": Path(pytest_ernie.__file__).parent,
        "python": Path(sys.prefix),
        "here": Path.cwd(),
        "home": Path.home(),
        "account": _account_home(),
        "tmp": Path(tempfile.gettempdir()),
    }
    secrets = [environment.get(API_KEY_VARIABLE, "")]
    for name, table in {"trainer": site.trainer, "engine": site.engine}.items():
        if table is not None:
            folders[name] = Path(table.python).parent.parent
            secrets += [value for key, value in table.env.items() if SECRET.search(key)]
    for name, model in site.models.items():
        folders[f"checkpoint of {name}"] = Path(model.checkpoint)
        for datatype, serving in model.serving.items():
            if serving.checkpoint is not None:
                folders[f"{datatype} checkpoint of {name}"] = Path(serving.checkpoint)
        if model.training_data is not None:
            folders[f"training data of {name}"] = Path(model.training_data)
    return Redaction(folders, secrets)


def _account_home() -> Path:
    """Return the account's own home, which PATH may name although HOME points elsewhere."""
    try:
        import pwd

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):  # not Unix, or a container's number without an account
        return Path.home()


def without_secrets(site: Site, redaction: Redaction) -> dict[str, Any]:
    """
    Return a site file as it may travel: keys and tokens by ``{secret}``, every path by its last part.
    """
    plain = redaction.value(msgspec.to_builtins(site))
    for table in ("trainer", "engine"):
        variables = (plain.get(table) or {}).get("env", {})
        for name in variables:
            if SECRET.search(name):
                variables[name] = "{secret}"
    return {key: _without_folders(value) for key, value in plain.items()}


def _without_folders(value: Any) -> Any:
    if isinstance(value, str):
        return f"{{folder}}/{Path(value).name}" if value.startswith("/") else value
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(item) for item in value]
    return value
