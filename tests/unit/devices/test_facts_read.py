"""
Facts from a vendor's tool: read by running it, and held against what the site file states.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.tables import required
from pytest_ernie.devices.tool import Ask, Found, Tool
from pytest_ernie.errors import DeviceError, SiteError

PRINTS = """#!{python}
import os, sys
print("Driver Version:", "5.0.21.26")
print("Arguments:", "+".join(sys.argv[1:]))
print("Chosen:", os.environ.get("XPU_VISIBLE_DEVICES"), "Language:", os.environ.get("LC_ALL"))
"""


def read(ask: Ask) -> Found:
    """Two cards, of whatever driver the tool prints."""
    text = ask("-q", "all")
    return Found(
        names=("P800 OAM", "P800 OAM"),
        memory_mib=(98304, 98304),
        driver=required(text, "Driver Version"),
        firmware="1.54",
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tool in it."""
    put(tmp_path, PRINTS)
    return tmp_path


def put(folder: Path, text: str) -> None:
    """Write the tool."""
    path = folder / "chip-smi"
    path.write_text(text.format(python=sys.executable))
    path.chmod(0o755)


def chip(folder: Path) -> Accelerator:
    """A chip whose tool lies in that folder."""
    return Accelerator(
        kind="chip",
        title="Some chip",
        paddle_name="chip",
        visible_variable="CHIP_VISIBLE_DEVICES",
        tool=Tool(
            names=("chip_smi", "chip-smi"),
            folders=(str(folder),),
            read=read,
            tested_on="this answer",
            mend="Install the driver",
        ),
    )


def test_facts_are_read_where_the_tool_is(folder: Path) -> None:
    """
    Nothing needs to be stated; what is stated besides is kept.
    """
    facts = chip(folder).facts({"rack": "B7"})

    machine = facts.pop("machine")
    assert machine
    assert facts == {
        "kind": "chip",
        "facts_from": "chip_smi",
        "name": "P800 OAM",
        "count": 2,
        "memory_gib": 96,
        "driver": "5.0.21.26",
        "firmware": "1.54",
        "rack": "B7",
    }


