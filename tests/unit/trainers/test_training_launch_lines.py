"""
Launch lines of every recipe on the chips that ERNIEKit documents, as reviewed snapshots.

``python tests/unit/trainers/test_training_launch_lines.py`` writes them anew; read the difference. A file
begins with what all its 30 launches share, then has what is each one's own.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from pytest_ernie.errors import ErnieError
from pytest_ernie.launch_training import lines
from pytest_ernie.standard import load

FOLDER = Path(__file__).with_name("launch_lines")
KEYS = Path(__file__).with_name("trainer_keys.txt")
EDITION = load("ernie-4.5")
DEVICES = ("gpu", "xpu", "npu", "iluvatar")
ALL = [
    (model.name, method, length)
    for model in EDITION.models
    for method in EDITION.methods
    for length in (8192, 32768, 131072)
]


def script(
    case: tuple[str, str, int], device: str, trainer: str = "paddleformers", version: str = "1.2.0"
) -> list[str]:
    """The launch of one recipe."""
    model, method, length = case
    return list(
        lines(
            model=model,
            device=device,
            method=method,
            length=length,
            trainer=trainer,
            version=version,
        )
    )


@cache
def rendered(device: str) -> str:
    """All launches of a device: what they share, then what each has of its own."""
    scripts = [[row for text in script(case, device) for row in text.split("\n")] for case in ALL]
    shared = set(scripts[0]).intersection(*scripts)
    own = ["\n".join(row for row in rows if row not in shared) for rows in scripts]
    common = "\n".join(row for row in scripts[0] if row in shared)
    return f"# shared by all\n{common}\n\n" + "\n\n".join(own) + "\n"


@pytest.mark.parametrize("device", DEVICES)
def test_launch_lines_are_those_that_were_reviewed(device: str) -> None:
    """
    A change of a published figure, a layout, a key or a derivation shows here as a difference.
    """
    assert (FOLDER / f"{device}.sh").read_text(encoding="utf-8") == rendered(device)


@pytest.mark.parametrize("device", DEVICES)
def test_the_snapshots_hold_every_recipe(device: str) -> None:
    """
    5 models x 2 methods x 3 lengths, each with its digest.
    """
    text = (FOLDER / f"{device}.sh").read_text(encoding="utf-8")

    assert len(ALL) == len(set(re.findall(r"^# recipe ([0-9a-f]{12})", text, re.MULTILINE)))


@cache
def keys_of(trainer: str) -> frozenset[str]:
    """The settings of a trainer, read from its sources, one section each."""
    known: dict[str, set[str]] = {}
    name = ""
    for line in KEYS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            known[name] = set()
        elif line and not line.startswith("#"):
            known[name].update(line.split())
    return frozenset(known[trainer])


def settings_in(text: list[str]) -> set[str]:
    """The names in a script's YAML."""
    yaml = "\n".join(text).split("<<'END'\n")[1].split("\nEND\n")[0]
    return {row.split(":")[0] for row in yaml.split("\n")}


@pytest.mark.parametrize("version", ["1.2.0"])
@pytest.mark.parametrize("device", DEVICES)
def test_paddleformers_knows_every_setting(device: str, version: str) -> None:
    """
    It refuses a file with a name that it doesn't know, after minutes.
    """
    known = keys_of(f"paddleformers {version}")

    assert {} == {case: lost for case in ALL if (lost := settings_in(script(case, device)) - known)}


@pytest.mark.parametrize("device", DEVICES)
def test_erniekit_knows_every_setting_under_its_own_name(device: str) -> None:
    """
    batch_size, tensor_parallel_degree and the like; nothing that only PaddleFormers has.
    """
    known = keys_of("erniekit 1.4")
    scripts = {case: settings_in(script(case, device, "erniekit", "1.4.0")) for case in ALL}

    assert {} == {case: lost for case, names in scripts.items() if (lost := names - known)}


@pytest.mark.parametrize("version", ["1.0.1", "1.3.0"])
def test_an_erniekit_that_packs_is_refused(version: str) -> None:
    """
    Text samples are trained one by one; multimodal ones it doesn't pack.
    """
    with pytest.raises(ErnieError, match=rf"packs several samples.*got erniekit {version}"):
        script(("ERNIE-4.5-0.3B", "sft", 8192), "gpu", "erniekit", version)

    assert settings_in(script(("ERNIE-4.5-28B-A3B", "sft", 8192), "gpu", "erniekit", version)) <= (
        keys_of("erniekit 1.3.0")
    )


if __name__ == "__main__":
    for kind in DEVICES:
        (FOLDER / f"{kind}.sh").write_text(rendered(kind), encoding="utf-8")
