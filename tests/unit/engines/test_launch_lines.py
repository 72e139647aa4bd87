"""
Launch lines of FastDeploy for every certifiable model, as reviewed snapshots.

``python tests/unit/engines/test_launch_lines.py`` writes them anew; read the difference.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ernie.engines.fastdeploy.flags import RELEASES, spelling, text_of
from pytest_ernie.engines.fastdeploy.recipes import table
from pytest_ernie.launch_command import lines
from pytest_ernie.standard import load

FOLDER = Path(__file__).with_name("launch_lines")
EDITION = load("ernie-4.5")
MODELS = [model.name for model in EDITION.models]
DATATYPES = [tier.datatype for tier in EDITION.tiers]
WINDOWS = (8192, 32768, 131072)
OTHERS = [device.kind for device in table().devices if device.kind not in ("gpu", "xpu")]
FLAG_LISTS = Path(__file__).with_name("fastdeploy_flag_lists.txt")


def whole() -> list[tuple[str, str, int]]:
    """Every model, data type and window."""
    return [(m, t, w) for m in MODELS for t in DATATYPES for w in WINDOWS]


def documented(device: str) -> list[tuple[str, str, int]]:
    """What a device's own documents describe."""
    return [
        (recipe.model, recipe.datatype, window)
        for recipe in table().recipes
        if recipe.device == device
        for window in recipe.windows
    ]


def rendered(device: str) -> str:
    """All launch lines of a device."""
    cases = whole() if device in ("gpu", "xpu") else documented(device)
    texts = (
        "\n".join(lines(model=model, device=device, datatype=datatype, window=window, cards=cards))
        for model, datatype, window in cases
        for cards in [16 if device == "iluvatar" else None]
    )
    return "\n\n".join(texts) + "\n"


@pytest.mark.parametrize("device", ["gpu", "xpu", *OTHERS])
def test_launch_lines_are_those_that_were_reviewed(device: str) -> None:
    """
    A change of a published figure, a flag or a derivation shows here as a difference.
    """
    assert (FOLDER / f"{device}.sh").read_text(encoding="utf-8") == rendered(device)


def test_the_snapshots_hold_every_model_data_type_and_window() -> None:
    """
    5 models x 3 data types x 3 windows, on both devices that are documented for most of them.
    """
    for device in ("gpu", "xpu"):
        text = (FOLDER / f"{device}.sh").read_text(encoding="utf-8")
        assert 5 * 3 * 3 == text.count("-m fastdeploy.entrypoints.openai.api_server")


def flags_of(release: str) -> set[str]:
    """The flags of a release: read from its source by hand, one a line."""
    lists: dict[str, set[str]] = {}
    name = ""
    for line in FLAG_LISTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            lists[name] = set()
        elif line and not line.startswith("#"):
            lists[name].update(line.split())
    return lists[release]


def rendered_flags(version: str) -> Iterator[tuple[str, str]]:
    """Every flag of every launch line for a release, with the case."""
    for device in ("gpu", "xpu", *OTHERS):
        for model, datatype, window in whole():
            script = "\n".join(
                lines(
                    model=model,
                    device=device,
                    datatype=datatype,
                    window=window,
                    version=version,
                    cards=16,
                )
            )
            for word in shlex.split(script, comments=True):
                if word.startswith("--"):
                    yield word.removeprefix("--"), f"{model} {datatype} {window} {device}"


@pytest.mark.parametrize("version", ["2.2", "2.4", "2.5"])
def test_each_flag_exists_in_the_release_that_it_is_rendered_for(version: str) -> None:
    """
    By lists taken from FastDeploy's own sources: a prefix, or a name of another release, isn't there.
    """
    known = flags_of(version)

    assert {} == {flag: case for flag, case in rendered_flags(version) if flag not in known}


@pytest.mark.parametrize("release", RELEASES, ids=text_of)
def test_the_double_takes_every_launch_line(release: tuple[int, int]) -> None:
    """
    Its command line was written from the same documents by somebody else: the two agree by name.
    """
    parser = doubles_flags().parser(release)
    known = {option.removeprefix("--") for option in parser._option_string_actions}

    unknown = {flag for flag, _ in rendered_flags(text_of(release)) if flag not in known}

    assert set() == unknown


def doubles_flags():  # type: ignore[no-untyped-def] # a module of another installation
    """The double's command line, which no import finds: it is what a toolchain would have."""
    import importlib.util

    import doubles.fastdeploy

    path = Path(doubles.fastdeploy.__file__).with_name("packages") / "fastdeploy" / "flags.py"
    spec = importlib.util.spec_from_file_location("doubles_fastdeploy_flags", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_old_names_are_those_of_old_releases() -> None:
    """
    --load_choices until 2.2, --load-choices from 2.3 on.
    """
    names = {text_of(release): spelling("load-choices", release) for release in RELEASES}

    assert {
        "2.0": None,
        "2.1": "load_choices",
        "2.2": "load_choices",
        "2.3": "load-choices",
        "2.4": "load-choices",
        "2.5": "load-choices",
    } == names


if __name__ == "__main__":
    for kind in ("gpu", "xpu", *OTHERS):
        (FOLDER / f"{kind}.sh").write_text(rendered(kind), encoding="utf-8")
