"""
What a chip's documents require, held against its tool and the site file.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ernie.devices import KINDS, shipped
from pytest_ernie.devices.tool import Tool
from pytest_ernie.preflight import Finding, Lab, checks_for, chip
from pytest_ernie.site import EngineSite, ModelSite, Site

P800 = {"name": "P800", "count": 8, "driver": "5.0.21.10", "firmware": "1.31"}


@pytest.fixture(autouse=True)
def no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without any vendor's tool."""
    monkeypatch.setattr(Tool, "path", lambda tool: None)


def findings(kind: str, **site: Any) -> dict[str, Finding]:
    """What the chip's own checks find, by name."""
    lab = Lab(shipped(kind), Site(**site))
    return {check.name: check.run() for check in chip.checks_of(lab)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cpu"])
def test_each_chip_is_asked_for_its_cards_and_what_its_documents_require(kind: str) -> None:
    """
    Under names that can be typed for -k; listing them asks nothing.
    """
    device = shipped(kind)
    names = [check.name for check in checks_for(Lab(device))]

    wanted = ["cards", *(need.title.split(" (")[0] for need in device.needs)]
    assert wanted == names[-len(wanted) :]
    assert "toolchain_python" not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", ["cpu", "endpoint"])
def test_what_has_no_cards_is_asked_for_none(kind: str) -> None:
    """
    Only the host is checked.
    """
    assert list(chip.checks_of(Lab(shipped(kind)))) == []


@pytest.mark.parametrize(
    ("driver", "firmware", "holds"),
    [
        ("5.0.21.10", "1.31", (True, True)),
        ("5.0.21.9", "1.30", (False, False)),
        ("5.0.21.26", "1.48", (True, True)),
    ],
)
def test_a_version_is_held_against_the_documents(
    driver: str, firmware: str, holds: tuple[bool, bool]
) -> None:
    """
    At, under and over what the Kunlunxin guide asks for.
    """
    found = findings("xpu", device=P800 | {"driver": driver, "firmware": firmware})

    assert holds == (found["XPU driver"].holds, found["XPU firmware"].holds)


def test_an_old_driver_is_named_with_its_document() -> None:
    """
    And with what newer documents ask for.
    """
    found = findings("xpu", device=P800 | {"driver": "4.9"})

    assert str(found["XPU driver"]) == (
        "XPU driver: 4.9; wanted 5.0.21.10 or newer (FastDeploy's installation guide for Kunlunxin "
        "XPU; it asks for 5.0.21.26 from FastDeploy 2.4 on). Install that version or a newer one"
    )


def test_what_nobody_tells_is_missing_with_the_key_to_state() -> None:
    """
    No tool tells TopsRider's version.
    """
    found = findings("gcu", device={"name": "S60", "count": 8, "driver": "1.5.0.5"})

    assert found["GCU driver"].holds
    assert not found["TopsRider"].holds
    assert found["TopsRider"].got == "not told; state `runtime` under [device] if you know it"


def test_cards_that_nobody_tells_are_missing_with_the_tools_name() -> None:
    """
    A container without the vendor's runtime has no tool: the mend is how to start one.
    """
    found = findings("metax")["cards"]

    assert not found.holds
    assert found.got == (
        "the site file doesn't say which MetaX GPU is certified, and there is no mx-smi"
    )
    assert "--device=/dev/mxcd" in found.mend
    assert "state name, count and driver under [device]" in found.mend


def test_cards_that_are_told_are_told_on() -> None:
    """
    With where the facts are from.
    """
    assert str(findings("xpu", device=P800)["cards"]) == (
        "cards: 8 x P800 (from site file); wanted Kunlunxin XPUs that the vendor's tool or the site "
        "file tells"
    )


def test_cards_of_another_machine_are_told_with_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The difference is what was got.
    """
    device = shipped("xpu")

    class Strange(type(device), frozen=True, kw_only=True):  # type: ignore[misc]
        def facts(self, stated: dict[str, Any]) -> dict[str, Any]:
            from pytest_ernie.errors import DeviceError

            raise DeviceError("they differ", where="[device]", got="1 and 2", fix="Go home")

    strange = Strange(kind="x", title="X", paddle_name="x", visible_variable=None)
    found = chip.cards(Lab(strange))

    assert (found.got, found.mend) == ("they differ (1 and 2)", "Go home")


@pytest.mark.parametrize(
    ("cards", "holds"), [(("0", "1", "2", "3"), True), (("2", "3", "4", "5"), False)]
)
def test_tensor_parallel_is_held_against_the_chips_links(
    cards: tuple[str, ...], holds: bool
) -> None:
    """
    Four cards of one half.
    """
    engine = EngineSite(kind="fastdeploy", python="python", tensor_parallel=4)
    found = findings("xpu", device=P800, cards=cards, engine=engine)["tensor parallel 4"]

    assert holds is found.holds
    if not holds:
        assert str(found) == (
            "tensor parallel 4: cards 2, 3, 4, 5; wanted a group of 4 that Kunlunxin XPU allows: "
            "0-1-2-3 or 4-5-6-7. Name those under cards in the site file"
        )


@pytest.mark.parametrize(("gib", "holds"), [(899, False), (900, True)])
def test_a_small_host_is_a_note(monkeypatch: pytest.MonkeyPatch, gib: int, holds: bool) -> None:
    """
    The guide speaks of the 300B; the 0.3B runs on less.
    """
    monkeypatch.setattr(chip, "memory_gib", lambda: gib)
    found = findings("iluvatar")["memory of the host"]

    assert (holds, True) == (found.holds, found.passes)


def test_the_disk_is_the_smallest_that_weights_lie_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    As a whole, not what is free of it: the weights are there already.
    """
    sizes = {"/": 4000, str(tmp_path): 500}
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: SimpleNamespace(total=sizes[str(path)] * 2**30)
    )
    models = {
        "a": ModelSite(checkpoint="/no-such-folder/a"),
        "b": ModelSite(checkpoint=str(tmp_path / "b")),
    }
    found = findings("iluvatar", models=models)["disk for the weights"]

    assert (found.got, found.word) == ("500", "note")


def test_the_systems_cudnn_is_found_by_what_its_link_leads_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The loader knows libcudnn.so.9, the file behind it the whole version.
    """
    library = tmp_path / "libcudnn.so.9.5.1"
    library.write_bytes(b"")
    (tmp_path / "libcudnn.so.9").symlink_to(library)
    listed = (
        "\tlibcudnn_ops.so.9 (libc6,x86-64) => /lib/libcudnn_ops.so.9\n"
        f"\tlibcudnn.so.9 (libc6,x86-64) => {tmp_path}/libcudnn.so.9\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=listed))

    assert chip.cudnn_version(Lab(shipped("gpu"))) == "9.5.1"
    assert findings("gpu")["cuDNN"].holds


def test_a_system_without_cudnn_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Not found is not enough.
    """
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=""))
    found = findings("gpu")["cuDNN"]

    assert (found.holds, found.got) == (False, "not found")
