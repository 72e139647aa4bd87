"""
An ERNIEKit that lacks a part of itself is told before it is started.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ernie.trainers.broken_wheels import broken_wheel


def installed(folder: Path, version: str, *, part: bool = False, editable: bool = False) -> Path:
    """A folder of packages with an ERNIEKit."""
    info = folder / f"erniekit-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: erniekit\nVersion: {version}\n")
    (folder / "erniekit").mkdir()
    if part:
        (folder / "ernie").mkdir()
        (folder / "ernie" / "__init__.py").touch()
    if editable:
        origin = {"url": "file:///src", "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(origin))
    return folder


@pytest.mark.parametrize("version", ["1.1.0", "1.2.0", "1.3.0"])
def test_the_published_wheels_lack_their_own_package(tmp_path: Path, version: str) -> None:
    """
    "No module named 'ernie'", said in advance.
    """
    expected = f"erniekit {version} is installed without its package 'ernie'"
    assert expected == broken_wheel([installed(tmp_path, version)])


def test_whole_ones_pass(tmp_path: Path) -> None:
    """
    1.0.1 brings it, a source folder has it where it lies, 2.0 needs none, and PaddleFormers isn't asked.
    """
    for name in ("wheel", "source", "newer", "none"):
        (tmp_path / name).mkdir()

    assert None is broken_wheel([installed(tmp_path / "wheel", "1.0.1", part=True)])
    assert None is broken_wheel([installed(tmp_path / "source", "1.4.0", editable=True)])
    assert None is broken_wheel([installed(tmp_path / "newer", "2.0.0")])
    assert None is broken_wheel([tmp_path / "none", tmp_path / "not there"])
