"""
Vendors' tools: each parser on real answers (fixtures/device_tools says where they are from).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ernie.devices import KINDS, dcu, gcu, gpu, hpu, iluvatar, metax, npu, shipped, xpu
from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.tables import cards_of
from pytest_ernie.devices.tool import Found, Unreadable

FOLDER = Path(__file__).parents[3] / "fixtures" / "device_tools"


def told(name: str) -> str:
    """What a tool printed."""
    return (FOLDER / name).read_text(encoding="utf-8")


class Told:
    """A tool that gives recorded answers, by its arguments joined with spaces."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, *arguments: str) -> str:
        words = " ".join(arguments)
        self.asked.append(words)
        return next(text for sign, text in self.answers.items() if sign in (words or "table"))


def test_every_accelerator_has_a_tool_and_says_what_it_was_tested_on() -> None:
    """
    A reader sees for which cards a real answer was found, and for which none was.
    """
    devices = [device for kind in KINDS if isinstance(device := shipped(kind), Accelerator)]

    assert len(devices) == 8
    assert [d.kind for d in devices if d.tool is None or "answer" not in d.tool.tested_on] == []


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (
            lambda: gpu.read(
                Told(
                    ecc="Enabled, [N/A], 700.00, 1980, 3201\n",
                    query=told("nvidia-smi-query-h200.txt"),
                    table=told("nvidia-smi-h200.txt"),
                )
            ),
            ("NVIDIA H200", 1, 140, "580.159.04", "96.00.A5.00.1A", "13.0"),
        ),
        (
            lambda: gpu.cards(told("nvidia-smi-query-a100.txt")),
            ("NVIDIA A100-SXM4-40GB", 2, 40, "535.129.03", "90.00.2C.00.01", None),
        ),
        (
            lambda: npu.read(Told(board=told("npu-smi-board-910b2c.txt"), info=told("npu-smi-910b2c.txt"))),
            ("Ascend 910B2C", 3, 64, "25.5.2", "7.8.0.7.220", None),
        ),
        (
            lambda: npu.cards(told("npu-smi-310p3.txt")),
            ("Ascend 310P3", 2, 43, "25.5.1", None, None),
        ),
        (
            lambda: iluvatar.read(Told(table=told("ixsmi-bi-v150.txt"))),
            ("Iluvatar BI-V150", 2, 32, "4.1.0", None, "4.1.0"),
        ),
        (
            lambda: iluvatar.cards(told("ixsmi-mr-v100.txt")),
            ("Iluvatar MR-V100 DUO", 1, 32, "4.4.0", None, "4.4.0"),
        ),
        (
            lambda: gcu.read(Told(table=told("efsmi-s60.txt"))),
            ("S60", 1, 48, "1.2.0.301", "33.6.2", None),
        ),
        (
            lambda: gcu.cards(told("efsmi-s60g.txt")),
            ("Enflame S60G", 1, 23, "1.6.3.12", "31.5.3", None),
        ),
        (
            lambda: gcu.cards(told("efsmi-l300.txt")),
            ("Enflame L300", 1, 144, "1.7.2.14", "40.2.8.3", None),
        ),
        (
            lambda: metax.read(Told(table=told("mx-smi-2.2.9-c500.txt"))),
            ("MetaX C500", 8, 64, "3.4.4", "1.30.0.0", "3.3.0.15"),
        ),
        (
            lambda: metax.cards(told("mx-smi-2.2.4-c500.txt")),
            ("MetaX C500", 1, 64, "2.14.8", "1.24.4.0", "2.33.0.5"),
        ),
        (
            lambda: dcu.read(
                Told(
                    productname=told("hy-smi-productname-bw.json"),
                    meminfo=told("hy-smi-meminfo-bw.json"),
                    driverversion=told("hy-smi-driverversion-bw.txt"),
                )
            ),
            ("BW", 2, 64, "6.3.31-V1.5.0a", None, None),
        ),
        (
            lambda: hpu.read(
                Told(**{"-L": told("hl-smi-list-gaudi2.txt"), "table": told("hl-smi-gaudi2.txt")})
            ),
            ("HL-225", 8, 96, "1.15.0-c43dc7b", "hl-gaudi2-1.20.0-fw-58.0.0-sec-9", None),
        ),
        (
            lambda: hpu.cards(told("hl-smi-gaudi3.txt")),
            ("HL-325L", 1, 128, "1.20.1-366eb9c", None, None),
        ),
    ],
)  # fmt: skip
def test_a_tool_tells_name_count_memory_and_versions(
    read: Callable[[], Found], expected: tuple[object, ...]
) -> None:
    """
    Facts that stay the same from run to run: no temperature, no load, no address.
    """
    facts = read().facts()

    names = ("name", "count", "memory_gib", "driver", "firmware", "runtime")
    assert expected == tuple(facts.get(name) for name in names)
    assert set(facts) <= {*names, "settings"}


