"""
pip's settings as pip would take them, and what uv is told.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from pytest_ernie.toolchains.package_source import (
    PackageSource,
    pip_source,
    redacted,
    uv_environment,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty home folder."""
    home = tmp_path / "home"
    home.mkdir()
    return home


def configure(path: Path, text: str) -> None:
    """Write a pip.conf."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def source(home: Path, prefix: str = "/nowhere", **env: str) -> PackageSource:
    """Read the settings of that home, with no system-wide file."""
    return pip_source({"HOME": str(home), "XDG_CONFIG_DIRS": "/nowhere", **env}, prefix)


def test_a_users_file_is_read(home: Path) -> None:
    """Lists may stand on lines of their own, names may have underscores."""
    configure(
        home / ".config/pip/pip.conf",
        "[global]\nindex_url = https://a/simple\nextra-index-url =\n    https://b\n    https://c\n"
        "find-links = /wheels\ntrusted-host = a b\ntimeout = 180\n",
    )

    assert source(home) == PackageSource(
        index_url="https://a/simple",
        extra_index_urls=("https://b", "https://c"),
        find_links=("/wheels",),
        trusted_hosts=("a", "b"),
        certificates=source(home).certificates,
        timeout_s="180",
    )


def test_later_files_replace_earlier_ones(home: Path, tmp_path: Path) -> None:
    """The old place, the new place, the environment's own file, then variables."""
    configure(home / ".pip/pip.conf", "[global]\nindex-url = legacy\nproxy = p\n")
    assert source(home).index_url == "legacy"
    configure(home / ".config/pip/pip.conf", "[global]\nindex-url = user\n")
    assert source(home).index_url == "user"
    configure(tmp_path / "venv/pip.conf", "[global]\nindex-url = site\n")
    assert source(home, str(tmp_path / "venv")).index_url == "site"
    assert source(home, str(tmp_path / "venv"), PIP_INDEX_URL="variable").index_url == "variable"
    assert source(home).proxy == "p"


def test_install_replaces_global(home: Path) -> None:
    """Settings of the command are stronger than those of all commands."""
    configure(home / ".config/pip/pip.conf", "[install]\nindex-url = i\n[global]\nindex-url = g\n")

    assert source(home).index_url == "i"


def test_a_named_file_replaces_the_users(home: Path, tmp_path: Path) -> None:
    """PIP_CONFIG_FILE is read instead of the home's; the null device means no file at all."""
    configure(home / ".config/pip/pip.conf", "[global]\nindex-url = user\n")
    configure(tmp_path / "named", "[global]\nextra-index-url = named\n")

    named = source(home, PIP_CONFIG_FILE=str(tmp_path / "named"))

    assert (named.index_url, named.extra_index_urls) == ("", ("named",))
    assert source(home, PIP_CONFIG_FILE=os.devnull).index_url == ""


def test_a_broken_file_means_no_settings(home: Path) -> None:
    """pip complains about it; here nothing is lost but its settings."""
    configure(home / ".config/pip/pip.conf", "no section\n")

    assert source(home).index_url == ""


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False)])
def test_no_index_is_a_truth(home: Path, value: str, expected: bool) -> None:
    """As pip writes truths."""
    assert source(home, PIP_NO_INDEX=value).no_index is expected


def test_uv_gets_what_pip_has(tmp_path: Path) -> None:
    """Indexes, wheels, hosts, certificates, proxy and timeout, under uv's names."""
    (tmp_path / "ca.pem").touch()
    told = uv_environment(
        PackageSource(
            index_url="https://a",
            extra_index_urls=("https://b", "https://c"),
            find_links=(str(tmp_path), "https://d/wheels", "/no/such/folder"),
            trusted_hosts=("a", "b"),
            certificates=str(tmp_path / "ca.pem"),
            proxy="http://p",
            timeout_s="15.4",
        ),
        {},
    )

    assert told == {
        "UV_DEFAULT_INDEX": "https://a",
        "UV_INDEX": "https://b https://c",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://d/wheels",
        "UV_INSECURE_HOST": "a b",
        "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        "ALL_PROXY": "http://p",
        "UV_HTTP_TIMEOUT": "15",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_one_index_keeps_uvs_strategy() -> None:
    """Versions are searched across indexes only where pip has several."""
    assert "UV_INDEX_STRATEGY" not in uv_environment(PackageSource(index_url="https://a"), {})


@pytest.mark.parametrize("own", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_NO_INDEX"])
def test_indexes_of_uvs_own_win(own: str) -> None:
    """Whoever told uv an index doesn't get pip's besides."""
    told = uv_environment(
        PackageSource(index_url="https://a", extra_index_urls=("https://b",)), {own: "mine"}
    )

    assert told[own] == "mine"
    assert not {"https://a", "https://b"} & set(told.values())


def test_any_variable_of_uvs_own_wins(tmp_path: Path) -> None:
    """Also downloads of interpreters, for those who have a network."""
    told = uv_environment(
        PackageSource(find_links=(str(tmp_path),), timeout_s="1"),
        {"UV_FIND_LINKS": "mine", "UV_HTTP_TIMEOUT": "9", "UV_PYTHON_DOWNLOADS": "automatic"},
    )

    assert told["UV_FIND_LINKS"] == "mine"
    assert told["UV_HTTP_TIMEOUT"] == "9"
    assert told["UV_PYTHON_DOWNLOADS"] == "automatic"


def test_no_index_reaches_uv() -> None:
    """Then only folders of wheels are searched."""
    assert uv_environment(PackageSource(no_index=True), {})["UV_NO_INDEX"] == "1"


def test_the_systems_certificates_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab's own authority is in the system's store; without a store uv keeps its own list."""
    paths = ssl.get_default_verify_paths()
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths._replace(cafile="/ca.pem"))
    assert uv_environment(PackageSource(), {})["UV_SYSTEM_CERTS"] == "1"
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths._replace(cafile=""))
    assert "UV_SYSTEM_CERTS" not in uv_environment(PackageSource(), {})


def test_credentials_are_blotted_out() -> None:
    """Wherever an URL stands in a text."""
    text = "Failed `https://user:secret@host/simple/x` and http://token@other/ mail a@b.c"

    assert redacted(text) == "Failed `https://***@host/simple/x` and http://***@other/ mail a@b.c"
