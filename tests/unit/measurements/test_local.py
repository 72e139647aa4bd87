"""
What stays out of evidence: the folders of this machine and its site, and every key.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import pytest_ernie
from pytest_ernie.measurements.local import local_redaction
from pytest_ernie.settings import Settings, read_settings
from pytest_ernie.site import EngineSite, ModelSite, Site, TrainerSite

KEY = "sk-0123456789"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lab's: a site file, a cache of its own."""
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", "/lab/cache")
    site = Site(
        trainer=TrainerSite(
            kind="erniekit", python="/lab/train/bin/python", env={"HUB_TOKEN": "t0ken-of-hub"}
        ),
        engine=EngineSite(
            kind="fastdeploy",
            python="/lab/serve/bin/python",
            env={
                "MAX_TOKENS": "12345678",
                "API_KEY": "key-of-engine",
                "db_password": "pass-of-engine",
                "X_SECRET": "secret-of-engine",
                "KEY_FILE": "/elsewhere/key.pem",
            },
        ),
        models={
            "ERNIE-4.5-0.3B": ModelSite(checkpoint="/lab/w", training_data="/lab/sft.jsonl"),
            "ERNIE-4.5-21B-A3B": ModelSite(checkpoint="/lab/w21"),
        },
    )
    asked = read_settings({"device": "xpu", "evidence": "evidence"}, tmp_path)
    return msgspec.structs.replace(asked, site=site)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/lab/cache/digests.json", "{cache}/digests.json"),
        ("/lab/train/lib/x.so", "{trainer}/lib/x.so"),
        ("/lab/serve/lib/x.so", "{engine}/lib/x.so"),
        ("/lab/w/config.json", "{checkpoint of ERNIE-4.5-0.3B}/config.json"),
        ("/lab/sft.jsonl", "{training data of ERNIE-4.5-0.3B}"),
        (f"Bearer {KEY}", "Bearer {secret}"),
        ("HUB_TOKEN=t0ken-of-hub", "HUB_TOKEN={secret}"),
        ("/lab/w21/config.json", "{checkpoint of ERNIE-4.5-21B-A3B}/config.json"),
        ("MAX_TOKENS=12345678", "MAX_TOKENS=12345678"),
        ("key-of-engine", "{secret}"),
        ("pass-of-engine", "{secret}"),
        ("secret-of-engine", "{secret}"),
        ("/elsewhere/key.pem", "/elsewhere/key.pem"),
        ("/lab/other", "/lab/other"),
    ],
)
def test_the_site_and_its_keys(settings: Settings, said: str, kept: str) -> None:
    """
    Toolchains, weights and data by the names of the site file.
    """
    assert kept == local_redaction(settings, {"PYTEST_ERNIE_API_KEY": KEY}).value(said)


def test_the_machine(settings: Settings) -> None:
    """
    Evidence, the suite itself, its interpreter, the folder at hand, home.
    """
    redaction = local_redaction(settings, {})
    suite = Path(pytest_ernie.__file__).parent
    assert redaction.value(f"{settings.evidence}/scratch/x") == "{evidence}/scratch/x"
    assert redaction.value(f"{suite}/rehearsal") == "{suite}/rehearsal"
    assert redaction.value(f"{sys.prefix}/bin/python") == "{python}/bin/python"
    assert redaction.value(f"{Path.cwd()}/x") == "{here}/x"
    assert redaction.value(f"{Path.home()}/x") == "{home}/x"
    assert redaction.value(f"{tempfile.gettempdir()}/elsewhere") == "{tmp}/elsewhere"


def test_the_account_has_a_home_of_its_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    HOME may point elsewhere, and then PATH still names the account's; a container's number has none.
    """
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    account = SimpleNamespace(pw_dir="/lab/account")
    monkeypatch.setattr("pwd.getpwuid", lambda number: account)
    redaction = local_redaction(settings, {})
    assert redaction.value("/lab/account/.local/bin") == "{account}/.local/bin"
    assert redaction.value(f"{tmp_path}/home/x") == "{home}/x"

    def nobody(number: int) -> object:
        raise KeyError(f"uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert local_redaction(settings, {}).value(f"{tmp_path}/home/x") == "{home}/x"


def test_without_a_site_only_the_machine_is_named(settings: Settings) -> None:
    """
    The rehearsal's case, and an endpoint's.
    """
    redaction = local_redaction(msgspec.structs.replace(settings, site=None), {})
    assert redaction.value("/lab/cache/x /lab/w/x") == "{cache}/x /lab/w/x"
