"""
Environments of a site: packages that don't fit each other or this system.
"""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from pytest_ernie.devices import shipped
from pytest_ernie.preflight import Lab, chip, packages
from pytest_ernie.site import EngineSite, Site, TrainerSite

PYTHON = Path(sys.executable)


def install(folder: Path, name: str, version: str, *requires: str, tag: str = "") -> None:
    """Make a folder look as if a wheel had been installed there."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    )
    (info / "RECORD").write_text("")
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\n{tag}")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Variables under which this Python imports from a folder of the test's."""
    return {"PYTHONPATH": str(tmp_path)}


def test_each_environment_of_the_site_is_checked() -> None:
    """
    Trainer and engine, by the names that people type; Paddle only for the engine.
    """
    trainer = TrainerSite(kind="erniekit", python="python")
    engine = EngineSite(kind="fastdeploy", python="python")

    both = [c.name for c in packages.checks_of(Lab(None, Site(trainer=trainer, engine=engine)))]
    one = [c.name for c in packages.checks_of(Lab(None, Site(trainer=trainer)))]

    assert one == ["trainer python", "trainer packages", "trainer glibc"]
    engines = ["engine python", "engine packages", "engine glibc", "FastDeploy and Paddle"]
    assert both == [*one, *engines]


@pytest.mark.parametrize(
    ("prints", "holds"), [("3.10.0", True), ("3.9.18", False), ("3.12.1", True), ("", False)]
)
def test_the_environments_python_has_a_floor(tmp_path: Path, prints: str, holds: bool) -> None:
    """
    3.10 is what the guides ask for; an interpreter that says nothing is none.
    """
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho {prints}\n")
    python.chmod(0o755)

    assert packages.python_of("engine", python).holds is holds


def test_an_interpreter_that_does_not_run_is_told(tmp_path: Path) -> None:
    """
    With the key of the site file.
    """
    python = tmp_path / "python"

    assert str(packages.python_of("trainer", python)) == (
        f"trainer python: {python} doesn't run; wanted 3.10 or newer (FastDeploy's guides; some "
        "chips' wheels are for 3.10 only). Name an interpreter of the environment as [trainer] "
        "python in the site file"
    )


