"""
Which FastDeploy is installed, and what its flags are called.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from doubles.fastdeploy import install
from pytest_ernie.engines.fastdeploy.flags import flags_in_source, release_of, render, text_of
from pytest_ernie.engines.fastdeploy.installed import installed
from pytest_ernie.errors import EngineError
from pytest_ernie.toolchains.toolchain import Toolchain


@pytest.fixture(scope="module")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    """The double as a toolchain."""
    python = install(tmp_path_factory.mktemp("toolchain") / "fd", version="2.3.1")
    return Toolchain(name="fastdeploy", python=str(python), digest="0")


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("2.3.0", "2.3"),
        ("v2.0.3", "2.0"),
        ("2.4.0.dev20260101", "2.4"),
        ("2.9", "2.5"),
        ("3.1", "2.5"),
    ],
)
def test_versions_are_told_apart(version: str, release: str) -> None:
    """
    By their first two numbers; what is newer than the table is taken for its newest.
    """
    assert release == text_of(release_of(version))


@pytest.mark.parametrize("version", ["0.0.0", "1.1.0", "develop", ""])
def test_a_version_that_nobody_knows_is_refused(version: str) -> None:
    """
    A build from source often says 0.0.0; guessing its flags would waste an hour of loading.
    """
    with pytest.raises(
        EngineError, match="no version of FastDeploy that the suite knows"
    ) as caught:
        release_of(version)

    assert '[engine] version = "2.3"' in str(caught.value)


def test_the_installed_version_is_read(toolchain: Toolchain) -> None:
    """
    From the distribution's metadata; nothing of it is imported.
    """
    assert "2.3.1" == installed(toolchain).version
    assert (2, 5) == installed(toolchain, "2.5").release


def test_an_interpreter_without_fastdeploy_is_named() -> None:
    """
    The most common mistake of a site file.
    """
    with pytest.raises(EngineError, match="FastDeploy isn't installed for this interpreter"):
        installed(Toolchain(name="fastdeploy", python=sys.executable, digest="0"))


def test_an_interpreter_that_is_not_there_is_named() -> None:
    """
    With its path.
    """
    with pytest.raises(
        EngineError, match=r"^/nowhere/python: FastDeploy's interpreter doesn't run"
    ):
        installed(Toolchain(name="fastdeploy", python="/nowhere/python", digest="0"))


SOURCE = """
    parser.add_argument("--port", default=8000)
    group.add_argument(
        "--tensor-parallel-size",
        "-tp",
        type=int,
    )
    group.add_argument("--load_choices", type=str)
    # add_argument is mentioned, --nothing is added
"""


def test_flags_are_read_from_the_source() -> None:
    """
    As FastDeploy's parser is written: over several lines, with short names.
    """
    assert {"port", "tensor-parallel-size", "load_choices"} == flags_in_source([SOURCE])


def test_the_installed_source_decides_what_a_flag_is_called() -> None:
    """
    The table says --load-choices for 2.3, this build still has the old name.
    """
    known = frozenset({"load_choices", "port"})

    assert ("--load_choices", "default") == render({"load-choices": "default"}, (2, 3), known)


def test_a_flag_that_is_missing_and_needed_is_an_error() -> None:
    """
    Left out, the server would run with another configuration than the one that is recorded.
    """
    with pytest.raises(EngineError) as caught:
        render({"graph-optimization-config": {"use_cudagraph": 1}}, (2, 0))

    assert str(caught.value).startswith(
        "FastDeploy 2.0 has no flag --graph-optimization-config, which the configuration needs"
    )


def test_the_installed_sources_flags_are_used(tmp_path: Path) -> None:
    """
    Where the package's own parser can be read, JSON for --quantization is known from it, too.
    """
    python = install(tmp_path / "fd", version="2.3.0")
    (package,) = tmp_path.glob("fd/lib/*/site-packages/fastdeploy")
    (package / "engine").mkdir()
    (package / "engine" / "args_utils.py").write_text(
        SOURCE + '    group.add_argument("--quantization", type=parse_quantization)\n'
    )

    found = installed(Toolchain(name="fastdeploy", python=str(python), digest="0"))

    assert {"port", "tensor-parallel-size", "load_choices", "quantization"} == found.flags
    assert found.json_quantization


def test_two_distributions_can_not_be_told_apart(tmp_path: Path) -> None:
    """
    Both bring a package of the same name; whichever was installed last is there.
    """
    python = install(tmp_path / "fd", version="2.3.0")
    (packages,) = tmp_path.glob("fd/lib/*/site-packages")
    other = packages / "fastdeploy_xpu-2.2.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: fastdeploy-xpu\nVersion: 2.2.0\n")

    with pytest.raises(EngineError, match=r"got fastdeploy-gpu 2\.3\.0, fastdeploy-xpu 2\.2\.0"):
        installed(Toolchain(name="fastdeploy", python=str(python), digest="0"))
