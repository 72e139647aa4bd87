"""
Adopting a site's interpreter, and the digest of what is installed for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_ernie.errors import ToolchainError
from pytest_ernie.toolchains.toolchain import adopt, installed_digest

RECORD = "tool/__init__.py,sha256=aaa,10\ntool-1.0.dist-info/METADATA,sha256=bbb,20\n"


def install(folder: Path, record: str = RECORD, version: str = "1.0") -> Path:
    """Write the metadata that an installer leaves."""
    info = folder / f"tool-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "RECORD").write_text(record, encoding="utf-8")
    return folder


def digest(folder: Path) -> str:
    """Return the digest alone."""
    return installed_digest([folder])[0]


def test_the_same_files_have_the_same_digest(tmp_path: Path) -> None:
    """Wherever they lie and in whatever order the rows are."""
    reordered = "\n".join(reversed(RECORD.splitlines()))

    assert digest(install(tmp_path / "a")) == digest(install(tmp_path / "b", reordered))


@pytest.mark.parametrize(
    "row",
    [
        "../../../bin/tool,sha256=ccc,200",
        "tool/__pycache__/__init__.cpython-311.pyc,,",
        "tool-1.0.dist-info/INSTALLER,sha256=ddd,2",
        "tool-1.0.dist-info/direct_url.json,sha256=eee,99",
        "tool-1.0.dist-info/RECORD,,",
    ],
)
def test_what_the_installer_adds_does_not_count(tmp_path: Path, row: str) -> None:
    """Scripts hold the folder's path, the rest tells who installed it from where."""
    assert digest(install(tmp_path / "a")) == digest(install(tmp_path / "b", RECORD + row + "\n"))


def test_a_changed_file_or_version_changes_the_digest(tmp_path: Path) -> None:
    """Each is another toolchain."""
    digests = {
        digest(install(tmp_path / "a")),
        digest(install(tmp_path / "b", RECORD.replace("aaa", "fff"))),
        digest(install(tmp_path / "c", version="1.1")),
        digest(install(tmp_path / "d", RECORD + "tool/_core.so,sha256=ccc,9\n")),
    }

    assert len(digests) == 4


def test_distributions_are_counted_once(tmp_path: Path) -> None:
    """lib64 is a link to lib; a package without RECORD counts by its metadata."""
    install(tmp_path / "lib")
    (tmp_path / "lib64").symlink_to(tmp_path / "lib")
    (tmp_path / "lib/old-2.egg-info").write_text("Name: old\n", encoding="utf-8")

    _, count = installed_digest([tmp_path / "lib", tmp_path / "lib64", tmp_path / "absent"])

    assert count == 2


def test_an_interpreter_is_adopted() -> None:
    """Its path stays as given (a virtual environment's is a link), its variables are kept."""
    toolchain = adopt("site", Path(sys.executable), {"VENDOR_HOME": "/opt"})

    assert (toolchain.name, toolchain.python) == ("site", sys.executable)
    assert toolchain.env == {"VENDOR_HOME": "/opt"}
    assert len(toolchain.digest) == 64


def test_an_interpreter_sees_its_own_variables(tmp_path: Path) -> None:
    """PYTHONPATH of a vendor's setup is part of what is installed."""
    install(tmp_path)

    plain = adopt("site", Path(sys.executable))
    vendor = adopt("site", Path(sys.executable), {"PYTHONPATH": str(tmp_path)})

    assert plain.digest != vendor.digest


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\necho broken library >&2; exit 3\n", "exit 3: broken library"),
        ("#!/bin/sh\nexit 0\n", "an answer that is not Python's"),
        ("#!/no/such/interpreter\n", "No such file"),
    ],
)
def test_an_interpreter_that_does_not_run_is_refused(
    tmp_path: Path, script: str, reason: str
) -> None:
    """The message says which and how it failed."""
    python = tmp_path / "python"
    python.write_text(script, encoding="utf-8")
    python.chmod(0o755)

    with pytest.raises(ToolchainError, match=f"toolchain site: its interpreter .*python.*{reason}"):
        adopt("site", python)


def test_a_missing_interpreter_is_refused() -> None:
    """A typing error in the site file is found at once."""
    with pytest.raises(ToolchainError, match="/no/such/python doesn't run; got No such file"):
        adopt("site", Path("/no/such/python"))


def test_an_interpreter_without_packages_is_refused(tmp_path: Path) -> None:
    """The system's bare Python isn't the environment that was meant."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '[]' >&2\n", encoding="utf-8")
    python.chmod(0o755)

    with pytest.raises(ToolchainError, match="no distribution is installed for its interpreter"):
        adopt("site", python)