def test_packages_that_do_not_fit_are_named(tmp_path: Path) -> None:
    """
    As pip's resolver would have refused them, had they been installed together.
    """
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    (folder,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    install(folder, "paddlepaddle-gpu", "3.1.0")
    assert packages.compatible("engine", python).holds

    install(folder, "fastdeploy-gpu", "2.3.0", "paddlepaddle-gpu>=3.2")
    finding = packages.compatible("engine", python)

    assert finding.word == "MISSING"
    assert "fastdeploy-gpu" in finding.got
    assert "paddlepaddle-gpu>=3.2" in finding.got.replace(" ", "")
    assert str(python) in finding.mend


def test_a_package_that_is_missing_is_a_note(tmp_path: Path) -> None:
    """
    A vLLM without torchvision serves text all the same; only a version that is refused is a clash.
    """
    venv.create(tmp_path / "env", with_pip=False)
    (folder,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    for number in range(5):
        install(folder, f"kernels-{number}", "1.0", "no-such-package")

    finding = packages.compatible("engine", tmp_path / "env" / "bin" / "python")

    assert finding.word == "note"
    assert "no-such-package" in finding.got
    assert finding.got.endswith(" and 2 more")


def test_an_interpreter_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """
    An environment that nobody can look into isn't one that fits.
    """
    finding = packages.compatible("engine", tmp_path / "no" / "python")

    assert not finding.holds
    assert str(tmp_path / "no") in finding.got


@pytest.mark.parametrize(
    ("deploy", "paddle", "holds", "wanted"),
    [
        ("2.3.0", "3.2.1", True, "Paddle 3.2"),
        ("2.3.0", "3.1.1", False, "Paddle 3.2"),
        ("2.0.3", "3.1.0", True, "Paddle 3.1"),
        ("2.3.0", None, False, "Paddle 3.2"),
        ("9.0.0", "4.0.0", True, "a Paddle of the same time (FastDeploy doesn't say which)"),
        ("9.0.0", None, False, "a Paddle of the same time (FastDeploy doesn't say which)"),
    ],
)
def test_fastdeploy_wants_the_paddle_of_its_guide(
    tmp_path: Path, env: dict[str, str], deploy: str, paddle: str | None, holds: bool, wanted: str
) -> None:
    """
    By the pairs that its installation guides name.
    """
    install(tmp_path, "fastdeploy-gpu", deploy)
    if paddle:
        install(tmp_path, "paddlepaddle-gpu", paddle)

    finding = packages.paired(PYTHON, env)

    assert (holds, wanted) == (finding.holds, finding.wanted)
    assert finding.got == f"FastDeploy {deploy} with Paddle {paddle or '(none)'}"


@pytest.mark.parametrize(
    ("paddle", "commit", "holds"),
    [
        ("3.3.0", None, True),
        ("3.2.2", None, False),
        ("3.3.0", "f68bb752a51a", True),
        ("3.3.0", "0000000", False),
    ],
)
def test_fastdeploy_wants_the_paddle_that_it_was_compiled_with(
    tmp_path: Path, env: dict[str, str], paddle: str, commit: str | None, holds: bool
) -> None:
    """
    Its version.txt says which, by the commit where Paddle tells its own.
    """
    install(tmp_path, "fastdeploy-xpu", "2.4.0")
    install(tmp_path, "paddlepaddle-xpu", paddle)
    (tmp_path / "fastdeploy").mkdir()
    (tmp_path / "fastdeploy" / "version.txt").write_text(
        "fastdeploy GIT COMMIT ID: 23d488c\nPaddle version: 3.3.0.dev20251222\n"
        "Paddle GIT COMMIT ID: f68bb752a51a\nCUDA version: 12.6\n"
    )
    if commit:
        (tmp_path / "paddle" / "version").mkdir(parents=True)
        (tmp_path / "paddle" / "version" / "__init__.py").write_text(f"commit = '{commit}'\n")

    finding = packages.paired(PYTHON, env)

    assert holds is finding.holds
    assert finding.wanted.startswith("Paddle 3.3.0.dev20251222")


def test_an_environment_without_fastdeploy_needs_no_paddle(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """
    vLLM's, for one.
    """
    install(tmp_path, "vllm", "0.11.0")

    assert packages.paired(PYTHON, env).holds


def test_the_first_of_two_installations_counts(tmp_path: Path) -> None:
    """
    As it does for an import.
    """
    for folder, version in (("first", "1.0"), ("second", "2.0")):
        install(tmp_path / folder, "chip-kernels", version)
    env = {"PYTHONPATH": f"{tmp_path / 'first'}:{tmp_path / 'second'}"}

    assert packages.installed(PYTHON, env)["chip-kernels"] == "1.0"


@pytest.mark.parametrize(
    ("tag", "needed"),
    [
        ("Tag: cp311-cp311-manylinux_2_34_x86_64\n", 34),
        ("Tag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n", 17),
        ("Tag: cp311-cp311-manylinux_2_31_x86_64\nTag: cp311-cp311-manylinux1_x86_64\n", 5),
        ("Tag: py3-none-any\n", 0),
        ("", 0),
    ],
)
def test_a_wheel_asks_for_the_oldest_glibc_of_its_tags(
    tmp_path: Path, tag: str, needed: int
) -> None:
    """
    A wheel with two tags runs on either.
    """
    install(tmp_path, "kernels", "1.0", tag=tag)

    assert needed == packages.newest_glibc([tmp_path])[0]


@pytest.mark.parametrize(("libc", "holds"), [("2.33", False), ("2.34", True), ("2.35", True)])
def test_an_environment_made_on_a_newer_system_is_told(
    tmp_path: Path,
    env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    libc: str,
    holds: bool,
) -> None:
    """
    With the wheel that asks for it.
    """
    install(tmp_path, "kernels", "1.0", tag="Tag: cp311-cp311-manylinux_2_34_x86_64\n")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", libc))
    monkeypatch.setattr(packages, "_folders", lambda python, env=None: [tmp_path])

    finding = packages.glibc("engine", PYTHON, env)

    assert holds is finding.holds
    assert finding.wanted == "glibc 2.34 or newer, for kernels-1.0"


def test_the_engines_own_cudnn_comes_before_the_systems(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """
    It is what Paddle loads.
    """
    install(tmp_path, "nvidia-cudnn-cu12", "9.4.0.58")
    engine = EngineSite(kind="fastdeploy", python=str(PYTHON), env=env)

    found = chip.documented(
        Lab(shipped("gpu"), Site(engine=engine)),
        next(need for need in shipped("gpu").needs if need.fact == "cudnn"),
    )

    assert (found.got, found.holds) == ("9.4.0.58", False)
