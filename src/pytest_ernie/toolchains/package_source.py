"""
Where packages come from: pip's settings, read and handed to uv, which ignores them.

A lab that can install with pip has told pip how (mirrors, certificates, folders of wheels); it
shouldn't have to say it twice. Variables of uv's own that the user set always win.
"""

from __future__ import annotations

import configparser
import os
import re
import ssl
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

INDEX_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_NO_INDEX",
)
"""Whoever sets one of these has told uv which indexes to use; pip's aren't mixed in."""
TRUE = ("1", "true", "yes", "on", "y", "t")
CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+@")


class PackageSource(msgspec.Struct, frozen=True, kw_only=True):
    """What pip would install from; empty fields mean pip's own defaults."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    certificates: str = ""
    client_certificate: str = ""
    proxy: str = ""
    timeout_s: str = ""


def redacted(text: str) -> str:
    """Return the text with the user names and passwords of its URLs blotted out."""
    return CREDENTIALS.sub("***@", text)


def pip_source(env: Mapping[str, str] | None = None, prefix: str = sys.prefix) -> PackageSource:
    """
    Read pip's settings for ``pip install`` as pip does, whether or not pip is installed.

    Files of the system, the user and the environment at ``prefix``, then PIP_* variables; the
    later replaces the earlier, and [install] replaces [global] whatever file it is in.
    """
    env = os.environ if env is None else env
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _config_files(env, prefix):
        for section, options in _read(path).items():
            sections.setdefault(section, {}).update(options)
    variables = {
        name[4:].lower().replace("_", "-"): value
        for name, value in env.items()
        if name.startswith("PIP_") and value
    }
    options = {**sections["global"], **sections["install"], **variables}
    return PackageSource(
        index_url=options.get("index-url", "").strip(),
        extra_index_urls=tuple(options.get("extra-index-url", "").split()),
        find_links=tuple(options.get("find-links", "").split()),
        no_index=options.get("no-index", "").strip().lower() in TRUE,
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
        certificates=options.get("cert", "").strip(),
        client_certificate=options.get("client-cert", "").strip(),
        proxy=options.get("proxy", "").strip(),
        timeout_s=(options.get("timeout") or options.get("default-timeout", "")).strip(),
    )


def _config_files(env: Mapping[str, str], prefix: str) -> Iterable[Path]:
    named = env.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return
    home = Path(env.get("HOME", "~")).expanduser()
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/pip/pip.conf")
    for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
        yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    if not (named and Path(named).exists()):
        yield home / ".pip" / "pip.conf"
        if sys.platform == "darwin":
            yield home / "Library/Application Support/pip/pip.conf"
        yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(prefix) / "pip.conf"
    if named:
        yield Path(named)


def _read(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser()
    try:
        # A file that pip can't read is pip's user's problem; here it only means "no settings".
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return {
        section: {key.lower().replace("_", "-"): value for key, value in parser.items(section)}
        for section in parser.sections()
    }


def uv_environment(source: PackageSource, env: Mapping[str, str]) -> dict[str, str]:
    """
    Return ``env`` and what uv must be told to install from the same places as pip.

    Several indexes are searched for the best version only where pip has several itself: that is
    what pip does, and uv calls it unsafe because any of them may then provide any package.
    """
    told: dict[str, str] = {}
    if not any(name in env for name in INDEX_VARIABLES):
        told.update(_indexes(source))
    if folders := [link for link in map(os.path.expanduser, source.find_links) if _usable(link)]:
        told["UV_FIND_LINKS"] = ",".join(folders)
    if source.trusted_hosts:
        told["UV_INSECURE_HOST"] = " ".join(source.trusted_hosts)
    certificates = source.certificates or env.get("REQUESTS_CA_BUNDLE", "")
    if certificates and Path(certificates).is_file():
        told["SSL_CERT_FILE"] = certificates
    elif ssl.get_default_verify_paths().cafile:
        # The system's store knows a lab's own authority; uv's built-in list doesn't.
        told["UV_SYSTEM_CERTS"] = told["UV_NATIVE_TLS"] = "1"
    if source.client_certificate:
        told["SSL_CLIENT_CERT"] = source.client_certificate
    if source.proxy:
        told["ALL_PROXY"] = source.proxy
    if source.timeout_s:
        told["UV_HTTP_TIMEOUT"] = str(max(1, round(float(source.timeout_s))))
    # Interpreters aren't downloaded: a lab without a network couldn't, and would learn it late.
    told["UV_PYTHON_DOWNLOADS"] = "never"
    return {**told, **env}


def _indexes(source: PackageSource) -> dict[str, str]:
    if source.no_index:
        return {"UV_NO_INDEX": "1"}
    indexes: dict[str, str] = {}
    if source.index_url:
        indexes["UV_DEFAULT_INDEX"] = source.index_url
    if source.extra_index_urls:
        indexes["UV_INDEX"] = " ".join(source.extra_index_urls)
        indexes["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return indexes


def _usable(link: str) -> bool:
    # pip passes over a folder that isn't there; uv stops at it.
    return "://" in link or Path(link).exists()