def test_the_tool_speaks_english_and_sees_every_card(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A tool that obeys the visible variable would make the machine another one from run to run.
    """
    monkeypatch.setenv("XPU_VISIBLE_DEVICES", "3")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    seen: list[str] = []

    def look(ask: Ask) -> Found:
        seen.append(ask("-q", "all"))
        return read(ask)

    device = chip(folder)
    assert device.tool is not None
    tool = msgspec.structs.replace(device.tool, read=look)
    tool.found()

    lines = seen[0].splitlines()[1:]
    assert lines == ["Arguments: -q+all", "Chosen: None Language: C.UTF-8"]


@pytest.mark.parametrize(
    "stated",
    [
        {"name": "P800 OAM"},
        {"name": "Kunlunxin P800", "count": 2, "driver": "5.0.21.26", "memory_gib": 96},
        {"name": "kunlunxin p800-oam"},
        {"firmware": "1.54"},
    ],
)
def test_a_site_may_state_what_the_tool_says(folder: Path, stated: dict[str, Any]) -> None:
    """
    The name as people write it means the tool's; the tool's goes into evidence.
    """
    assert chip(folder).facts(stated)["name"] == "P800 OAM"


@pytest.mark.parametrize(
    ("stated", "difference"),
    [
        ({"count": 8}, "count 8 in the site file, 2 from chip-smi"),
        ({"memory_gib": 64}, "memory_gib 64 in the site file, 96 from chip-smi"),
        (
            {"driver": "5.0.21.2"},
            "driver '5.0.21.2' in the site file, '5.0.21.26' from chip-smi",
        ),
        ({"firmware": "1.5"}, "firmware '1.5' in the site file, '1.54' from chip-smi"),
        ({"name": "R200"}, "name 'R200' in the site file, 'P800 OAM' from chip-smi"),
        ({"name": "NVIDIA"}, "name 'NVIDIA' in the site file, 'P800 OAM' from chip-smi"),
        ({"name": ""}, "name '' in the site file, 'P800 OAM' from chip-smi"),
        (
            {"name": "P8000", "count": 3},
            "name 'P8000' in the site file, 'P800 OAM' from chip-smi; count 3 in the site file, "
            "2 from chip-smi",
        ),
    ],
)
def test_a_site_that_says_otherwise_is_refused_with_both(
    folder: Path, stated: dict[str, Any], difference: str
) -> None:
    """
    Evidence of one machine under the name of another certifies what nobody measured.
    """
    with pytest.raises(DeviceError) as caught:
        chip(folder).facts(stated)

    expected = (
        "[device]: the site file and the machine don't agree on what is certified; got "
        f"{difference}. Leave out of [device] what the machine tells by itself, or go to the right "
        "machine"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("stated", "told", "same"),
    [
        ("NVIDIA A100", "NVIDIA A100-SXM4-80GB", True),
        ("A100 80GB", "NVIDIA A100-SXM4-80GB", True),
        ("A100 40GB", "NVIDIA A100-SXM4-80GB", False),
        ("NVIDIA A10", "NVIDIA A100-SXM4-80GB", False),
        ("NVIDIA A800", "NVIDIA A100-SXM4-80GB", False),
        ("Hygon K100AI", "K100_AI", True),
        ("Hygon K100", "BW", False),
        ("BW", "BW", True),
    ],
)
def test_a_model_is_told_from_its_neighbours(
    folder: Path, stated: str, told: str, same: bool
) -> None:
    """
    Each word with a figure must be the tool's; the maker's name may be added.
    """
    device = chip(folder)
    assert device.tool is not None
    tool = msgspec.structs.replace(device.tool, read=lambda ask: Found(names=(told,), driver="1"))
    device = msgspec.structs.replace(device, tool=tool)

    if same:
        assert device.facts({"name": stated})["name"] == told
    else:
        with pytest.raises(DeviceError):
            device.facts({"name": stated})


def test_a_driver_may_be_stated_without_its_build(folder: Path) -> None:
    """
    1.22.0 is what the documents call 1.22.0-bd87f71.
    """
    put(folder, PRINTS.replace("5.0.21.26", "1.22.0-bd87f71"))

    assert chip(folder).facts({"driver": "1.22.0"})["driver"] == "1.22.0-bd87f71"


def test_a_site_may_keep_the_tool_unasked_and_evidence_says_so(folder: Path) -> None:
    """
    For a tool of a newer version, whose answer can't be read yet.
    """
    stated = {"name": "R200", "count": 8, "driver": "9", "read": False}

    facts = chip(folder).facts(stated)

    assert (facts["facts_from"], facts["name"], "read" in facts) == ("site file", "R200", False)


def test_read_is_true_or_false(folder: Path) -> None:
    """
    A word that is neither would be taken for true.
    """
    with pytest.raises(SiteError) as caught:
        chip(folder).facts({"read": "no"})

    assert "[device]: read is true or false; got 'no'" == str(caught.value)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("#!/bin/sh\necho No devices found >&2; exit 9\n", "it left with 9: No devices found"),
        ("#!/bin/sh\nexit 1\n", "it left with 1: silence"),
        ("#!/bin/sh\necho hello\n", "it has no 'Driver Version'; it begins 'hello'"),
        ("#!/bin/sh\n", "it has no 'Driver Version'; it begins 'nothing'"),
        ("\0", "Exec format error"),
    ],
)
def test_a_tool_that_fails_is_an_error_that_says_how_to_go_on(
    folder: Path, program: str, words: str
) -> None:
    """
    Falling back on the site's word in silence would hide a card that is gone.
    """
    put(folder, program)

    with pytest.raises(DeviceError) as caught:
        chip(folder).facts({"name": "R200", "count": 8, "driver": "9"})

    text = str(caught.value)
    assert text.startswith(f"[device]: the answer of chip-smi can't be read: {words}. Install")
    assert "set `read = false` under [device]" in text


def test_a_tool_that_hangs_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A card that fell off the bus makes some tools wait for ever.
    """
    put(folder, "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("pytest_ernie.devices.tool.ANSWER_S", 0.2)

    with pytest.raises(DeviceError, match=r"nothing came within 0\.2 s"):
        chip(folder).facts({})


def test_no_card_is_an_error(folder: Path) -> None:
    """
    A container without the vendor's runtime has the tool and sees nothing.
    """
    device = chip(folder)
    assert device.tool is not None
    tool = msgspec.structs.replace(device.tool, read=lambda ask: Found(names=(), driver="1"))

    with pytest.raises(DeviceError) as caught:
        tool.found()
    assert "[device]: chip-smi sees no card. Install the driver" == str(caught.value)


def test_the_first_spelling_that_is_there_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    PATH before the vendor's folders, and None where the tool is nowhere.
    """
    tool = chip(folder).tool
    assert tool is not None
    assert tool.path() == str(folder / "chip-smi")

    monkeypatch.setenv("PATH", str(folder))
    (folder / "chip_smi").symlink_to("chip-smi")
    assert tool.path() == str(folder / "chip_smi")

    assert Tool(names=("no-such-smi",), read=read, tested_on="").path() is None