def two_p800() -> str:
    """The recorded block twice, as its head says (the document left the second out)."""
    text = told("xpu-smi-q-p800.txt")
    return text + text[text.index("XPU 00000000:01:00.0") :]


def test_a_kunlunxin_is_told_block_by_block() -> None:
    """
    The firmware of the documents is the line "SBL Version"; L3 is no memory.
    """
    facts = xpu.read(Told(**{"-q": two_p800()})).facts()

    assert facts == {
        "name": "P800 PCIe",
        "count": 2,
        "memory_gib": 96,
        "driver": "5.0.21.26",
        "firmware": "1.54",
        "runtime": "10.2",
    }


def test_cards_that_a_tool_counts_and_does_not_describe_are_missed() -> None:
    """
    A card that fell off the bus must not make a machine of seven certified as one of eight.
    """
    with pytest.raises(Unreadable, match="counts 2 cards and describes 1"):
        xpu.cards(told("xpu-smi-q-p800.txt"))


def test_chips_are_counted_not_boards() -> None:
    """
    The visible variable of Ascend counts chips, and a board may have two.
    """
    facts = npu.cards(told("npu-smi-310p3.txt"))

    assert facts.memory_mib == (44278, 43693)


def test_the_board_of_the_first_card_is_asked_for_its_firmware() -> None:
    """
    Numbers don't start at zero on every machine.
    """
    ask = Told(board=told("npu-smi-board-910b2c.txt"), info=told("npu-smi-310p3.txt"))

    npu.read(ask)

    assert ask.asked == ["info", "info -t board -i 1"]


def test_a_gpu_without_memory_of_its_own_has_none_stated() -> None:
    """
    One that shares the host's memory prints [N/A].
    """
    found = gpu.cards("0, NVIDIA GB10, [N/A], 580.95.05, 9A.0B\n")

    assert "memory_gib" not in found.facts()


def test_unlike_cards_are_all_named() -> None:
    """
    A machine of two models is neither of them; the smallest memory counts.
    """
    facts = Found(names=("B", "A", "B"), memory_mib=(2048, 1024, 2048), driver="1").facts()

    assert (facts["name"], facts["memory_gib"]) == ("A + B", 1)


GARBAGE = "-bash: something else entirely\n"


@pytest.mark.parametrize(
    "read",
    [
        lambda: gpu.cards(""),
        lambda: gpu.cards("No devices were found\n"),
        lambda: xpu.cards(GARBAGE),
        lambda: xpu.cards(two_p800().replace("Memory Usage", "Memory")),
        lambda: xpu.cards(two_p800().replace("SBL Version", "SBL")),
        lambda: xpu.cards(two_p800().replace("Product Name", "Name")),
        lambda: npu.cards(GARBAGE),
        lambda: npu.cards(told("npu-smi-910b2c.txt").replace("3404 / 65536", "NA")),
        lambda: iluvatar.cards(GARBAGE),
        lambda: iluvatar.cards(told("ixsmi-bi-v150.txt").replace("32768MiB", "?").replace("116MiB", "?")),
        lambda: gcu.cards(GARBAGE),
        lambda: metax.cards(GARBAGE),
        lambda: hpu.cards(GARBAGE),
        lambda: dcu.cards(GARBAGE, GARBAGE, GARBAGE),
        lambda: dcu.cards(told("hy-smi-productname-bw.json"), "{}", "Driver Version: 6"),
        lambda: dcu.cards(told("hy-smi-productname-bw.json"), told("hy-smi-meminfo-bw.json"), GARBAGE),
    ],
)  # fmt: skip
def test_an_answer_that_lacks_something_is_unreadable(read: Callable[[], Found]) -> None:
    """
    A parser that guesses would certify a card that nobody saw.
    """
    with pytest.raises(Unreadable):
        read()


def test_memory_in_bytes_is_understood() -> None:
    """
    Older tools of ROCm's descent count bytes.
    """
    found = dcu.cards(
        '{"card0": {"Card Series": "K100_AI"}}',
        'WARNING: x\n{"card0": {"vram Total Memory (B)": "68702699520"}}',
        "Driver Version: 6.2.1-V1.0.0",
    )

    assert found.memory_mib == (65520,)


def test_processes_in_a_table_are_no_cards() -> None:
    """
    The list below the cards has rows that begin with a number, too.
    """
    names, memories = cards_of(told("hl-smi-gaudi2.txt"))

    assert (len(names), len(memories)) == (8, 8)
